/** Owns the echo of offered tools and of the choice among them: in the words of the Responses API, whole for strict readers. */
import { type Fields, fieldsOf, isFields, textOf } from "./json.ts";
import { choices, type Tool } from "./tools.ts";

/** One tool, or none: what has no name can neither be called nor read by a client whose types are closed. */
export function echoTool(tool: Tool): Tool[] {
  const { type } = tool;
  if (type === "namespace") return [{ name: "", description: "", ...tool, tools: members(tool["tools"]) }];
  if (type !== "function" && type !== "custom") return [tool];
  const flat = unnested(tool, type);
  if (textOf(flat["name"]) === null) return [];
  // Open Responses wants its nullable keys, async-openai a custom `format`.
  return type === "function"
    ? [{ description: null, parameters: null, strict: null, ...flat, type }]
    : [{ ...flat, type, format: whole(flat["format"]) }];
}

/** In a namespace the SDK leaves out what a tool of its own may have as null. */
function members(list: unknown): Tool[] {
  const tools = Array.isArray(list)
    ? list.filter((member): member is Tool => textOf(fieldsOf(member)["type"]) !== null)
    : [];
  return tools.filter((tool) => echoTool(tool).length > 0);
}

/** A grammar, or text where there is none. */
function whole(format: unknown): Fields {
  const { type, syntax, definition } = fieldsOf(format);
  const grammar = type === "grammar" && typeof syntax === "string" && typeof definition === "string";
  return grammar ? fieldsOf(format) : { type: "text" };
}

/** The choice as it was understood: Chat Completions and Mistral have words of their own for it. */
export function echoChoice(choice: unknown): unknown {
  if (choice === "any") return "required";
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  if (typeof choice === "string") return { type: "function", name: choice };
  const { type } = fieldsOf(choice);
  if (typeof type !== "string" || !Object.hasOwn(choices, type)) return "auto";
  const flat = unnested(fieldsOf(choice), type);
  if (type !== "allowed_tools") return flat;
  const { mode, tools } = flat;
  return {
    ...flat,
    mode: mode === "required" ? mode : "auto",
    tools: Array.isArray(tools) ? tools.filter(isFields) : [],
  };
}

/** Chat Completions puts the fields of a type below its name. */
function unnested(form: Fields, type: string): Fields {
  const { [type]: inner, ...rest } = form;
  return isFields(inner) ? { ...rest, ...inner } : form;
}
