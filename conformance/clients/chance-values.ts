/**
 * What differs from one run of a client to the next (container ids, namespaces, MAC addresses, names of veths), replaced
 * by names as `<mac-2>`, so that two runs can be compared and one can be played again with other values.
 * @module
 */
import type { RecordedCall } from "./recording.ts";

/** Where the parts of a name stand in a recording: `<container-1>`, `<container-1-short>`, `<bin>`. */
export const placeholder = /<([a-z]+)(?:-(\d+))?(?:-(short))?>/g;

/** The name of a value in a recording; `short` is the first 12 digits of a container's id. */
export function placeholderName(kind: string, number?: number, short = false): string {
  return `<${kind}${number === undefined ? "" : `-${number}`}${short ? "-short" : ""}>`;
}

const uuid = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const time = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;
const mac = /\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g;
const veth = /\bveth[0-9a-f]{6,}\b/g;

/** Values and their names; a kind is counted from 1 in the order its values are met. */
class Names {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  add(kind: string, value: string | undefined): void {
    if (value === undefined || value === "" || this.#names.has(value)) return;
    const number = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, number);
    this.#names.set(value, placeholderName(kind, number));
    if (kind !== "container" || !/^[0-9a-f]{64}$/.test(value)) return;
    this.#names.set(value.slice(0, 12), placeholderName(kind, number, true));
  }

  place(kind: string, value: string): void {
    this.#names.set(value, placeholderName(kind));
  }

  /** The text with every value replaced, longer ones first: one may be part of another. */
  replaceIn(text: string): string {
    const values = [...this.#names.entries()].sort(([a], [b]) => b.length - a.length);
    return values.reduce((done, [value, name]) => done.replaceAll(value, name), text);
  }
}

/** Some clients write the pairs of CNI_ARGS in a random order, which means nothing. */
function namedEnvironment(
  env: Record<string, string>,
  unrecorded?: RegExp,
): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => unrecorded?.test(name) !== true);
  const sorted = kept.map(([name, value]): [string, string] =>
    name === "CNI_ARGS" ? [name, value.split(";").sort().join(";")] : [name, value],
  );
  return Object.fromEntries(sorted);
}

/** What may vary in a recording besides what every client has. */
export interface Chance {
  /**
   * Paths that are another folder in each run, by the name they get. `bin`, by which CNI_PATH names the programs, and
   * `scratch`, the sandbox's, are known to a replay: `{ bin: recorder.bin, scratch: sandbox.scratch }`.
   */
  places?: Readonly<Record<string, string>>;
  /** More patterns, by the name their values get: `{ hash: /\b[0-9a-f]{32}\b/g }` gives `<hash-1>`. */
  patterns?: Readonly<Record<string, RegExp>>;
  /** Names of environment variables that are there in one run and not in another. */
  unrecorded?: RegExp;
}

/**
 * The calls with chance values replaced by names. A MAC address or veth is left to chance when a result had it before
 * the client did, so those that the client asked for stay. The pairs of CNI_ARGS are sorted.
 */
export function nameChanceValues(
  calls: readonly RecordedCall[],
  { places = {}, patterns = {}, unrecorded }: Chance = {},
): RecordedCall[] {
  const names = new Names();
  for (const [kind, path] of Object.entries(places)) names.place(kind, path);
  const inputs = { uuid, time, ...patterns };
  let seen = "";
  for (const { env, stdin, stdout } of calls) {
    names.add("container", env["CNI_CONTAINERID"]);
    const netns = env["CNI_NETNS"] ?? "";
    if (netns.startsWith("/")) names.add("netns", netns); // VERSION comes with "dummy"
    const input = JSON.stringify([env, stdin]);
    for (const [kind, pattern] of Object.entries(inputs)) {
      for (const [value] of input.matchAll(pattern)) names.add(kind, value);
    }
    seen += input;
    for (const [kind, pattern] of Object.entries({ mac, veth })) {
      const found = [...JSON.stringify(stdout ?? "").matchAll(pattern)];
      for (const [value] of found) if (!seen.includes(value)) names.add(kind, value);
    }
  }
  return calls.map((call) => {
    const named = { ...call, env: namedEnvironment(call.env, unrecorded) };
    return JSON.parse(names.replaceIn(JSON.stringify(named))) as RecordedCall;
  });
}
