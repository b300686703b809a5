/**
 * What a case works with: a host of its own, the programs under judgement, and the verdict words of the checklist (0.2).
 * @module
 */
import { AssertionError, deepEqual } from "node:assert/strict";
import type { Outcome } from "../../test/kernel/enter.ts";
import { type CniCall, type RunOptions, Sandbox } from "../../test/kernel/sandbox.ts";
import type { Snapshot } from "../../test/kernel/snapshot.ts";
import type { Build } from "./build.ts";
import { holdsAlways, promise } from "./invariants.ts";
import { withoutResidue } from "./residue.ts";

/** stdout as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: cases look into results of every version
export type Reply = any;

/** How a program answered; what {@link holdsAlways} wants holds of it. */
export interface Answer extends Outcome {
  json: Reply;
}

/** A call as a case makes it. */
export interface TrialCall extends CniCall {
  /**
   * Program and arguments that execute the program, whose path follows them: `["prlimit", "--nofile=16"]`; in
   * `["sh", "-c", 'exec "$0" 2>&-']` it is `$0`.
   */
  through?: readonly string[];
}

/** Thrown by {@link Trial.skip}. */
export class Skipped extends Error {}

/** What runtimes have in their environment. A case takes it away with `env: { PATH: undefined }`. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** They print nothing when they succeed. */
const silent = new Set(["DEL", "CHECK", "GC", "STATUS"]);

/** One run of a case. */
export class Trial implements Disposable {
  /** Network and mount namespace of its own; what it is given, no other case sees. */
  readonly host = Sandbox.create();
  /** Whose programs are judged. */
  readonly build: Build;
  /** Those that take over, in a case with `swap`. @throws when the case has none */
  get other(): Build {
    if (this.#other === undefined) throw new Error("a case that uses `other` has to say `swap`");
    return this.#other;
  }
  /** The program the case is about. */
  readonly program: string;
  readonly #other: Build | undefined;
  #lastSent = "";
  #lastGot = "";
  #chosen = 0;

  constructor(program: string, build: Build, other?: Build) {
    this.program = program;
    this.build = build;
    this.#other = other;
  }

  /** All versions the program lists, ascending. */
  get versions(): readonly string[] {
    return this.build.programs[this.program] ?? [];
  }

  /** The newest version the program lists. */
  get newest(): string {
    return this.versions.at(-1) ?? "";
  }

  /** The call that was made last, and its answer, for the report of a failure. */
  get last(): { sent: string; got: string } {
    return { sent: this.#lastSent, got: this.#lastGot };
  }

  /** Gives the case up, as not to be had here. */
  skip(reason: string): never {
    throw new Skipped(reason);
  }

  /** A network namespace of a pod, lo down. @returns its path, for CNI_NETNS. */
  pod(): string {
    this.#chosen += 1;
    return this.host.pod(`pod${this.#chosen}`);
  }

  /**
   * Executes a program as a runtime does. Where the call does not say: the program of the case, the directory under judgement.
   * @throws {Broken} it broke a promise that every execution gives (0.3), or left a process behind
   */
  call(call: TrialCall): Answer {
    return this.#judge(this.outcome(call), call.timeoutMs);
  }

  /** Same without judging the answer, for a case that takes the program's descriptors away. */
  outcome(call: TrialCall): Outcome {
    const whole = this.#whole(call);
    this.#lastSent = describeCall(whole);
    this.#lastGot = "no answer";
    return this.#execute(() => this.host.run(...invocation(whole)));
  }

  /** Same as {@link Trial.call} for calls at the same time. */
  async atOnce(calls: readonly TrialCall[]): Promise<Answer[]> {
    const started = calls.map((call) => {
      const whole = this.#whole(call);
      return { call, whole, ended: this.host.start(...invocation(whole)).ended };
    });
    const answers: Answer[] = [];
    for (const { call, whole, ended } of started) {
      const outcome = await ended;
      this.#lastSent = describeCall(whole);
      promise(outcome, "killed");
      answers.push(this.#judge(outcome, call.timeoutMs));
    }
    return answers;
  }

  /**
   * OK(…): exit status 0; ADD and VERSION print one document, the others nothing.
   * @returns stdout as JSON
   */
  ok(call: TrialCall): Reply {
    return this.succeeded(this.call(call), call.command);
  }

  /** The same of an answer of {@link Trial.atOnce}. */
  succeeded({ status, stdout, json }: Answer, command: string): Reply {
    promise(status === 0, `${command} failed`);
    if (silent.has(command)) promise(stdout.trim() === "", `${command} printed something`);
    else promise(json !== undefined, `${command} printed nothing`);
    return json;
  }

  /**
   * ERR(…): it fails with an error object.
   * @param codes - those that are accepted; every one when left out
   * @param says - what `msg` or `details` has to contain
   * @returns the error object
   */
  fails(call: TrialCall, codes?: number | readonly number[], says?: string | RegExp): Reply {
    return this.failed(this.call(call), codes, says);
  }

  /** The same of an answer of {@link Trial.atOnce}. */
  failed({ status, json }: Answer, codes?: number | readonly number[], says?: string | RegExp) {
    promise(status !== 0, "it succeeded");
    const wanted = [codes ?? json.code].flat();
    promise(wanted.includes(json.code), `code ${json.code}, not ${wanted.join(" or ")}`);
    const text = `${json.msg}\n${json.details ?? ""}`;
    const found = typeof says === "string" ? text.includes(says) : (says?.test(text) ?? true);
    promise(found, `the error does not say ${says}`);
    return json;
  }

  /** KS=: kernel and disk are as before. Of the host, and of these namespaces too. */
  unchanged<T>(body: () => T, ...namespaces: string[]): T {
    return this.#compared((snapshot) => snapshot, body, namespaces);
  }

  /** KS= up to what may stay after a DEL (5.9). */
  leavesNothing<T>(body: () => T, ...namespaces: string[]): T {
    return this.#compared(withoutResidue, body, namespaces);
  }

  #compared<T>(view: (snapshot: Snapshot) => Snapshot, body: () => T, namespaces: string[]): T {
    const look = () => [undefined, ...namespaces].map((path) => view(this.host.snapshot(path)));
    const before = look();
    const value = body();
    if (value instanceof Promise)
      throw new Error("compare around await by hand: `before`, `after`");
    deepEqual(look(), before);
    return value;
  }

  /** Same as `CNI_PATH` of these folders: the build's and the case's own. */
  path(...folders: string[]): string {
    return [...folders, this.build.folder].join(":");
  }

  /** Runs a program on the host that has to succeed. @returns its stdout. */
  run(command: string, options: RunOptions = {}): string {
    return this.host.ok(command.split(" "), options);
  }

  #whole(call: TrialCall): TrialCall {
    const usual = { type: this.program, bin: this.build.folder };
    return { ...usual, ...call, env: { PATH, ...call.env } };
  }

  #execute(body: () => Outcome): Outcome {
    const outcome = body();
    const isOrphan = (row: string) => outcome.orphans.includes(Number.parseInt(row, 10));
    const left = outcome.orphans.length === 0 ? [] : this.host.processes().filter(isOrphan);
    this.#lastGot = describeOutcome(outcome);
    promise(left.length === 0, `left a process behind: ${left.join(", ")}`);
    return outcome;
  }

