/** Owns every bound of the program, each with its reason; nothing else holds a magic number that limits work or memory. */

const KiB = 1024;
const MiB = 1024 * KiB;
const second = 1000;
const minute = 60 * second;

export const limits = {
  /** Request body, counted decompressed while it streams in: Codex histories with images pass 50 MB. */
  bodyBytes: 64 * MiB,
  /** Larger JSON bodies are parsed in a worker: 64 MiB would block the event loop for 226 ms. */
  inlineJsonBytes: 4 * MiB,
  /** Nesting of a request body: far above any schema in use, far below what overflows a recursive walk. */
  jsonDepth: 200,
  /** Items of one request's `input`; a long Codex thread holds a few thousand. */
  inputItems: 50_000,
  /** Tools that one request may offer: MCP servers bring hundreds. */
  tools: 4_096,
  /** Characters of a tool's name; upstreams see at most 64 of them, with a digest. OpenAI allows 128. */
  toolNameChars: 1_024,
  /** Values in the schema of an answer: OpenAI allows 5,000 properties, and each is checked before the model is asked. */
  schemaValues: 50_000,
  /** Steps of checking one answer against its schema: more than any real one takes, and a moment of the event loop. */
  fitSteps: 200_000,
  /** An error message, in characters, and a name in it that a client chose: such a name may be as long as the body. */
  errorChars: 2_000,
  errorNameChars: 100,
  /** Responses walked through `previous_response_id`; every one adds its items to the prompt. */
  historyResponses: 10_000,
  /** Responses kept by the in-memory store before the oldest is dropped. */
  memoryResponses: 5_000,
  /** Memory that they may take: clients that replay send their whole history, with images, in every turn. */
  memoryBytes: 512 * MiB,
  /** Silence on a stream before `response.in_progress` is sent again: Codex counts only data events as life. */
  keepAliveMs: 10 * second,
  /** How long a request for JSON waits for a model to be loaded: proxies give a silent connection a minute. */
  loadingMs: 50 * second,
  /** SSE comments between events, for proxies that close silent connections. */
  commentMs: 5 * second,
  /** A client that stays connected but takes nothing of its stream for so long is cut off: it holds a slot of the engine. */
  stalledMs: 5 * minute,
  /** What `check-stream` reads of one event and of one stream, in characters: a million tokens come in some 300 million. */
  checkEventChars: 64 * MiB,
  checkStreamChars: 400 * MiB,
  /** Kept of what may not be a stream at all, to say what it is. */
  checkHeadChars: 4 * KiB,
  /** Places kept of one broken rule, and how many of them people are shown. */
  checkPlaces: 100,
  checkPlacesShown: 3,
  /** How long shutdown lets running streams finish before it ends them. */
  shutdownMs: 10 * second,
  /** Request headers and body must arrive within this, against slow-loris clients. */
  requestMs: 2 * minute,
  /** Tries of one turn with ever stricter prompt shapes (0 to 3) when a chat template refuses. */
  promptShapes: 4,
  /** Deltas the gate may hold for one buffered call, in characters. */
  callChars: 8 * MiB,
  /** White space around thinking that is left out, in characters; a model in a loop may write nothing else. */
  blankChars: 1024,
  /** Text of one answer, thinking included, in characters: a model in a loop without a limit would fill the memory. */
  answerChars: 16 * MiB,
  /** Threads whose prompt shape is remembered. */
  rememberedShapes: 4_096,
  /** Models of an upstream of which is remembered what it refuses. */
  rememberedModels: 256,
  /** White space that may stand between a single quote and what follows it, for the quote to end a string. */
  repairAhead: 64,
  /** What looks like a call in one message and is none, before it counts as a message about calls, in which there are none. */
  leakMisses: 16,
  /** What is looked at of a line to tell whether code begins in it. */
  codeLineChars: 4 * KiB,
  /** Fences, JSON and shell commands that a model wraps around one another and a patch; three were seen. */
  patchLayers: 8,
  /** Calls one turn may hold open at once; beyond it an upstream is broken. */
  openCalls: 128,
  /** `input_items` page size (OpenAI's maximum and default). */
  pageItems: 100,
  pageItemsDefault: 20,
  /** Connections to one upstream; requests beyond it wait, since servers queue worse than we do. */
  upstreamConnections: 256,
  /** More of them, for the small questions. */
  upstreamAsking: 4,
  upstreamConnectMs: 10 * second,
  /** Until an upstream's headers: Ollama sends none before the model is loaded and the prompt is read. */
  upstreamHeadersMs: 30 * minute,
  /** Silence in an upstream's stream before it counts as dead: vLLM is silent for all of a long prefill. */
  upstreamIdleMs: 10 * minute,
  /** Silence after the finish reason, before the answer counts as whole: usage and `[DONE]` come with it or never. */
  upstreamGraceMs: 3 * second,
  /** A kept-alive connection that the upstream closed meanwhile fails within a round trip; later, it read the prompt. */
  upstreamStaleMs: 100,
  /** Stale connections tried in a row. */
  upstreamStaleTries: 3,
  /** The small questions: models, dialect, token counts. */
  upstreamProbeMs: 5 * second,
  /** How long a list of models counts as fresh. */
  upstreamModelsMs: 15 * second,
  /** How long a request waits for an upstream that says it is loading its model, and how often it asks. */
  upstreamLoadingMs: 10 * minute,
  upstreamLoadingPollMs: 1 * second,
  /** One event of an upstream's stream, in characters: a whole call may come in one. */
  upstreamEventChars: 16 * MiB,
  /** Of an upstream's stream that is read ahead of a client that takes nothing; the connection holds as much again. */
  upstreamHeldBytes: 16 * KiB,
  /** A JSON answer of an upstream, in bytes. */
  upstreamJsonBytes: 64 * MiB,
  /** What is read of an upstream's error body, in bytes: FastAPI's quotes the request, and says nothing when it is cut. */
  upstreamErrorBytes: 4 * MiB,
  /** What an error message quotes of an upstream's own words, in characters. */
  upstreamQuoteChars: 600,
  /** A model hub or registry that has not answered by then counts as unreachable, and the next source is tried. */
  hubConnectMs: 4 * second,
  /** Redirects followed for one file; hubs use one or two. */
  hubRedirects: 5,
  /** How often a process looks whether another has fetched a file, renews its own mark, and when a mark counts as left behind. */
  lockPollMs: second / 2,
  lockRenewMs: 5 * second,
  lockStaleMs: 30 * second,
  /** Silence in the middle of a download before the connection is given up and taken up anew. */
  downloadStallMs: 30 * second,
  /** Tries in a row that bring nothing before a download fails, and the pause after the first (doubled each time). */
  downloadTries: 5,
  downloadBackoffMs: 500,
  /** Bytes hashed at once: small enough to keep the event loop free, large enough to be fast. */
  hashChunkBytes: 4 * MiB,
  /** Pause between two looks at how far another program's download has come. */
  reportMs: 500,
  /** Kept of another program's error output, to quote its last line. */
  complaintChars: 4 * KiB,
  /** Nesting of a tool's JSON Schema; what lies deeper takes anything. */
  schemaDepth: 100,
  /** Nesting of a JSON Schema that a grammar follows; what lies deeper takes any JSON. */
  grammarDepth: 64,
  /** A grammar or a pattern that a client wrote, in characters: Codex's is shorter than one thousand. */
  grammarTextChars: 64 * KiB,
  /** Digits before the point of a number that a grammar keeps below a bound: beyond, there is no bound. */
  grammarDigits: 40,
  /** Rules of one grammar before the rest of the schemas takes any JSON: Codex with many MCP servers needs some 2,000. */
  grammarRules: 10_000,
  /** Values of one `enum`. */
  grammarChoices: 2_000,
  /** Choices that two lists of choices make together: ten lists of ten would make ten thousand million. */
  grammarProduct: 256,
  /** Calls in one answer of the embedded engine: small models never find the end of a list of calls. */
  engineCalls: 16,
  /** Repetitions that are counted exactly; llama.cpp unrolls each into a rule and refuses more than 2,000. */
  grammarRepeats: 256,
  /**
   * Prompt tokens read at a time by the embedded engine: between them an abort is honoured, progress told, and other answers
   * get on. As many as take the named milliseconds, between bounds; `alone`: at least, where no other answer waits, since
   * the fewer are read at a time, the more each costs.
   */
  prefillStride: { first: 256, least: 8, alone: 64, most: 2_048, ms: 150 },
  /** Tokens read at a time for all slots of the embedded engine together. */
  engineBatch: 512,
  /** Pieces of an answer that the embedded engine may be ahead of the one who reads it, and how many are confirmed at once. */
  engineAhead: 32,
  engineConfirm: 8,
  /** Prompts that may wait for a slot; a client that is refused may try again. */
  engineQueue: 1_024,
  /** Threads of clients of which is remembered how much was read, to tell when it is lost. */
  engineThreads: 1_024,
  /** A prompt that waits is told its place when it has moved up by one of so many parts. */
  engineQueueSteps: 8,
  /** Tokens at the end of a prompt that the next turn's may lack: templates end one with marks, empty thinking among them. */
  enginePromptEnd: 16,
  /** What is kept of the engine process's standard error for the log, in characters. */
  engineStderrChars: 4 * KiB,
  /** Error lines of llama.cpp kept to explain why a model cannot be loaded (the first says most), and the wait for them. */
  engineComplaints: 8,
  engineComplaintMs: second / 5,
  /** Pause before the engine process is started anew: doubled with each crash in a row, up to the second. */
  engineRestartMs: 100,
  engineRestartMaxMs: 10 * second,
  /** Crashes in a row while loading after which the model is given up. */
  engineLoadTries: 3,
  /** Crashes within a time, whatever it was doing, after which the engine is given up: a loop would burn a core for ever. */
  engineCrashes: 3,
  engineCrashesMs: 1 * minute,
  /** How often a busy engine process is asked whether it gets on, and the time without a step after which it is killed. */
  enginePingMs: 15 * second,
  engineStuckMs: 5 * minute,
  /** How long it may save slots before it ends; in the second half it begins no further one. */
  engineSaveMs: 1 * minute,
  /** Tries to put saved slots in their place, and to delete a folder: other servers, and scanners on Windows, are in the way. */
  engineSaveTries: 3,
  /** How long the engine process may take to end before it is killed. */
  engineCloseMs: 5 * second,
  /** How often an installation's progress is looked up, and when one that did not end counts as abandoned. */
  installPollMs: second / 2,
  installAbandonedMs: 60 * minute,
  /** How often a llama-server of ours that just started is asked whether it listens. */
  llamaServerPollMs: 100,
  /** Compiled grammars kept: clients send the same tools with every turn. */
  engineGrammars: 32,
  /** Strings that end an answer (OpenAI takes 4), and tokens whose odds a request may change. */
  stopStrings: 16,
  logitBiases: 1_024,
  /** Tokens that presence and frequency penalties look back on. */
  penaltyTokens: 1_024,
  /** Values in one request body, counted before it is parsed: 64 MiB of `{}` would fill gigabytes; Codex's longest use 500,000. */
  jsonValues: 2_000_000,
  /** How much of a large body is taken over from the worker at a time, in values: some 5 ms of the event loop. */
  jsonPortion: 20_000,
  /** Large bodies parsed at once. */
  jsonWorkers: 2,
  /** Memory of the worker that parses a large body, in MiB. */
  jsonWorkerMiB: 1_024,
  /** Headers of a request: Codex sends JSON in `x-codex-turn-metadata`. */
  headerBytes: 64 * KiB,
  /** What is taken over from a client's header (request id, thread id), in characters. */
  headerChars: 256,
  /** An idle connection is kept this long: longer than clients keep theirs, so that none writes into a closing one. */
  idleConnectionMs: 75 * second,
  /** What `retry-after` says on 429 and 503, in seconds. */
  retryAfterSeconds: 2,
  /** How long streams may take to send their last event once shutdown has ended them. */
  shutdownGraceMs: 2 * second,
  /** How long browsers may remember a preflight's answer, in seconds. */
  preflightSeconds: 600,
  /** How long one key seals thinking, and how many are kept to open it: two years' worth of threads. */
  sealKeyMs: 90 * 24 * 60 * minute,
  sealKeys: 8,
  /** How far sealed thinking may grow when it is opened; prose and code shrink to a half or a quarter. */
  sealRatio: 8,
  /** What a model is shown of one text file: a million tokens, which is more than models that run here read. */
  fileTextBytes: 4 * MiB,
  /** What a model is shown of all files of a thread together, in characters; those that come first are shown first. */
  threadFileChars: 32 * MiB,
  /** A data URL that is not base64, in characters: its escapes are undone a byte at a time, and programs use base64. */
  plainDataUrlChars: 1 * MiB,
  /** What is shown of a file's name and of a link to one, in characters. */
  fileNameChars: 200,
  fileUrlChars: 500,
  /** A PDF, in bytes: what a body of the largest size holds as base64. Decoding and hashing one holds the event loop for 60 ms. */
  pdfBytes: 48 * MiB,
  /** Pages read of one PDF, and text kept of it, in characters. */
  pdfPages: 1_000,
  pdfChars: 4 * MiB,
  /** Time for one PDF: a thousand pages of print take a few seconds, so that what takes longer is made to. */
  pdfMs: 30 * second,
  /** Memory of the worker that reads PDFs, buffers included, in MiB, and how often it is looked at: deflated streams grow a thousandfold. */
  pdfMemoryMiB: 512,
  pdfMemoryPollMs: 50,
  /** The worker that reads PDFs ends after a rest: its parser alone takes 40 MiB. */
  pdfIdleMs: 1 * minute,
  /** PDFs that wait to be read, in bytes together; a client that is refused may try again. */
  pdfWaitingBytes: 256 * MiB,
  /** Texts of PDFs remembered, in characters together: clients send a file anew with every turn. */
  pdfKeptChars: 32 * MiB,
  /** PDFs remembered as not readable. */
  pdfKeptRefusals: 10_000,
} as const;
