/**
 * CNI_ARGS: `KEY=value;KEY=value`, deprecated by the spec and still sent by every runtime.
 * @see CONVENTIONS.md "CNI_ARGS"
 * @module
 */

import { CniError, cniCode } from "../errors.ts";

/** The arguments a plugin reads, by key. */
export type CniArgs = Readonly<Partial<Record<string, string>>>;

/**
 * Reads CNI_ARGS for a plugin that reads `keys`; their case matters.
 * @throws {CniError} 4 for a part that is no pair, and for keys that nobody reads unless IgnoreUnknown is there
 */
export function parseCniArgs(text: string, keys: readonly string[]): CniArgs {
  const { args, unknown, problem } = readPairs(text, keys);
  if (problem !== undefined) throw new CniError(cniCode.badEnvironment, problem);
  if (unknown.length > 0) throw new CniError(cniCode.badEnvironment, unknownText(unknown));
  return args;
}

/** The same for DEL and GC: what cannot be used is said with `warn` and left out. */
export function parseCniArgsLeniently(
  text: string,
  keys: readonly string[],
  warn: (text: string) => void,
): CniArgs {
  const { args, unknown, problem } = readPairs(text, keys);
  if (problem !== undefined) warn(problem);
  if (unknown.length > 0) warn(unknownText(unknown));
  return args;
}

interface Pairs {
  args: Record<string, string>;
  /** Pairs with a key nobody reads, unless those are to be ignored. */
  unknown: string[];
  /** What is wrong with the first bad part. */
  problem?: string;
}

function readPairs(text: string, keys: readonly string[]): Pairs {
  const pairs: Pairs = { args: {}, unknown: [] };
  let ignoreUnknown = false;
  for (const pair of text === "" ? [] : text.split(";")) {
    const [key = "", value, ...more] = pair.split("=");
    if (value === undefined || more.length > 0) {
      pairs.problem ??= `CNI_ARGS: invalid pair ${JSON.stringify(pair)}`;
    } else if (key === "IgnoreUnknown") {
      const flag = parseBoolean(value);
      if (flag === undefined) pairs.problem ??= badBoolean(pair, value);
      ignoreUnknown = flag ?? false;
    } else if (keys.includes(key)) pairs.args[key] = value;
    else pairs.unknown.push(pair);
  }
  if (ignoreUnknown) pairs.unknown = [];
  return pairs;
}

function parseBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (lower === "1" || lower === "true") return true;
  return lower === "0" || lower === "false" ? false : undefined;
}

function badBoolean(pair: string, value: string): string {
  const quoted = JSON.stringify(pair);
  return `CNI_ARGS: error parsing value of pair ${quoted}: want true or false, got ${JSON.stringify(value)}`;
}

function unknownText(pairs: readonly string[]): string {
  const list = pairs.map((pair) => JSON.stringify(pair)).join(" ");
  return `CNI_ARGS: unknown args [${list}]; IgnoreUnknown=1 would allow them`;
}
