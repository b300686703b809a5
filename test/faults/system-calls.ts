/**
 * The system calls of one execution, and what strace(1) makes of one of them: it kills the program before it, or lets it fail.
 * @module
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Background, Outcome } from "../kernel/enter.ts";
import { builtPrograms, type CniCall, Sandbox } from "../kernel/sandbox.ts";

/** One system call of an execution. */
export interface Step {
  /** Which process makes it. */
  process: "program" | "delegate" | "fork";
  /** As strace names it: `sendto`. */
  name: string;
  /** How many of that name the process makes, up to this one. */
  occurrence: number;
  /**
   * Arguments and what came back, as strace tells them, and what close(2) closes: `5) = 0 of open("/x"…`. Numbers and pointers
   * differ from run to run.
   */
  text: string;
}

/** What is done to a {@link Step}: `signal=KILL`, `error=ENOMEM`. */
export type Injection = `signal=${string}` | `error=${string}`;

/** Sweeps try whatever they can think of, which takes several times as long as what CI wants to know. */
export const everyCall = process.env["NETLOOM_EVERY_CALL"] === "1";

const strace = "/usr/bin/strace";
const path = "/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Between clone(2) and execve(2) a process of its own sets up pipes and signals. Only it makes these calls, so that they can be
 * told from the program's.
 */
const forkCalls = ["prctl", "getppid", "dup2", "close_range"];

/** What strace is told for a fault in that call. */
export function inject({ name, occurrence }: Step, what: Injection): string[] {
  return ["-e", `trace=${name}`, "-e", `inject=${name}:${what}:when=${occurrence}`];
}

/** strace of an earlier version than 6.2 knows fewer signals by name: they are not of interest. */
export const quietly = ["-qq", "-e", "signal=none"];

