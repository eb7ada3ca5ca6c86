/** Owns the grammars of whole answers: calls of the offered tools, text that fits a format, and thinking before either. */
import { limits } from "../../limits.ts";
import type { EngineRequest, EngineTool, InputGrammar } from "../engine.ts";
import { callTags, thinkTags } from "../format/marker.ts";
import { larkExpression } from "./lark.ts";
import { attempted, regexExpression } from "./regex.ts";
import { literal, oneOf, RuleBook, textUntil } from "./rules.ts";
import { anyObject, schemaExpression } from "./schema.ts";

/** A GBNF grammar whose first rule is `root`, and from where on it holds. */
export interface AnswerGrammar {
  readonly from: "start" | "call";
  readonly source: string;
}

/** Whether thinking may come before what the grammar asks for: not at all, by the model's choice, or it is under way. */
export type Thinking = "none" | "possible" | "begun";

export interface GrammarOptions {
  readonly thinking: Thinking;
  /** False: arguments are any object, and a format is any JSON; for schemas that llama.cpp refuses. */
  readonly exact: boolean;
}

/** The tools that this request may call: none, all, or the named ones. */
export function callableTools({ tools, toolChoice }: EngineRequest): readonly EngineTool[] {
  if (toolChoice === "none") return [];
  if (typeof toolChoice === "string") return tools;
  return tools.filter(({ name }) => toolChoice.names.includes(name));
}

/** What the answer to `request` must fit; null where anything goes. */
export function answerGrammar(request: EngineRequest, { thinking, exact }: GrammarOptions): AnswerGrammar | null {
  const rules = new RuleBook();
  const tools = callableTools(request);
  const calls = tools.length === 0 ? null : callsRule(tools, request.parallelToolCalls, exact, rules);
  const format = formatExpression(request, exact, rules);
  const forced = calls !== null && request.toolChoice !== "auto";
  if (calls !== null && format === null && !forced)
    return { from: "call", source: `root ::= ${calls}\n${rules.toString()}` };
  const choices: string[] = [];
  if (calls !== null) choices.push(`${literal(callTags.open)} ${calls}`);
  if (format !== null && !forced) choices.push(format);
  if (choices.length === 0) return null;
  const root = afterThinking(rules.add("answer", oneOf(choices)), thinking, rules);
  return { from: "start", source: `root ::= ${root}\n${rules.toString()}` };
}

/** One call or several, from behind the first opening tag to behind the last closing one. */
function callsRule(tools: readonly EngineTool[], parallel: boolean, exact: boolean, rules: RuleBook): string {
  const bodies = tools.map(({ name, parameters, inputGrammar }) => {
    const input = exact && inputGrammar !== null ? inputExpression(inputGrammar, rules) : null;
    const fields = input ?? (exact ? schemaExpression(withType(parameters), rules) : anyObject(rules));
    return rules.fresh(`${literal(`${JSON.stringify(name)}, "arguments": `)} ${fields}`);
  });
  const call = rules.add("call", `${literal('\n{"name": ')} ${oneOf(bodies)} ${literal(`}\n${callTags.close}`)}`);
  return rules.add(
    "calls",
    parallel ? `${call} (${literal(`\n${callTags.open}`)} ${call}){0,${limits.engineCalls - 1}}` : call,
  );
}

/** The arguments of a custom tool whose input has a grammar; null where that cannot be said. */
function inputExpression({ syntax, definition }: InputGrammar, rules: RuleBook): string | null {
  const input = attempted(() => (syntax === "lark" ? larkExpression(definition, rules) : regexExpression(definition)));
  return input === null ? null : `${literal('{"input": "')} (${input}) ${literal('"}')}`;
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
      return anyObject(rules);
    case "json_schema":
      if (exact) return schemaExpression(format.schema, rules);
      return schemaExpression(format.schema["type"] === "object" ? { type: "object" } : true, rules);
  }
}

function afterThinking(answer: string, thinking: Thinking, rules: RuleBook): string {
  if (thinking === "none") return answer;
  const thought = textUntil(thinkTags.close, rules.add("thought", `[\\n]{0,4} ${answer}`), rules);
  return thinking === "begun" ? thought : `${answer} | [\\n]{0,2} ${literal(thinkTags.open)} ${thought}`;
}
