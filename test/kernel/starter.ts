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
  /** It is killed after this long. */
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

function readLine(fd: number): string {
  let line = "";
  for (let byte = readAll(fd, 1); byte[0] !== 0x0a; byte = readAll(fd, 1)) line += byte;
  return line;
}

/** Runs a program to its end. One that cannot be executed has exit status 127 and says so on stderr. */
export function runToEnd({ argv, env, input, timeoutMs }: Start): Started {
  starter ??= open();
  const set = Object.entries(env).filter(([, value]) => value !== undefined);
  const entries = set.map(([name, value]) => `${name}=${value}`);
  const block = Buffer.from([...argv, ...entries].map((text) => `${text}\0`).join(""));
  const stdin = Buffer.from(input as string);
  const sizes = [argv.length, entries.length, block.length, stdin.length, timeoutMs];
  writeAll(starter.requests, Buffer.concat([Buffer.from(`${sizes.join(" ")}\n`), block, stdin]));
  const numbers = readLine(starter.answers).split(" ").map(Number);
  const [status = 0, out = 0, err = 0, report = 0] = numbers;
  const text = (length: number) => readAll((starter as Starter).answers, length).toString("utf8");
  return { status, stdout: text(out), stderr: text(err), report: text(report) };
}
