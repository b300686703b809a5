/**
 * The globals the host defines beside `netloomHost`, where neither Node's nor a browser's types are loaded.
 * Apart from `host.d.ts`, because Node's own types define the same names for the tests.
 * @module
 */

/** Text to UTF-8. A lone surrogate becomes U+FFFD. */
declare class TextEncoder {
  encode(text?: string): Uint8Array;
}

/** UTF-8 to text, with the WHATWG meaning of both options. */
declare class TextDecoder {
  constructor(label?: "utf-8", options?: { fatal?: boolean; ignoreBOM?: boolean });
  /** @throws {TypeError} bytes that are not UTF-8, when `fatal`. */
  decode(bytes?: Uint8Array): string;
}

/** One line of text each, to stderr. */
declare const console: Readonly<Record<"error" | "warn" | "log", (...values: unknown[]) => void>>;

interface ErrorConstructor {
  /** How many frames of the stack a new error notes; 10. */
  stackTraceLimit: number;
}
