/** Owns the grammars of whole answers: calls of the offered tools, text that fits a format, and thinking before either. */
import { limits } from "../../limits.ts";
import { type Fields, isFields } from "../../spec/json.ts";
import type { EngineRequest, EngineTool } from "../engine.ts";
import { type AnswerForm, type CallForm, type CallTags, harmony, frameOf, plainForm } from "../format/forms.ts";
import { typesOf } from "../format/tags.ts";
import { recipientMark, recipientPrefix } from "../format/harmony.ts";
import { asJson, asNoted, dump, type Notation } from "./notations.ts";
import { larkExpression } from "./lark.ts";
import { attempted, regexExpression } from "./regex.ts";
import { literal, oneOf, RuleBook, textUntil } from "./rules.ts";
import { asItIs, type Spelling } from "./text.ts";
import { choicesOf, schemaExpression } from "./schema.ts";

/** A GBNF grammar whose first rule is `root`, and from where on it holds. */
export interface AnswerGrammar {
  readonly from: "start" | "call";
  readonly source: string;
}

/** Whether thinking may come before what the grammar asks for: not at all, by the model's choice, or it is under way. */
export type Thinking = "none" | "possible" | "begun";

export interface GrammarOptions {
  readonly thinking: Thinking;
  readonly form?: AnswerForm;
  /** False: arguments are any object, and a format is any JSON; for schemas that llama.cpp refuses. */
  readonly exact: boolean;
}

/** The tools that this request may call: none, all, or the named ones. */
export function callableTools({ tools, toolChoice }: EngineRequest): readonly EngineTool[] {
  if (toolChoice === "none") return [];
  const callable = tools.filter((tool) => tool.callable);
  return typeof toolChoice === "string" ? callable : callable.filter(({ name }) => toolChoice.names.includes(name));
}

/** What the answer to `request` must fit; null where anything goes. */
export function answerGrammar(request: EngineRequest, options: GrammarOptions): AnswerGrammar | null {
  const { thinking, exact, form = plainForm } = options;
  const parts = partsOf(form);
  const rules = new RuleBook();
  const tools = callableTools(request);
  const calls = tools.length === 0 ? null : callsRule(tools, request.parallelToolCalls, form.calls, exact, rules);
  const fitting = formatExpression(request, exact, rules);
  const format = fitting === null ? null : `${literal(parts.text)} ${fitting}`;
  const forced = calls !== null && request.toolChoice !== "auto";
  if (calls !== null && format === null && !forced)
    return { from: "call", source: `root ::= ${calls}\n${rules.toString()}` };
  const choices: string[] = [];
  if (calls !== null) choices.push(`${parts.call} ${calls}`);
  if (format !== null && !forced) choices.push(format);
  if (choices.length === 0) return null;
  const root = afterThinking(rules.add("answer", oneOf(choices)), thinking, parts, rules);
  return { from: "start", source: `root ::= ${root}\n${rules.toString()}` };
}

/** What stands around the parts of a whole answer. */
interface AnswerParts {
  readonly thinking: { readonly open: string; readonly close: string; readonly after: string };
  /** Before text. */
  readonly text: string;
  /** Up to where `callsRule` goes on, as GBNF. */
  readonly call: string;
}

function partsOf({ thinking, calls }: AnswerForm): AnswerParts {
  if (calls.type !== "harmony")
    return { thinking: { ...thinking, after: "" }, text: "", call: literal(frameOf(calls).open) };
  const { start, channel, message, end } = harmony;
  return {
    thinking: { open: `${channel}analysis${message}`, close: end, after: `${start}assistant` },
    text: `${channel}final${message}`,
    // The channel may come before the recipient or behind it.
    call: `${literal(`${channel}commentary`)}? ${literal(recipientMark)}`,
  };
}

/** One call or several, from behind the mark of the first to the end of the last. */
function callsRule(
  tools: readonly EngineTool[],
  parallel: boolean,
  form: CallForm,
  exact: boolean,
  rules: RuleBook,
): string {
  const bodies = oneOf(tools.map((tool) => callRule(tool, form, exact, rules)));
  // The token that ends a call in Harmony ends the answer.
  if (form.type === "harmony") return rules.add("calls", bodies);
  const { open, close, between, together } = frameOf(form);
  const [call, before, after] = together
    ? [rules.add("call", bodies), between, literal(close)]
    : [rules.add("call", `${bodies} ${literal(close)}`), between + open, '""'];
  const more = `(${literal(before)} ${call}){0,${limits.engineCalls - 1}}`;
  return rules.add("calls", `${call} ${parallel ? more : ""} ${after}`);
}

/** One call of `tool`, without the marks around it. */
function callRule(tool: EngineTool, form: CallForm, exact: boolean, rules: RuleBook): string {
  if (form.type === "tags") return taggedCall(tool, form.tags, exact, rules);
  const args = argumentsRule(tool, form.type === "noted" ? asNoted : asJson, exact, rules);
  switch (form.type) {
    case "noted":
      return rules.fresh(`${literal(form.frame.lead + tool.name)} ${args}`);
    case "json": {
      const { lead, numbered, afterName, end } = form.frame;
      const count = numbered ? '":" [0-9]+' : "";
      return rules.fresh(`${literal(lead + tool.name)} ${count} ${literal(afterName)} ${args} ${literal(end)}`);
    }
    case "harmony":
      return rules.fresh(`${literal(recipientPrefix + tool.name)} ${headerEnd(rules)} ${args}`);
  }
}

