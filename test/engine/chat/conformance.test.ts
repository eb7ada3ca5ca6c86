/** Owns the check that the upstream engine keeps the contract, over servers of two dialects that it has to detect. */
import { createChatEngine } from "../../../src/engine/chat/chat.ts";
import { silentLog } from "../../../src/log.ts";
import { engineConformance } from "../conformance.ts";
import { identities, scriptedServer, startUpstream } from "../upstream.ts";

for (const [name, identity] of Object.entries(identities)) {
  engineConformance(`chat over ${name}`, async () => {
    const upstream = await startUpstream(scriptedServer(identity));
    const engine = createChatEngine({ baseUrl: upstream.url, apiKey: null, dialect: null, log: silentLog });
    return {
      engine,
      async close() {
        await engine.close();
        await upstream.close();
      },
    };
  });
}
