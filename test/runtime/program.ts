/**
 * Small programs for the tests of the native host: JavaScript text, or a typed function, compiled and made into a
 * program by the real host, and run.
 * @module
 */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { daemonHostProgram, hostProgram } from "../../scripts/host.ts";

/** How a program is run. */
export interface RunOptions {
  argv?: string[];
  /** The whole environment; empty when left out. */
  env?: Record<string, string>;
  input?: string | Uint8Array;
  /** A command that executes the program, as `["prlimit", "--as=…"]`. */
  through?: string[];
  cwd?: string;
}

/** What came of a run; streams as text, byte for byte (latin1). */
export interface Ran {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const folders: string[] = [];

/** A new folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "netloom-host-"));
  folders.push(folder);
  return folder;
}

/** Removes every folder that was made; for `after`. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Runs the bare host. */
export function host(...argv: string[]): Ran {
  return spawn(hostProgram(), { argv });
}

/** Runs the bare host for daemons. */
export function daemonHost(...argv: string[]): Ran {
  return spawn(daemonHostProgram(), { argv });
}

/** Compiles an ES module to bytecode. @throws {Error} the host refuses it. */
export function compile(source: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "main.js"), source);
  return made(
    host("compile", join(folder, "main.js"), join(folder, "main.bc")),
    `${folder}/main.bc`,
  );
}

/** Makes a program of an ES module's text. @throws {Error} the host refuses it. */
export function build(source: string, attachment?: string | Uint8Array): string {
  const bytecode = compile(source);
  const program = bytecode.replace(/main\.bc$/, "program");
  const extra = attachment === undefined ? [] : [`${program}.lines`];
  for (const path of extra) writeFileSync(path, attachment ?? "");
  return made(host("image", bytecode, program, ...extra), program);
}

/** Makes a daemon of an ES module's text. @throws {Error} the host refuses it. */
export function buildDaemon(source: string): string {
  const bytecode = compile(source);
  const program = bytecode.replace(/main\.bc$/, "daemon");
  return made(daemonHost("program", bytecode, program), program);
}

function made(ran: Ran, path: string): string {
  if (ran.status === 0) return path;
  throw new Error(`host: status ${ran.status}, ${ran.signal}: ${ran.stderr}`);
}

/** Runs a program to its end. */
export function run(program: string, options: RunOptions = {}): Ran {
  return spawn(program, options);
}

function spawn(program: string, options: RunOptions): Ran {
  const [command = program, ...rest] = [
    ...(options.through ?? []),
    program,
    ...(options.argv ?? []),
  ];
  const ran: SpawnSyncReturns<string> = spawnSync(command, rest, {
    encoding: "latin1",
    env: options.env ?? {},
    input: options.input ?? "",
    cwd: options.cwd,
    maxBuffer: 64 << 20,
    timeout: 30_000,
  });
  if (ran.error?.message.includes("ENOENT")) throw ran.error;
  const { status, signal, stdout, stderr } = ran;
  return { status, signal, stdout, stderr };
}

/** The program's text whose `main` calls `body` and writes what it returns, as JSON. */
export function programOf<A>(body: (host: Host, argument: A) => unknown, argument?: A): string {
  return `const __name = (f) => f;
    globalThis.main = () => {
      const value = (${body.toString()})(netloomHost, ${JSON.stringify(argument) ?? "undefined"});
      const text = JSON.stringify(value, (_, item) => item instanceof Uint8Array ? [...item] : item);
      let bytes = new TextEncoder().encode(text ?? "null");
      while (bytes.length > 0) bytes = bytes.subarray(netloomHost.write(1, bytes));
    };`;
}

/**
 * Calls `body` in a program of its own and gives what it returned, by way of JSON (a Uint8Array as an array of numbers).
 * The function is taken as text: it sees its two arguments and the globals of the host, nothing else.
 * @throws {Error} the program fails; with what it said on stderr.
 */
export function onHost<A, T>(
  body: (host: Host, argument: A) => T,
  argument?: A,
  options?: RunOptions,
): T {
  const ran = run(build(programOf(body, argument)), options);
  if (ran.status !== 0) throw new Error(`program: status ${ran.status}: ${ran.stderr}`);
  return JSON.parse(Buffer.from(ran.stdout, "latin1").toString()) as T;
}

/** The error a call in a program throws, with the properties that can be told by JSON. */
export interface Thrown {
  isError: boolean;
  name: string;
  message: string;
  errno?: number;
  code?: string;
  syscall?: string;
  path?: string;
}

/** What `body` throws in a program of its own; `undefined` if it returns. */
export function thrownOnHost<A>(
  body: (host: Host, argument: A) => unknown,
  argument?: A,
  options?: RunOptions,
): Thrown | undefined {
  const text = `(host, argument) => {
    try { (${body.toString()})(host, argument); } catch (error) {
      const { name, message, errno, code, syscall, path } = error;
      return { isError: error instanceof Error, name, message, errno, code, syscall, path };
    }
    return null;
  }`;
  const wrapped = { toString: () => text } as unknown as (host: Host, argument: A) => Thrown | null;
  return onHost(wrapped, argument, options) ?? undefined;
}
