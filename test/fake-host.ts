/**
 * A host for unit tests: files in memory, a clock that moves only when somebody sleeps, seeded chance, programs played by
 * the test, and a record of what went to stdout and stderr. What is not faked throws and says so.
 * @module
 */

import { FakeFiles, hostError } from "./fake-files.ts";
import { setHost } from "./setup.ts";

export { hostError } from "./fake-files.ts";

/** What a fake host starts with; everything may be left out. */
export interface FakeHostOptions {
  env?: Record<string, string>;
  /** Entries as they are, for duplicates and broken ones; stands in the place of `env`. */
  environ?: string[];
  stdin?: string | Uint8Array;
  argv?: string[];
  /** Plays executed programs. */
  spawn?: (what: HostSpawn) => Partial<HostSpawned> | string;
  /** Text by path. */
  files?: Record<string, string | Uint8Array>;
  /** The bundle's line table. */
  attachment?: string;
  pid?: number;
}

const encoder = new TextEncoder();
const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? encoder.encode(content) : content;

/** Makes `fake` the host of the code under test, until the test ends. */
export function useHost<T extends Partial<Host>>(fake: T): T {
  setHost(fake);
  return fake;
}

/** What the first program that is started has for a pid. */
const FIRST_PID = 5000;

/** An in-memory {@link Host}; sockets, namespaces and mounts are not faked. */
export class FakeHost extends FakeFiles implements Partial<Host> {
  /** Every program that was started. */
  readonly spawned: HostSpawn[] = [];
  readonly #ended: (HostSpawned | undefined)[] = [];
  /** Milliseconds since 1970, moved by nanosleep and by waiting. */
  clock: { nowMs: number };
  #options: FakeHostOptions;
  #stdin: Uint8Array;
  #output: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] };
  #failures: { syscall: string; code: string; path?: string | RegExp; left: number }[] = [];
  #seed = 1;

  constructor(options: FakeHostOptions = {}) {
    const clock = { nowMs: 1_700_000_000_000 };
    super({
      now: () => clock.nowMs,
      sleep: (milliseconds) => {
        clock.nowMs += milliseconds;
      },
    });
    this.clock = clock;
    this.#options = options;
    this.#stdin = bytesOf(options.stdin ?? "");
    for (const [path, content] of Object.entries(options.files ?? {})) this.put(path, content);
    this.#installFailures();
  }

  // ---- for tests

  /** What was written to stdout. */
  get stdout(): string {
    return joined(this.#output[1]);
  }

  /** What was written to stderr. */
  get stderr(): string {
    return joined(this.#output[2]);
  }

  /** The next call of `syscall` (on a matching path, if given) fails with `code`; `times` of them do. */
  failOn(syscall: keyof Host, code: string, path?: string | RegExp, times = 1): void {
    const failure = { syscall, code, left: times };
    this.#failures.push(path === undefined ? failure : { ...failure, path });
  }

  // ---- process

  argv(): string[] {
    return this.#options.argv ?? ["netloom"];
  }

  environ(): string[] {
    const { environ, env = {} } = this.#options;
    return environ ?? Object.entries(env).map(([name, value]) => `${name}=${value}`);
  }

  exit(status: number): never {
    throw new Error(`fake exit(${status})`);
  }

  getpid(): number {
    return this.#options.pid ?? 4242;
  }

  geteuid(): number {
    return 0;
  }

  /** The answer is there at once; `finish` hands it out. */
  start(what: HostSpawn): number {
    this.spawned.push(what);
    const { spawn } = this.#options;
    if (!spawn) throw hostError("start", "ENOENT", what.path);
    const answer = spawn(what);
    const part: Partial<HostSpawned> =
      typeof answer === "string" ? { stdout: encoder.encode(answer) } : answer;
    const empty = new Uint8Array();
    const ended = part.signal === undefined ? { status: 0 } : {};
    const usual = { stdout: empty, stderr: empty, timedOut: false, outputExceeded: false };
    return this.#ended.push({ ...ended, ...usual, ...part }) + FIRST_PID - 1;
  }

  finish(pid: number): HostSpawned {
    const ended = this.#ended[pid - FIRST_PID];
    delete this.#ended[pid - FIRST_PID];
    if (ended === undefined) throw hostError("finish", "ECHILD");
    return ended;
  }

  attachment(): Uint8Array {
    return encoder.encode(this.#options.attachment ?? "");
  }

  // ---- standard streams, before files

  override read(fd: number, length: number): Uint8Array {
    if (fd !== 0) return super.read(fd, length);
    const part = this.#stdin.slice(0, length);
    this.#stdin = this.#stdin.slice(length);
    return part;
  }

  override write(fd: number, bytes: Uint8Array): number {
    if (fd !== 1 && fd !== 2) return super.write(fd, bytes);
    this.#output[fd].push(bytes.slice());
    return bytes.length;
  }

  override fstat(fd: number): HostStat {
    if (fd > 2) return super.fstat(fd);
    return { dev: 1, ino: 0, mode: 0o010600, uid: 0, gid: 0, nlink: 1, size: 0, mtime: 0 };
  }

  poll(fds: { fd: number; events: number }[], _timeoutMs: number): number[] {
    return fds.map(({ events }) => events);
  }

  // ---- time and chance

  clockGettime(clock: number): number {
    return clock === 0 ? this.clock.nowMs : this.clock.nowMs - 1_600_000_000_000;
  }

  nanosleep(milliseconds: number): void {
    this.clock.nowMs += milliseconds;
  }

  getrandom(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => {
      this.#seed = (Math.imul(this.#seed, 1103515245) + 12345) >>> 0;
      return this.#seed >>> 16;
    });
  }

  uname() {
    return {
      sysname: "Linux",
      nodename: "fake",
      release: "6.18.0",
      version: "#1",
      machine: "x86_64",
    };
  }

  /** Wraps every call so that {@link failOn} can stand in its way. */
  #installFailures(): void {
    const names = [...methodNames(FakeFiles.prototype), ...methodNames(FakeHost.prototype)];
    const self = this as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const name of new Set(names)) {
      const call = self[name]!.bind(this);
      self[name] = (...args: unknown[]) => {
        this.#failIfAsked(name, args);
        return call(...args);
      };
    }
  }

  #failIfAsked(syscall: string, args: unknown[]): void {
    const path = typeof args[0] === "string" ? args[0] : undefined;
    const failure = this.#failures.find(
      (each) => each.left > 0 && each.syscall === syscall && matches(each.path, path),
    );
    if (!failure) return;
    failure.left -= 1;
    throw hostError(syscall, failure.code, path);
  }
}

function methodNames(prototype: object): string[] {
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  const forTests = [
    "constructor",
    "failOn",
    "put",
    "putDirectory",
    "text",
    "bytes",
    "list",
    "adopt",
  ];
  return own
    .filter(([name, { value }]) => typeof value === "function" && !forTests.includes(name))
    .map(([name]) => name);
}

function matches(wanted: string | RegExp | undefined, path: string | undefined): boolean {
  if (wanted === undefined) return true;
  if (path === undefined) return false;
  return typeof wanted === "string" ? wanted === path : wanted.test(path);
}

function joined(parts: Uint8Array[]): string {
  return new TextDecoder().decode(Buffer.concat(parts));
}