function headerEnd(rules: RuleBook): string {
  const { channel, constrain, message } = harmony;
  const lane = `(${literal(channel)} ("commentary" | "analysis"))?`;
  return rules.add("header", `${lane} (" "? ${literal(constrain)} "json" | " json")? ${literal(message)}`);
}

function argumentsRule(tool: EngineTool, notation: Notation, exact: boolean, rules: RuleBook): string {
  const input = inputExpression(tool, notation.input, exact, rules);
  if (input !== null) {
    const { colon, quote } = notation;
    return `${literal(`{${notation.key(inputKey)}${colon}${quote}`)} ${input} ${literal(`${quote}}`)}`;
  }
  return exact ? schemaExpression(withType(tool.parameters), rules, notation) : notation.any("object", rules);
}

/** Arguments in the schema's order; the optional ones may be left out, and there are no others than it names, if it names any. */
function taggedCall(tool: EngineTool, tags: CallTags, exact: boolean, rules: RuleBook): string {
  const { name, parameters } = tool;
  const properties = isFields(parameters["properties"]) ? Object.entries(parameters["properties"]) : [];
  const required: readonly unknown[] = Array.isArray(parameters["required"]) ? parameters["required"] : [];
  let rest = rules.fresh(literal(tags.end));
  if (properties.length === 0 && parameters["additionalProperties"] !== false) rest = anyArguments(tags, rest, rules);
  for (const [key, schema] of properties.toReversed()) {
    const input = key === inputKey ? inputExpression(tool, asItIs, exact, rules) : null;
    const value =
      input === null
        ? taggedValue(exact ? schema : true, parameters, tags, rest, rules)
        : `${literal(tags.beforeText)} ${input} ${literal(tags.afterValue)} ${rest}`;
    const argument = `${literal(tags.beforeKey + key)} (${value})`;
    rest = rules.fresh(required.includes(key) ? argument : `${argument} | ${rest}`);
  }
  return rules.fresh(`${literal(tags.before + name + tags.afterName)} ${rest}`);
}

function anyArguments(tags: CallTags, after: string, rules: RuleBook): string {
  const again = rules.reserve();
  const value = taggedValue(true, {}, tags, again, rules);
  rules.add(again, `${literal(tags.beforeKey)} [A-Za-z0-9_.-]{1,64} (${value}) | ${after}`);
  return again;
}

/** What is text stands as it is, up to the mark; everything else as JSON. */
function taggedValue(schema: unknown, root: Fields, tags: CallTags, after: string, rules: RuleBook): string {
  const [text, json, end] = [
    literal(tags.beforeText),
    literal(tags.beforeJson),
    `${literal(tags.afterValue)} ${after}`,
  ];
  const values = isFields(schema) ? choicesOf("const" in schema ? { enum: [schema["const"]] } : schema) : null;
  if (values !== null) {
    const said = values.map((value) =>
      typeof value === "string" ? `${text} ${literal(value)}` : `${json} ${literal(dump(value))}`,
    );
    return `${oneOf(said)} ${end}`;
  }
  const types = typesOf(schema, root);
  const words = types.size === 0 || types.has("string") ? `${text} ${textUntil(tags.afterValue, after, rules)}` : null;
  // Where nothing tells the two apart, what may be text is.
  if (words !== null && (json === text || types.size === 1)) return words;
  const { $defs, definitions } = root;
  const value = `${json} ${schemaExpression({ ...(isFields(schema) ? schema : {}), $defs, definitions }, rules)} ${end}`;
  return words === null ? value : `${words} | ${value}`;
}

/** The one argument of a custom tool. */
const inputKey = "input";

/** The input of a custom tool that has a grammar; null for others, and where that cannot be said. */
function inputExpression(
  { inputGrammar }: EngineTool,
  spelling: Spelling,
  exact: boolean,
  rules: RuleBook,
): string | null {
  if (inputGrammar === null || !exact) return null;
  const { syntax, definition } = inputGrammar;
  const input = attempted(() =>
    syntax === "lark" ? larkExpression(definition, rules, spelling) : regexExpression(definition, spelling),
  );
  return input === null ? null : `(${input})`;
}

/** Arguments are an object, whatever a careless schema says or leaves out. */
function withType(parameters: EngineTool["parameters"]): EngineTool["parameters"] {
  return "$ref" in parameters ? parameters : { ...parameters, type: "object" };
}

function formatExpression({ format }: EngineRequest, exact: boolean, rules: RuleBook): string | null {
  switch (format.type) {
    case "text":
      return null;
    case "json_object":
      return asJson.any("object", rules);
    case "json_schema":
      if (exact) return schemaExpression(format.schema, rules);
      return schemaExpression(format.schema["type"] === "object" ? { type: "object" } : true, rules);
  }
}

function afterThinking(answer: string, thinking: Thinking, parts: AnswerParts, rules: RuleBook): string {
  if (thinking === "none") return answer;
  const { open, close, after } = parts.thinking;
  const thought = textUntil(close, rules.add("thought", `[\\n]{0,4} ${literal(after)} ${answer}`), rules);
  return thinking === "begun" ? thought : `${answer} | [\\n]{0,2} ${literal(open)} ${thought}`;
}