/** Executions of CNI programs with a fault in them. One delegate at most is executed through a script that traces it. */
export class FaultyRuns {
  readonly #sandbox: Sandbox;
  readonly #log: string;
  readonly #wrapped: string;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#log = join(sandbox.scratch, "calls");
    this.#wrapped = join(sandbox.scratch, "wrapped");
  }

  /** Runs the call to its end. @returns its system calls, and those of its delegate when it has one */
  record(call: CniCall, delegate?: string): Step[] {
    const delegateLog = `${this.#log}.delegate`;
    for (const log of [this.#log, delegateLog]) rmSync(log, { force: true });
    const env =
      delegate === undefined ? {} : this.#wrap(delegate, call.command, ["-o", delegateLog]);
    const done = this.#run(call, ["-o", this.#log], env);
    if (done.status !== 0) throw new Error(`${call.command}: ${done.stdout}${done.stderr}`);
    const own = stepsOf(readFileSync(this.#log, "utf8"), "program");
    if (!existsSync(delegateLog)) return own;
    const fork = forkCalls.map(
      (name) => ({ process: "fork", name, occurrence: 1, text: "" }) as const,
    );
    return [...own, ...fork, ...stepsOf(readFileSync(delegateLog, "utf8"), "delegate")];
  }

  /** Runs the call with a fault in one of its system calls. */
  run(call: CniCall, step: Step, what: Injection, delegate?: string): Outcome {
    const injection = ["-o", "/dev/null", ...inject(step, what)];
    if (step.process === "program") return this.#run(call, injection);
    if (step.process === "fork") return this.#run(call, ["-f", ...injection]);
    return this.#plain(call, this.#wrap(delegate ?? "", call.command, injection));
  }

  /** Starts the call with a fault in its delegate and does not wait. */
  start(call: CniCall, step: Step, what: Injection, delegate: string): Background {
    const { program, options } = Sandbox.invocation(call);
    const env = this.#wrap(delegate, call.command, ["-o", "/dev/null", ...inject(step, what)]);
    return this.#sandbox.start([program], { ...options, env: { ...options.env, ...env } });
  }

  #run(call: CniCall, options: readonly string[], more: NodeJS.ProcessEnv = {}): Outcome {
    const { program, options: given } = Sandbox.invocation(call);
    const env = { ...given.env, PATH: path, ...more };
    return this.#sandbox.run([strace, ...quietly, ...options, program], { ...given, env });
  }

  #plain(call: CniCall, more: NodeJS.ProcessEnv): Outcome {
    const { program, options } = Sandbox.invocation(call);
    return this.#sandbox.run([program], { ...options, env: { ...options.env, ...more } });
  }

  /**
   * Puts a script in the delegate's place. strace -D leaves the delegate the child of who executes it; other verbs, those that
   * undo, run without. @returns the environment in which it is found
   */
  #wrap(delegate: string, command: string, options: readonly string[]): NodeJS.ProcessEnv {
    mkdirSync(this.#wrapped, { recursive: true });
    const script = join(this.#wrapped, delegate);
    const program = join(builtPrograms, delegate);
    const traced = [strace, "-D", ...quietly, ...options, program].join(" ");
    const text = `#!/bin/sh\n[ "$CNI_COMMAND" != ${command} ] || exec ${traced}\nexec ${program}\n`;
    writeFileSync(script, text);
    chmodSync(script, 0o755);
    return { CNI_PATH: this.#wrapped, PATH: path };
  }
}

/** What a process did, by what strace wrote of it. */
export function stepsOf(trace: string, process: Step["process"]): Step[] {
  const counts = new Map<string, number>();
  const opened = new Map<string, string>();
  // the first is the execve(2) that strace itself makes of the program: nothing has run yet
  const all = [...trace.matchAll(/^(\w+)\((.*)$/gm)].slice(1);
  // how often the kernel begins one anew is chance: a parameter of IPv6 is written when others leave RTNL alone
  const lines = all.filter(([line]) => !/ = \? ERESTART/.test(line));
  return lines.map(([line, name = "", text = ""]) => {
    const occurrence = (counts.get(name) ?? 0) + 1;
    counts.set(name, occurrence);
    const [, fd = ""] = (name === "close" ? /^close\((\d+)/ : / = (\d+)$/).exec(line) ?? [];
    const closed = name === "close" ? ` of ${opened.get(fd) ?? "a pipe"}` : "";
    // the number is free again: pipe2(2), whose answer is 0, may be the next to have it
    if (name === "close") opened.delete(fd);
    else if (/^(open|socket)$/.test(name)) opened.set(fd, line);
    return { process, name, occurrence, text: `${text.replace(/ += /, " = ")}${closed}` };
  });
}

/** What a sweep is about, for {@link isTried}. */
export interface Sweep {
  /** Whether others try the same calls: those of a program that is used in a second way, or of an ADD that is swept on a new host too. */
  isRepeated: boolean;
  /** Another one for each sweep. */
  turn: number;
}

/**
 * Whether a sweep tries a call: of those that others try too, every third, and a delegate makes the same calls for each program.
 * NETLOOM_EVERY_CALL=1 leaves none out.
 */
export function isTried({ process }: Step, index: number, { isRepeated, turn }: Sweep): boolean {
  return everyCall || !(isRepeated || process === "delegate") || index % 3 === turn % 3;
}

/** `delegate linkat #2`, for messages. */
export function describeStep({ process, name, occurrence, text }: Step): string {
  return `${process} ${name} #${occurrence} (${text.slice(0, 120)})`;
}

/**
 * System calls that change nothing outside the process that makes them: to be killed before one of these is to be killed before
 * the next that does. What is not listed, is tried.
 */
const ownAffair = [
  /^(arch_prctl|set_tid_address|prlimit64|brk|mmap|munmap|mprotect|madvise|rt_sigaction|rt_sigprocmask)\(/, // memory, signals
  /^(getpid|getppid|geteuid|getuid|getrandom|clock_gettime)\(/, // questions
  /^(newfstatat|stat|lstat|fstat|statfs|access|faccessat|readlink|getdents64|lseek|pread64|read)\(/, // looking at files
  /^open\((?!.*O_(CREAT|TMPFILE|TRUNC))/, // for reading, or to write later
  /^ioctl\(.*(SIOCGIF|NS_GET_)/, // questions about links and namespaces
  /^(recvmsg|getsockname)\(/, // answers that are there already
  /^(socket|setsockopt|getsockopt|bind|setns|fcntl|pipe2|dup2|nanosleep|clock_nanosleep)\(/, // descriptors of its own
];

/** True when a kill before this call is one before the next. */
export function changesNothing({ name, text }: Step): boolean {
  return ownAffair.some((form) => form.test(`${name}(${text}`));
}
