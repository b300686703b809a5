/**
 * Plays a recording of a client to programs, with chance values of its own.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { holdsAlways } from "../../test/kernel/invariants.ts";
import { builtPrograms, type Sandbox } from "../../test/kernel/sandbox.ts";
import { placeholder, placeholderName } from "./chance-values.ts";
import type { RecordedCall, Recording } from "./recording.ts";

/** A value of the right form for a kind of name; MAC addresses and veths are the programs' to choose. */
const chosen: Record<string, (number: string) => string> = {
  container: (number) => createHash("sha256").update(`container ${number}`).digest("hex"),
  netns: (number) => `/run/netns/replay-${number}`,
  uuid: (number) => `00000000-0000-4000-8000-${number.padStart(12, "0")}`,
  time: () => "2026-01-02T03:04:05Z",
};

/** What stands for the names of a recording in this replay. */
class Values {
  readonly #values = new Map<string, string>();

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  /** The same shape with values for names. */
  in<T>(recorded: T): T {
    const text = JSON.stringify(recorded).replace(placeholder, (name, kind, number, short) =>
      this.#value(name, kind, number ?? "0", short !== undefined),
    );
    return JSON.parse(text) as T;
  }

  #value(name: string, kind: string, number: string, short: boolean): string {
    const set = this.#values.get(name);
    if (set !== undefined) return set;
    const choose = chosen[kind];
    if (choose === undefined) return `${kind}${number}`;
    return short ? choose(number).slice(0, 12) : choose(number);
  }
}

/** Takes the programs' choices out of a result, where the recorded one has names for them. */
function learn(values: Values, recorded: unknown, actual: unknown): void {
  if (typeof recorded === "string" && typeof actual === "string") {
    if (/^<(mac|veth)-\d+>$/.test(recorded)) values.set(recorded, actual);
    return;
  }
  if (typeof recorded !== "object" || typeof actual !== "object" || !recorded || !actual) return;
  for (const [key, value] of Object.entries(recorded)) {
    learn(values, value, (actual as Record<string, unknown>)[key]);
  }
}

/** Namespaces as the recorded call met them. */
class Namespaces {
  readonly #sandbox: Sandbox;
  readonly #ofContainer = new Map<string, Set<string>>();
  readonly #present = new Set<string>();

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  prepare(state: RecordedCall["netns"], env: Record<string, string>): void {
    const [path = "", container = ""] = [env["CNI_NETNS"], env["CNI_CONTAINERID"]];
    const known = this.#ofContainer.get(container) ?? new Set();
    this.#ofContainer.set(container, known);
    if (state === "present") known.add(path);
    if (state === "present" && !this.#present.has(path)) this.#create(path);
    if (state === "gone") this.#remove(path);
    // a runtime that has no namespace to name any more has lost it
    if (state !== "unset" || env["CNI_COMMAND"] !== "DEL") return;
    for (const lost of known) this.#remove(lost);
  }

  #create(path: string): void {
    this.#present.add(path);
    this.#sandbox.pod(basename(path));
  }

  #remove(path: string): void {
    if (this.#present.delete(path)) this.#sandbox.deletePod(basename(path));
  }

  removeAll(): void {
    for (const path of [...this.#present]) this.#remove(path);
  }
}

/**
 * Executes every call of a recording in its order, and takes the namespaces away that it made for them. Each has to end as it did then: same status, same result but for
 * chance values, same code of an error.
 * @param bin the programs. Default: those of `npm run build`
 * @throws {AssertionError} naming the call by its place in the recording
 */
export function replay(sandbox: Sandbox, { calls }: Recording, bin: string = builtPrograms): void {
  const values = new Values();
  values.set(placeholderName("bin"), bin);
  values.set(placeholderName("scratch"), sandbox.scratch);
  const namespaces = new Namespaces(sandbox);
  for (const [index, recorded] of calls.entries()) {
    const { stdout, ...asked } = recorded;
    const call = values.in(asked);
    namespaces.prepare(call.netns, call.env);
    const input = typeof call.stdin === "string" ? call.stdin : JSON.stringify(call.stdin);
    const done = sandbox.run([join(bin, call.type)], { env: call.env, input });
    try {
      const json = holdsAlways(done);
      if (call.status === null) continue; // how it would have ended is not known
      equal(done.status, call.status, done.stdout + done.stderr);
      compareAnswers(values, call, stdout, json);
    } catch (cause) {
      throw new Error(`call ${index + 1}, ${call.env["CNI_COMMAND"]} of ${call.type}`, { cause });
    }
  }
  namespaces.removeAll();
}

/** An answer of another folder of programs: the same result, or the same kind of error. */
// biome-ignore lint/suspicious/noExplicitAny: results of every version
function compareAnswers(values: Values, call: RecordedCall, recorded: any, actual: any): void {
  if (call.env["CNI_COMMAND"] === "VERSION") {
    const known: string[] = actual.supportedVersions;
    const missing = recorded.supportedVersions.filter((v: string) => !known.includes(v));
    deepEqual(missing, []);
  } else if (call.status !== 0) {
    equal(actual.code, recorded.code);
  } else {
    learn(values, recorded, actual);
    const wanted = recorded === undefined ? undefined : values.in(recorded);
    deepEqual(comparable(actual), comparable(wanted));
  }
}

/** Not every program tells the MTU of its interfaces, an address's family in words, or that there is no DNS. */
function comparable<T>(result: T): T {
  const isEmpty = (value: unknown) => JSON.stringify(value) === "{}";
  const text = JSON.stringify(result, (key, value) => {
    const isOptional = key === "mtu" || key === "version" || (key === "dns" && isEmpty(value));
    return isOptional ? undefined : value;
  });
  return text === undefined ? result : JSON.parse(text);
}
