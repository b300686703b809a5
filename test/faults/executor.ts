/**
 * Thousands of executions: a small program inside a sandbox starts the others, one after another.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { compileC } from "../kernel/compile.ts";
import { enterProgram, type Outcome } from "../kernel/enter.ts";
import { type CniCall, Sandbox } from "../kernel/sandbox.ts";

/** A program that is to be executed. */
export interface Execution {
  /** Its path. */
  program: string;
  /** The whole environment, `NAME=value` each: at most 254, and no zero bytes. */
  environment: readonly (string | Uint8Array)[];
  input: string | Uint8Array;
  /** It is killed after this long. Default 30 s. */
  timeoutMs?: number;
}

/** How it ended. */
export interface Executed extends Outcome {
  /** Processes that it left behind; they have been killed. */
  left: number;
}

interface Waiting {
  resolve(done: Executed): void;
  reject(error: Error): void;
}

/** The program behind an {@link Executor}: its processes are in the sandbox too. */
export const executorProgram = (): string =>
  compileC(fileURLToPath(new URL("./executor.c", import.meta.url)));

/** Runs programs in a sandbox one after another; several executors run beside each other. Close it before the sandbox. */
export class Executor {
  readonly #child: ChildProcess;
  readonly #waiting: Waiting[] = [];
  readonly #ended: Promise<unknown>;
  #received = Buffer.alloc(0);

  constructor({ place: { mnt, net } }: Sandbox) {
    const stdio = ["pipe", "pipe", "inherit", "ignore"] as const;
    this.#child = spawn(enterProgram(), ["run", mnt, net, executorProgram()], {
      stdio: [...stdio],
      cwd: tmpdir(),
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#ended = once(this.#child, "close").finally(() => {
      for (const { reject } of this.#waiting) reject(new Error("the executor has ended"));
    });
  }

  /** Runs one program; it waits until those before it have ended. */
  run({ program, environment, input, timeoutMs = 30_000 }: Execution): Promise<Executed> {
    const entries = [program, ...environment].map((entry) => Buffer.from(entry as string));
    const block = Buffer.concat(entries.flatMap((entry) => [entry, Buffer.alloc(1)]));
    const stdin = Buffer.from(input as string);
    this.#child.stdin?.write(`${block.length} ${stdin.length} ${timeoutMs}\n`);
    this.#child.stdin?.write(Buffer.concat([block, stdin]));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Executes a CNI program as a runtime does. */
  cni(call: CniCall): Promise<Executed> {
    const { program, options } = Sandbox.invocation(call);
    const { env = {}, input = "", timeoutMs } = options;
    const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return this.run({ program, environment, input, ...(timeoutMs !== undefined && { timeoutMs }) });
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (let done = this.#answer(); done !== undefined; done = this.#answer()) {
      this.#waiting.shift()?.resolve(done);
    }
  }

  /** Takes the next whole answer from what was received. */
  #answer(): Executed | undefined {
    const start = this.#received.indexOf("\n") + 1;
    if (start === 0) return undefined;
    const numbers = this.#received.toString("latin1", 0, start).split(" ").map(Number);
    const [status = 0, signal = 0, microseconds = 0, left = 0, out = 0, err = 0] = numbers;
    const end = start + out + err;
    if (this.#received.length < end) return undefined;
    const stdout = this.#received.toString("utf8", start, start + out);
    const stderr = this.#received.toString("utf8", start + out, end);
    this.#received = this.#received.subarray(end);
    return {
      status: status < 0 ? null : status,
      signal: signal === 0 ? null : signal,
      stdout,
      stderr,
      ms: microseconds / 1000,
      peakKib: 0,
      orphans: [],
      left,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}

/** Executors for calls at the same time: as many as there are calls. Close it before the sandbox. */
export class ExecutorPool {
  readonly #sandbox: Sandbox;
  readonly #all: Executor[] = [];
  readonly #idle: Executor[] = [];

  /** @param ready as many are started now, so that as many calls really begin together */
  constructor(sandbox: Sandbox, ready = 0) {
    this.#sandbox = sandbox;
    for (let count = 0; count < ready; count++) this.#idle.push(this.#another());
  }

  /** Executes a CNI program at once, whatever else runs. */
  async cni(call: CniCall): Promise<Executed> {
    const executor = this.#idle.pop() ?? this.#another();
    try {
      return await executor.cni(call);
    } finally {
      this.#idle.push(executor);
    }
  }

  #another(): Executor {
    const executor = new Executor(this.#sandbox);
    this.#all.push(executor);
    return executor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const executor of this.#all) await executor[Symbol.asyncDispose]();
  }
}
