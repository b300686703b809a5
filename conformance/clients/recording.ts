/**
 * What a real client sends to CNI programs, taken down call by call, kept in `recorded/<client>/<name>.json`, and
 * compared with what it sends today. `replay.ts` plays a recording to any folder of programs.
 *
 * ```ts
 * const recorder = new Recorder(join(sandbox.scratch, "recorder"), peers);   // a folder of its own, real programs
 * // … let the client use recorder.bin as its folder of plugins, through a container's whole life …
 * keepRecording("kubelet", "static-pod", {
 *   client: "kubelet 1.36.3, containerd 2.3.7",
 *   about: "a static pod with a hostPort, its pause process killed, then removed",
 *   calls: nameChanceValues(recorder.calls(), { places: { bin: recorder.bin, scratch: sandbox.scratch } }),
 * });
 * ```
 * `NETLOOM_RECORD=1 npx mocha …` writes the file instead of comparing. `recordings.kernel.test.ts` replays every file.
 * @module
 */
import { deepEqual } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { root } from "../../scripts/place.ts";
import { compileC } from "../../test/kernel/compile.ts";

/** One execution of a program by a client. */
export interface RecordedCall {
  /** File name of the program. */
  type: string;
  /** What CNI_NETNS named when the call began. */
  netns: "present" | "gone" | "unset";
  /** The whole environment, names sorted. */
  env: Record<string, string>;
  /** stdin as JSON when that writes the same bytes again, else its text. */
  stdin: unknown;
  /** Exit status, minus a signal's number, or `null` when the client killed the call. */
  status: number | null;
  /** stdout as JSON; left out when it was empty. */
  stdout?: unknown;
}

/** A file of `recorded/`. */
export interface Recording {
  /** Name and version of the client. Calls are compared with those of the same version only. */
  client: string;
  /** What happens in it, in a phrase. */
  about: string;
  /** In the order they began. */
  calls: RecordedCall[];
}

/** IPAM programs are called by plugins, not by the client. */
const delegated = new Set(["host-local", "static", "dhcp"]);

/** Programs that write down how they are called and then do what the real ones do. */
export class Recorder {
  /**
   * The folder to give to the client. Its files are links that go by their own names: use this path, do not copy them.
   */
  readonly bin: string;
  readonly #calls: string;

  /**
   * @param folder made here; the client must see it under the same path
   * @param programs the real programs, all of which the client may call
   */
  constructor(folder: string, programs: string) {
    this.bin = folder;
    this.#calls = join(folder, ".calls");
    mkdirSync(this.#calls, { recursive: true });
    symlinkSync(programs, join(folder, ".programs"));
    const recorder = compileC(join(root, "conformance", "clients", "recorder.c"));
    for (const type of readdirSync(programs)) {
      symlinkSync(delegated.has(type) ? join(programs, type) : recorder, join(folder, type));
    }
  }

  /** The calls so far, as they were, in the order they began. */
  calls(): RecordedCall[] {
    const begun = readdirSync(this.#calls).filter((name) => name.endsWith(".in"));
    return begun.sort().map((name) => this.#read(name.slice(0, -".in".length)));
  }

  #read(call: string): RecordedCall {
    const path = (part: string) => join(this.#calls, `${call}.${part}`);
    const text = (part: string) => readFileSync(path(part), "utf8");
    const [type = "", netns] = text("type").trim().split(" ") as [string, RecordedCall["netns"]];
    const env = text("env").split("\0").filter(Boolean).sort().map(splitPair);
    const asked = { type, netns, env: Object.fromEntries(env), stdin: jsonOrText(text("in")) };
    if (!existsSync(path("end"))) return { ...asked, status: null };
    const answered = { ...asked, status: Number(text("end")) };
    const stdout = text("out");
    return stdout === "" ? answered : { ...answered, stdout: JSON.parse(stdout) };
  }
}

function splitPair(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return [entry.slice(0, at), entry.slice(at + 1)];
}

/** JSON when nothing is lost by it: not its spaces, escapes, the digits of a number. */
function jsonOrText(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return JSON.stringify(json) === text ? json : text;
  } catch {
    return text; // a client may send what is no JSON
  }
}

const recorded = join(root, "conformance", "clients", "recorded");

function pathOf(client: string, name: string): string {
  return join(recorded, client, `${name}.json`);
}

/** A file of `recorded/`, by the name of its folder and its own without `.json`. */
export function readRecording(client: string, name: string): Recording {
  return JSON.parse(readFileSync(pathOf(client, name), "utf8"));
}

/** Every recording there is, as `[client, name]`. */
export function recordings(): [client: string, name: string][] {
  return readdirSync(recorded).flatMap((client) =>
    readdirSync(join(recorded, client)).map((file): [string, string] => [
      client,
      file.replace(/\.json$/, ""),
    ]),
  );
}

/**
 * Compares what a client sent, and was answered, with its recording; with NETLOOM_RECORD in the environment, writes it.
 * @throws {AssertionError} the same version of the client sends something else
 */
export function keepRecording(client: string, name: string, recording: Recording): void {
  if (process.env["NETLOOM_RECORD"] !== undefined) write(pathOf(client, name), recording);
  const kept = readRecording(client, name);
  if (kept.client === recording.client) deepEqual(recording.calls, kept.calls);
}

function write(path: string, recording: Recording): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(recording, null, 2));
  execFileSync("npx", ["biome", "format", "--write", path], { cwd: root, stdio: "ignore" });
}
