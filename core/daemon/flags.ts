/**
 * Flags of a daemon's command line as Go's package `flag` reads them, with its texts: `-timeout 5s`, `--timeout=5s`.
 * @see https://pkg.go.dev/flag
 * @module
 */

import { formatDuration, parseDuration } from "./duration.ts";

/** What a flag's value is. */
interface FlagValues {
  string: string;
  boolean: boolean;
  /** Milliseconds. */
  duration: number;
}

/** A flag that a program knows. */
export type Flag = {
  [K in keyof FlagValues]: { kind: K; default: FlagValues[K]; usage: string };
}[keyof FlagValues];

/** The values of the flags by their names. */
export type FlagsOf<F extends Record<string, Flag>> = {
  [K in keyof F]: FlagValues[F[K]["kind"]];
};

/** The command line asks for help or cannot be understood: `text` goes to stderr, and the program ends with `status`. */
export class FlagError extends Error {
  override readonly name = "FlagError";
  readonly text: string;
  readonly status: number;

  constructor(text: string, status: number) {
    super(text.split("\n", 1)[0]);
    this.text = text;
    this.status = status;
  }
}

const truths = ["1", "t", "T", "TRUE", "true", "True"];
const lies = ["0", "f", "F", "FALSE", "false", "False"];

/**
 * Reads the words of a command line up to the first that is no flag.
 * @param program what the usage text calls the program
 * @throws {FlagError} status 2 and the usage; for `-h` and `-help` status 0
 */
export function parseFlags<const F extends Record<string, Flag>>(
  program: string,
  known: F,
  words: readonly string[],
): { flags: FlagsOf<F>; rest: string[] } {
  const flags: Record<string, string | boolean | number> = {};
  for (const [name, flag] of Object.entries(known)) flags[name] = flag.default;
  const rest = [...words];
  for (let word = rest[0]; word !== undefined && /^-./.test(word); word = rest[0]) {
    rest.shift();
    if (word === "--") break;
    const [name, value] = splitWord(word) ?? fail(`bad flag syntax: ${word}`);
    const flag = (Object.hasOwn(known, name) && known[name]) || fail(unknownFlag(name));
    flags[name] = readValue(name, flag, value ?? (flag.kind === "boolean" ? "true" : rest.shift()));
  }
  return { flags: flags as FlagsOf<F>, rest };

  function unknownFlag(name: string): string {
    if (name === "h" || name === "help") throw new FlagError(usageOf(program, known), 0);
    return `flag provided but not defined: -${name}`;
  }

  function readValue(name: string, flag: Flag, text: string | undefined) {
    if (text === undefined) return fail(`flag needs an argument: -${name}`);
    const value = parsed(flag, text);
    if (value !== undefined) return value;
    const quoted = JSON.stringify(text);
    if (flag.kind === "boolean") {
      return fail(`invalid boolean value ${quoted} for -${name}: parse error`);
    }
    return fail(`invalid value ${quoted} for flag -${name}: parse error`);
  }

  function fail(text: string): never {
    throw new FlagError(`${text}\n${usageOf(program, known)}`, 2);
  }
}

/** `--name=value`, with one dash or two; undefined when that is no name. */
function splitWord(word: string): [name: string, value?: string] | undefined {
  const [, name, value] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  if (name === undefined) return undefined;
  return value === undefined ? [name] : [name, value];
}

function parsed(flag: Flag, text: string): string | boolean | number | undefined {
  if (flag.kind === "string") return text;
  if (flag.kind === "duration") return parseDuration(text);
  if (truths.includes(text)) return true;
  return lies.includes(text) ? false : undefined;
}

function usageOf(program: string, known: Record<string, Flag>): string {
  const names = Object.keys(known).sort();
  const paragraphs = names.map((name) => {
    const { kind, usage, default: value } = known[name] as Flag;
    const type = kind === "boolean" ? "" : ` ${kind}`;
    const shown = typeof value === "number" ? formatDuration(value) : JSON.stringify(value);
    return `  -${name}${type}\n    \t${usage}${value ? ` (default ${shown})` : ""}\n`;
  });
  return `Usage of ${program}:\n${paragraphs.join("")}`;
}
