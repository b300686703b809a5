/**
 * The error of every decoder.
 * @module
 */

/** Bytes that are not what their description says: names the field's path and the byte where it was noticed. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  /** Names from the outside in, as `addr.address`. */
  path: string;
  /** Offset in the decoded buffer. */
  readonly offset: number;
  readonly #problem: string;

  /** @param problem what was wanted and what was found, as `want 4 or 16 bytes, got 3` */
  constructor(path: string, offset: number, problem: string) {
    super();
    this.path = path;
    this.offset = offset;
    this.#problem = problem;
    this.message = this.#text();
  }

  /** Puts the name of the enclosing field before the path; decoders call it on the way out. "" changes nothing. */
  within(name: string): this {
    if (name === "") {
      return this;
    }
    this.path = this.path === "" ? name : `${name}.${this.path}`;
    this.message = this.#text();
    return this;
  }

  #text(): string {
    const where = this.path === "" ? "" : ` ${this.path}`;
    return `decode${where} at byte ${this.offset}: ${this.#problem}`;
  }
}
