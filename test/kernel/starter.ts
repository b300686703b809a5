/**
 * Starts programs and waits for them, as `spawnSync` does, at a tenth of its price: another process forks.
 * @module
 */
import { execFileSync, spawn } from "node:child_process";
import { constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileC } from "./compile.ts";

/** What is to be started. */
export interface Start {
  /** Program, by its path, and arguments. */
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  input: string | Uint8Array;
  /** It is killed after this long, more than 0. */
  timeoutMs: number;
}

/** How it ended. */
export interface Started {
  /** As waitpid(2) has it. */
  status: number;
  stdout: string;
  stderr: string;
  /** What it wrote to descriptor 3. */
  report: string;
}

interface Starter {
  requests: number;
  answers: number;
}

/** What an answer begins with, four numbers. */
const ANSWER_BYTES = 48;

let starter: Starter | undefined;

/** Path of the program that forks, compiled when first needed. */
export function starterProgram(): string {
  return compileC(fileURLToPath(new URL("./starter.c", import.meta.url)));
}

/** One lives as long as this process. Opening a FIFO waits for the other side. */
function open(): Starter {
  const folder = mkdtempSync(join(tmpdir(), "netloom-starter-"));
  const [requests, answers] = [join(folder, "requests"), join(folder, "answers")];
  try {
    execFileSync("mkfifo", [requests, answers]);
    spawn(starterProgram(), [requests, answers], {
      stdio: ["ignore", "ignore", "inherit"],
    }).unref();
    return { requests: openSync(requests, "w"), answers: openSync(answers, constants.O_RDONLY) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** Exactly so many bytes. */
function readAll(fd: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const count = readSync(fd, bytes, at, length - at, null);
    if (count === 0) throw new Error("the starter of programs has ended");
    at += count;
  }
  return bytes;
}

/** Runs a program to its end. One that cannot be executed has exit status 127 and says so on stderr. */
export function runToEnd(start: Start): Started {
  const [status = 0, out = 0, err = 0, report = 0] = ask(start);
  return { status, stdout: text(out), stderr: text(err), report: text(report) };
}

/**
 * Starts a program that stays, until it is killed or this process ends: then its stdin ends, and its parent is gone.
 * @returns its process id, and what it wrote to its stdout first; nothing when it ended without
 */
export function startToStay({ argv, env }: Pick<Start, "argv" | "env">): [number, string] {
  const [pid = 0, out = 0] = ask({ argv, env, input: "", timeoutMs: 0 });
  return [pid, text(out)];
}

/** @returns the numbers of the answer; the texts are to be read */
function ask({ argv, env, input, timeoutMs }: Start): number[] {
  starter ??= open();
  const set = Object.entries(env).filter(([, value]) => value !== undefined);
  const entries = set.map(([name, value]) => `${name}=${value}`);
  const block = Buffer.from([...argv, ...entries].map((entry) => `${entry}\0`).join(""));
  const stdin = Buffer.from(input as string);
  const sizes = [argv.length, entries.length, block.length, stdin.length, timeoutMs];
  writeAll(starter.requests, Buffer.concat([Buffer.from(`${sizes.join(" ")}\n`), block, stdin]));
  return text(ANSWER_BYTES).trim().split(/ +/).map(Number);
}

function text(length: number): string {
  return readAll((starter as Starter).answers, length).toString("utf8");
}
