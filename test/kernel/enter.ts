/**
 * The helper `enter.c`: compiled when first needed, then the door into every namespace of a sandbox.
 * @module
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { compileC } from "./compile.ts";
import { runToEnd, type Started } from "./starter.ts";

/** Where a program runs. Both are files that name a namespace, as `/proc/123/ns/net`. */
export interface Place {
  mnt: string;
  net: string;
}

/** What a program is given besides its arguments. */
export interface Input {
  /** What it reads on stdin; nothing when left out. */
  input?: string | Uint8Array;
  /** Its whole environment; the caller's when left out. */
  env?: NodeJS.ProcessEnv;
  /** It is killed after this long. Default 30 s, {@link slowness} times. */
  timeoutMs?: number;
}

/** How many times slower than usual programs run: a machine that is emulated says so in NETLOOM_SLOWNESS. */
export const slowness = Number(process.env["NETLOOM_SLOWNESS"] ?? 1);

/** How a program ended. */
export interface Outcome {
  /** Exit status; `null` when a signal ended it. */
  status: number | null;
  signal: number | null;
  stdout: string;
  stderr: string;
  /** Wall time from exec to exit, in milliseconds. */
  ms: number;
  /** Peak memory of the largest process, in KiB. */
  peakKib: number;
  /** Ids of the processes that it left behind and that lived on. */
  orphans: readonly number[];
}

let compiled: string | undefined;

/** Path of the compiled helper. @throws {Error} musl-gcc is missing (Debian: musl-tools). */
export function enterProgram(): string {
  compiled ??= compileC(join(root, "test", "kernel", "enter.c"));
  return compiled;
}

/** Reads the helper's report; a helper that could not start the program is an error, not an outcome. */
function outcome(argv: readonly string[], report: string, stdout: string, stderr: string): Outcome {
  const [status, signal, microseconds, kib, ...orphans] = report.split(" ").map(Number);
  if (status === undefined || signal === undefined || microseconds === undefined) {
    throw new Error(`run ${argv.join(" ")}: no answer in time, or ${stderr || "killed"}`);
  }
  return {
    status: status < 0 ? null : status,
    signal: signal === 0 ? null : signal,
    stdout,
    stderr,
    ms: microseconds / 1000,
    peakKib: kib ?? 0,
    orphans,
  };
}

/** Runs a program in those namespaces and waits for it. @throws {Error} it cannot be executed, or took too long. */
export function runIn(place: Place, argv: readonly string[], options: Input = {}): Outcome {
  const { report, stdout, stderr } = enter(["run", place.mnt, place.net, ...argv], options);
  return outcome(argv, report.trim(), stdout, stderr);
}

/** Runs the helper itself with those arguments. */
export function enter(argv: readonly string[], options: Input = {}): Started {
  return runToEnd({
    argv: [enterProgram(), ...argv],
    input: options.input ?? "",
    env: options.env ?? process.env,
    timeoutMs: (options.timeoutMs ?? 30_000) * slowness,
  });
}

/** A program that runs beside the test. */
export interface Background {
  pid: number;
  /** What it wrote so far. */
  output(): string;
  /** Ends it and waits until it is gone. */
  stop(): Promise<Outcome | undefined>;
  /** How it ended; `undefined` when it was stopped. */
  ended: Promise<Outcome | undefined>;
}

/** Starts a program in those namespaces. It dies with the test run. */
export function startIn(place: Place, argv: readonly string[], options: Input = {}): Background {
  const child = spawn(enterProgram(), ["run", place.mnt, place.net, ...argv], {
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  const texts = ["", "", "", ""];
  for (const fd of [1, 2, 3]) {
    child.stdio[fd]?.on("data", (chunk: Buffer) => {
      texts[fd] += chunk.toString("utf8");
    });
  }
  child.stdin?.on("error", () => undefined); // a program that does not read its stdin is no failure
  child.stdin?.end(options.input ?? "");
  const ended = new Promise<Outcome | undefined>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_, signal) => {
      const [, stdout = "", stderr = "", report = ""] = texts;
      if (signal !== null) return resolve(undefined);
      try {
        resolve(outcome(argv, report.trim(), stdout, stderr));
      } catch (error) {
        reject(error);
      }
    });
  });
  ended.catch(() => undefined); // whoever waits sees it; nobody waiting is no crash
  const stop = () => {
    child.kill("SIGKILL");
    return ended;
  };
  return { pid: child.pid ?? 0, output: () => `${texts[1]}${texts[2]}`, stop, ended };
}
