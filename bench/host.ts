/**
 * One contender's host: a sandbox of its own, with containers' namespaces, in which chains are run and timed.
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../scripts/place.ts";
import { compileC } from "../test/kernel/compile.ts";
import type { Outcome } from "../test/kernel/enter.ts";
import { Sandbox } from "../test/kernel/sandbox.ts";
import type { Contender } from "./contenders.ts";

/** One container's call of the whole chain. */
export interface ChainTime {
  /** Milliseconds from the first program's start to the last one's end. */
  ms: number;
  /** Those of each program, in the order of execution. */
  programs: number[];
  peakKib: number;
  /** Pages mapped or copied on first touch, by the programs and those they started. */
  faults: number;
  /** Milliseconds of processor time, likewise; on a machine with other work the better measure. */
  processorMs: number;
}

/** The whole chain for many containers at the same time. */
export interface AtOnce {
  /** Milliseconds until the last one was done. */
  ms: number;
  /** How many containers' chains failed. */
  failed: number;
  /** What the failing programs said. */
  said: string;
}

/** What one traced chain did. */
export interface Trace {
  /** Programs executed besides the CNI programs themselves. */
  externalPrograms: number;
  systemCalls: number;
}

/** Path of the compiled harness. */
export function launchProgram(): string {
  return compileC(join(root, "bench", "launch.c"));
}

/** A contender on a host of its own. */
export class BenchHost {
  readonly contender: Contender;
  readonly #sandbox = Sandbox.create();
  readonly #work: string;
  #pods = 0;

  constructor(contender: Contender) {
    this.contender = contender;
    this.#work = join(this.#sandbox.scratch, "work");
    mkdirSync(this.#work);
    for (const [index, config] of contender.configs.entries()) {
      const text = JSON.stringify(config).replaceAll('"%PORT%"', "%PORT%");
      writeFileSync(join(this.#work, `${index + 1}.json`), text);
    }
    const { surround: input } = contender;
    if (input !== undefined) this.#sandbox.ok(["ip", "-batch", "-"], { input });
    if (contender.configs.length > 0) return;
    writeFileSync(join(this.#work, "floor"), "");
    this.#sandbox.ok(["sh", join(root, "bench", "floor-setup.sh")]);
  }

  /** Makes sure containers 1 to `count` have their namespaces. */
  prepare(count: number): void {
    while (this.#pods < count) this.#sandbox.pod(`b-${++this.#pods}`);
  }

  /** Starts a program in a container, which runs until the host is disposed. */
  serve(id: number, argv: readonly string[]): void {
    this.#sandbox.start(argv, { netns: `/run/netns/b-${id}` });
  }

  /** Runs a program in a world outside the host, whose address there is 192.0.2.1. @returns its stdout */
  outside(argv: readonly string[]): string {
    return this.#sandbox.ok(argv, { netns: this.#sandbox.outside() });
  }

  #launch(before: string[], verb: string, ids: readonly number[]): Outcome {
    const { bin } = this.contender;
    const argv = [launchProgram(), "chain", verb, bin, this.#work, ...ids.map(String)];
    return this.#sandbox.run([...before, ...argv], { timeoutMs: 300_000 });
  }

  /** Runs the chain for one container. @throws {Error} it failed. */
  run(verb: string, id: number): ChainTime {
    const { stdout, stderr } = this.#launch([], verb, [id]);
    const [, succeeded, peakKib = 0, faults = 0, processor = 0, total = 0, ...programs] = stdout
      .trim()
      .split(" ")
      .map(Number);
    if (succeeded !== 1) throw new Error(`${this.contender.name}: ${verb} of ${id}: ${stderr}`);
    return {
      ms: total / 1000,
      programs: programs.map((us) => us / 1000),
      peakKib,
      faults,
      processorMs: processor / 1000,
    };
  }

  /** Runs the chain for containers 1 to `count` at once. */
  runAtOnce(verb: string, count: number): AtOnce {
    const ids = Array.from({ length: count }, (_, index) => index + 1);
    const { stdout, stderr } = this.#launch([], verb, ids);
    const wall = /^wall (\d+)$/m.exec(stdout)?.[1];
    const failed = stdout.split("\n").filter((line) => /^\d+ 0 /.test(line)).length;
    return { ms: Number(wall) / 1000, failed, said: stderr };
  }

  /** Runs the chain for one container under strace. */
  trace(verb: string, id: number): Trace {
    const file = join(this.#sandbox.scratch, "trace");
    this.#launch(["strace", "-f", "-qq", "-o", file], verb, [id]);
    const lines = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => /^\d+ +[a-z_0-9]+\(/.test(line));
    const harness = lines[0]?.split(" ")[0];
    const theirs = lines.filter((line) => line.split(" ")[0] !== harness);
    const executed = theirs.filter((line) => /execve\("/.test(line) && !/= -1 E/.test(line));
    const cni = executed.filter((line) => line.includes(`execve("${this.contender.bin}/`));
    return { externalPrograms: executed.length - cni.length, systemCalls: theirs.length };
  }

  dispose(): void {
    this.#sandbox.dispose();
  }
}
