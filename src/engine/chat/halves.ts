/** Owns the mending of characters that a stream cut in two: some upstreams escape each half of a surrogate pair in a chunk. */

/** One item's text on its way; serde and Python refuse a lone half, so none leaves. */
export class Halves {
  #half = "";

  /** What of the text so far is whole and was not given yet; may be "". A half that nothing completes becomes U+FFFD. */
  push(text: string): string {
    if (this.#half === "" && text.isWellFormed()) return text;
    const all = this.#half + text;
    const last = all.charCodeAt(all.length - 1);
    this.#half = last >= 0xd800 && last < 0xdc00 ? all.slice(-1) : "";
    return all.slice(0, all.length - this.#half.length).toWellFormed();
  }

  /** What is left when the text is over. */
  end(): string {
    const left = this.#half.toWellFormed();
    this.#half = "";
    return left;
  }
}
