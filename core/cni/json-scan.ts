/**
 * Where a text stops to be JSON. Slow and without recursion; it runs only for texts that the engine's parser refused,
 * and for long ones whose depth is to be known first.
 * @see RFC 8259
 * @module
 */

/** True when the text has more than `limit` arrays and objects inside each other. */
export function nestsDeeperThan(text: string, limit: number): boolean {
  if (!hasMoreBracketsThan(text, limit)) return false;
  const bracketOrQuote = /["[\]{}]/g;
  let depth = 0;
  for (let found = bracketOrQuote.exec(text); found !== null; found = bracketOrQuote.exec(text)) {
    if (found[0] === '"') {
      const end = stringEnd(text, found.index);
      if (end === undefined) return false;
      bracketOrQuote.lastIndex = end;
    } else depth += found[0] === "[" || found[0] === "{" ? 1 : -1;
    if (depth > limit) return true;
  }
  return false;
}

/** Whether there are enough brackets at all; searching for one is much faster than walking the text. */
function hasMoreBracketsThan(text: string, limit: number): boolean {
  let count = 0;
  for (const bracket of ["[", "{"]) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > limit) return true;
    }
  }
  return false;
}

/** The offset behind the string that begins at `start`; undefined when it does not end. */
export function stringEnd(text: string, start: number): number | undefined {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return at + 1;
  }
  return undefined;
}

/** `line 3, column 7`, counted from 1. */
export function placeText(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `line ${line}, column ${offset - before.lastIndexOf("\n")}`;
}

/**
 * The first mistake in words, `line 2, column 9, in "ipam.type": want a value, got "}"`; undefined when the text is
 * JSON after all.
 */
export function locateMistake(text: string): string | undefined {
  try {
    new Scanner(text).scan();
    return undefined;
  } catch (error) {
    if (error instanceof Mistake) return error.message;
    throw error;
  }
}

/** Carries the message out of the scanner. */
class Mistake extends Error {}

const whitespace = /[ \t\n\r]*/y;
const goodEscape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what RFC 8259 section 7 forbids in strings
const control = /[\0-\x1f]/;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;
const word = /[\w.+-]+/y;

/** An array or object that is open: the key or index that is being read. */
interface Level {
  close: "]" | "}";
  at: string | number;
}

class Scanner {
  readonly #text: string;
  readonly #levels: Level[] = [];
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    this.#value("a value");
    while (this.#levels.length > 0) this.#nextInLevel();
    this.#skip(whitespace);
    if (this.#offset < this.#text.length) this.#fail("the end of the document");
  }

  /** After a value: the next value of the innermost level, or its end. */
  #nextInLevel(): void {
    const level = this.#levels.at(-1) as Level;
    this.#skip(whitespace);
    if (this.#take(level.close)) {
      this.#levels.pop();
      return;
    }
    if (!this.#take(",")) this.#fail(`"," or "${level.close}"`);
    if (level.close === "}") this.#key();
    else level.at = Number(level.at) + 1;
    this.#value("a value after the comma");
  }

  /** Reads a scalar, or opens an array or object and reads up to its first value. */
  #value(wanted: string): void {
    for (let want = wanted; ; want = "a value") {
      this.#skip(whitespace);
      if (this.#string() || this.#skip(scalar)) return;
      if (this.#take("[")) {
        if (this.#closes("]")) return;
        this.#levels.push({ close: "]", at: 0 });
      } else if (this.#take("{")) {
        if (this.#closes("}")) return;
        this.#levels.push({ close: "}", at: "" });
        this.#key();
      } else this.#fail(want);
    }
  }

  /** An empty array or object ends where it began. */
  #closes(bracket: string): boolean {
    this.#skip(whitespace);
    return this.#take(bracket);
  }

  #key(): void {
    this.#skip(whitespace);
    const start = this.#offset;
    if (!this.#string()) this.#fail("a key in double quotes");
    (this.#levels.at(-1) as Level).at = JSON.parse(this.#text.slice(start, this.#offset));
    this.#skip(whitespace);
    if (!this.#take(":")) this.#fail('":" after the key');
  }

  #string(): boolean {
    const text = this.#text;
    if (text[this.#offset] !== '"') return false;
    const end = stringEnd(text, this.#offset);
    const content = text.slice(this.#offset, end);
    if (end === undefined) this.#fail("a text that ends");
    if (control.test(content)) this.#fail("a text without control characters");
    if (content.replace(goodEscape, "").includes("\\")) this.#fail("a text with valid escapes");
    this.#offset = end;
    return true;
  }

  #take(character: string): boolean {
    if (this.#text[this.#offset] !== character) return false;
    this.#offset += 1;
    return true;
  }

  /** Moves behind what the sticky pattern matches here; false when it matches nothing. */
  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#offset;
    const matched = pattern.test(this.#text) && pattern.lastIndex > this.#offset;
    if (matched) this.#offset = pattern.lastIndex;
    return matched;
  }

  #fail(wanted: string): never {
    const place = placeText(this.#text, this.#offset);
    const keys = this.#levels
      .slice(0, 16)
      .map(({ at }) => (typeof at === "number" ? `[${at}]` : `.${at}`));
    const inside =
      keys.length === 0 ? "" : `, in ${JSON.stringify(keys.join("").replace(/^\./, ""))}`;
    throw new Mistake(`${place}${inside}: want ${wanted}, got ${this.#found()}`);
  }

  #found(): string {
    const text = this.#text;
    const character = text.slice(this.#offset, this.#offset + 1);
    if (character === "") return "the end of the document";
    if (character === "\ufeff") return "a byte order mark";
    if (character === "\0") return "a zero byte; is this UTF-16?";
    if (character === "/" || character === "#") return "what may be a comment; JSON has none";
    if (character === '"') {
      return text.slice(this.#offset, this.#offset + 20).split("\n", 1)[0] ?? "";
    }
    word.lastIndex = this.#offset;
    return JSON.stringify(word.exec(text)?.[0].slice(0, 40) ?? character);
  }
}
