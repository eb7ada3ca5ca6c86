/** Owns the finding of where a JSON object ends that comes in chunks. */

/** Strings are skipped; whether the JSON is valid otherwise is not looked at. */
export class ObjectEnd {
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Index behind the object's last brace; null where it lies in a later chunk. */
  find(text: string): number | null {
    for (let at = 0; at < text.length; at += 1) {
      const character = text[at];
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        if (character === "\\") this.#escaped = true;
        else if (character === '"') this.#inString = false;
      } else if (character === '"') this.#inString = true;
      else if (character === "{" || character === "[") this.#depth += 1;
      else if (character === "}" || character === "]") {
        this.#depth -= 1;
        if (this.#depth === 0) return at + 1;
      }
    }
    return null;
  }
}