  #judge(outcome: Outcome, boundMs: number | undefined): Answer {
    this.#lastGot = describeOutcome(outcome);
    return { ...outcome, json: holdsAlways(outcome, boundMs) };
  }

  [Symbol.dispose](): void {
    this.host.dispose();
  }
}

function invocation({ through = [], ...call }: TrialCall): [string[], RunOptions] {
  const { program, options } = Sandbox.invocation(call);
  return [[...through, program], options];
}

function describeInput(config: unknown): string {
  if (typeof config === "string") return config;
  if (config instanceof Uint8Array) return Buffer.from(config).toString("latin1");
  return JSON.stringify(config);
}

function describeCall({ command, type, config, env, ...call }: TrialCall): string {
  const where = Object.entries(call)
    .filter(([name, value]) => value !== undefined && !["bin", "timeoutMs"].includes(name))
    .map(([name, value]) => `${name}=${value}`);
  const { PATH: path, ...others } = env ?? {};
  const shown = path === PATH ? others : { PATH: path, ...others };
  const more = Object.keys(shown).length === 0 ? [] : [JSON.stringify(shown)];
  return [type, command, ...where, ...more, describeInput(config)].join(" ");
}

function describeOutcome({ status, signal, stdout, stderr }: Outcome): string {
  const how = signal === null ? `status ${status}` : `signal ${signal}`;
  return [how, stdout.trim(), stderr.trim()].filter(Boolean).join(" | ");
}

/** What went wrong, on one line and short. */
export function describeFailure(error: unknown): string {
  if (error instanceof AssertionError) return error.message.replace(/\s*\n\s*/g, " ⏎ ");
  return error instanceof Error ? error.message.split("\n", 1)[0]! : String(error);
}
