/**
 * Steps of `npm run check` and `npm test`: commands that run side by side and are counted together.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Counts } from "../test/reporter.ts";
import { root } from "./place.ts";

/** A command and how it is counted. */
export interface Step {
  /** Unique among the steps of a run. */
  name: string;
  argv: readonly [string, ...string[]];
  /**
   * `status`: one test, passed when the exit status is 0, skipped when it is 77, and then its last line is the reason.
   * `report`: what it writes as {@link Counts} to the file $NETLOOM_COUNTS.
   */
  counts: "status" | "report";
  /** Names of steps that have to be over before, however they ended; one that is not in the run is not waited for. */
  after?: readonly string[];
  /** Likewise, and it fails without being run unless they have passed. */
  needs?: readonly string[];
  /** How many places it takes, for a step that works at several things. It starts when one is free. Default 1. */
  places?: number;
  /** It takes no place of the others and starts at once: it waits most of its time, or it is what the others wait for. */
  beside?: true;
  /** More environment. */
  env?: Readonly<Record<string, string>>;
  /** It is killed after this long. Default 15 minutes. */
  timeoutMs?: number;
}

/** How a step ended. */
export interface StepResult {
  step: Step;
  counts: Counts;
  /** Wall time in milliseconds. */
  ms: number;
  /** All that it wrote; empty when it was shown as it came. */
  output: string;
}

/** How steps are run. */
export interface RunOptions {
  /** How many steps at once, those beside the others apart. */
  places: number;
  /** Called with each step that starts. */
  started?(step: Step): void;
  /** Called with each step that ends, as soon as it does. */
  ended?(result: StepResult): void;
  /** Their output goes to the terminal as it comes, for a run of one step. */
  show?: boolean;
}

const FIFTEEN_MINUTES_MS = 15 * 60_000;
/** Exit status of a command that cannot do its work here; automake's for a skipped test. */
const CANNOT_HERE = 77;

/**
 * Runs steps, in their order as far as places and `after` let them.
 * @returns their results, in the order of the steps
 * @throws {Error} steps wait for each other
 */
export async function runSteps(steps: readonly Step[], options: RunOptions): Promise<StepResult[]> {
  const waiting = [...steps];
  const running = new Map<Step, Promise<StepResult>>();
  const results = new Map<Step, StepResult>();
  while (results.size < steps.length) {
    for (const step of ready(waiting, running, options.places)) {
      waiting.splice(waiting.indexOf(step), 1);
      const missing = lacking(step, results.values());
      if (missing === undefined) options.started?.(step);
      running.set(step, missing ?? runStep(step, options.show === true));
    }
    if (running.size === 0) throw new Error(`steps wait for each other: ${names(waiting)}`);
    const result = await Promise.race(running.values());
    running.delete(result.step);
    results.set(result.step, result);
    options.ended?.(result);
  }
  return steps.flatMap((step) => results.get(step) ?? []);
}

/** The failure of a step that needs one that has not passed, if it does. */
function lacking(step: Step, ended: Iterable<StepResult>): Promise<StepResult> | undefined {
  const failed = [...ended].find(
    (result) => result.counts.failed > 0 && step.needs?.includes(result.step.name),
  );
  if (failed === undefined) return undefined;
  const counts = failure(`not run: it needs "${failed.step.name}"`);
  return Promise.resolve({ step, counts, ms: 0, output: "" });
}

function names(steps: readonly Step[]): string {
  return steps.map(({ name }) => name).join(", ");
}

/** Those that can start now, in order. */
function ready(
  waiting: readonly Step[],
  running: ReadonlyMap<Step, unknown>,
  places: number,
): Step[] {
  const unfinished = new Set([...waiting, ...running.keys()].map(({ name }) => name));
  const taken = ({ beside, places: own = 1 }: Step) => (beside ? 0 : own);
  let free = [...running.keys()].reduce((left, step) => left - taken(step), places);
  return waiting.filter((step) => {
    const { after = [], needs = [], beside } = step;
    if ([...after, ...needs].some((name) => unfinished.has(name))) return false;
    if (!beside && free <= 0) return false;
    free -= taken(step);
    return true;
  });
}

async function runStep(step: Step, show: boolean): Promise<StepResult> {
  const folder = mkdtempSync(join(tmpdir(), "netloom-counts-"));
  const file = join(folder, "counts.json");
  const started = performance.now();
  try {
    const { ending, output } = await execute(step, file, show);
    const counts =
      step.counts === "status" ? countsOfStatus(ending, output) : reported(file, ending);
    return { step, counts, ms: performance.now() - started, output };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns how it ended: `""` when well, else as `status 1` */
function execute({ argv, env, timeoutMs }: Step, file: string, show: boolean) {
  return new Promise<{ ending: string; output: string }>((resolve) => {
    let output = "";
    const child = spawn(argv[0], argv.slice(1), {
      cwd: root,
      env: { ...process.env, ...env, NETLOOM_COUNTS: file },
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
      detached: true, // a group of its own, so that all of it can be ended
    });
    children.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const end = (ending: string) => {
      clearTimeout(timer);
      children.delete(child);
      resolve({ ending, output });
    };
    const limitMs = timeoutMs ?? FIFTEEN_MINUTES_MS;
    const timer = setTimeout(() => {
      killGroup(child);
      end(`no end within ${limitMs / 1000} s`);
    }, limitMs);
    child.on("error", (error) => end(error.message));
    child.on("close", (status, signal) => end(status === 0 ? "" : endingOf(status, signal)));
  });
}

function endingOf(status: number | null, signal: string | null): string {
  return signal === null ? `status ${status}` : `signal ${signal}`;
}

const children = new Set<ChildProcess>();

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // all of the group has ended
  }
}

/** Ends every step that runs. For a run that is interrupted: the steps are no part of the terminal's group. */
export function endSteps(): void {
  for (const child of children) killGroup(child);
}

function failure(what: string): Counts {
  return { passed: 0, failed: 1, skipped: 0, failures: [what] };
}

function countsOfStatus(ending: string, output: string): Counts {
  if (ending === "") return { passed: 1, failed: 0, skipped: 0 };
  if (ending !== `status ${CANNOT_HERE}`) return failure(ending);
  const reason = output.trimEnd().split("\n").at(-1) ?? "";
  return { passed: 0, failed: 0, skipped: 1, skips: [`${reason} (1)`] };
}

/** What the step wrote. One that ended badly, or without counts, or had nothing to count, has failed. */
function reported(file: string, ending: string): Counts {
  let counts: Counts;
  try {
    counts = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return failure(`ended without counts: ${ending === "" ? "status 0" : ending}`);
  }
  const { passed, failed, skipped, failures = [] } = counts;
  if (failed > 0) return counts;
  if (ending !== "")
    return { ...counts, failed: 1, failures: [...failures, `ended with ${ending}`] };
  return passed + skipped === 0 ? failure("counted nothing") : counts;
}
