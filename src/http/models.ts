/** Owns `/models`: one body that OpenAI's clients and Codex both read. */
import type { ModelInfo } from "../engine/engine.ts";
import { ApiError } from "../errors.ts";
import { codexModel } from "./codex-model.ts";
import type { Handler } from "./exchange.ts";

const created = Math.floor(Date.now() / 1000);

/** `GET /models`: OpenAI's list in `data`, Codex's catalog in `models`. */
export const listModels: Handler = async (exchange, { engine }) => {
  const models = await engine.models();
  return exchange.json({ object: "list", data: models.map(openAiModel), models: models.map(codexModel) });
};

/** `GET /models/{id}`; ids may hold slashes. */
export const getModel: Handler = async (exchange, { engine }) => {
  const id = exchange.req.param("id") ?? "";
  const model = (await engine.models()).find((each) => each.id === id);
  if (!model) throw new ApiError("model_not_found", `The model '${id}' does not exist here. GET /v1/models lists all.`);
  return exchange.json(openAiModel(model));
};

function openAiModel({ id }: ModelInfo): object {
  return { id, object: "model", created, owned_by: "antiphon" };
}
