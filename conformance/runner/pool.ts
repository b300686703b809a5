/**
 * Runs jobs side by side, in processes of their own: a case that hangs or dies takes nothing with it.
 * @module
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { orderFor } from "./execute.ts";
import type { Job } from "./jobs.ts";
import type { Finding } from "./verdict.ts";

const LIMIT_MS = 60_000;

async function startWorker(): Promise<ChildProcess> {
  const worker = fork(join(import.meta.dirname, "worker.ts"), {
    execArgv: ["--import", "tsx"],
    serialization: "advanced",
  });
  await Promise.race([once(worker, "message"), once(worker, "exit").then(refuseToGoOn)]);
  return worker;
}

function refuseToGoOn(): never {
  throw new Error("a worker does not start");
}

/** The worker's answer; a failure, and the worker's end, when it dies or takes too long. */
function ask(worker: ChildProcess, job: Job): Promise<Finding> {
  const limitMs = job.case.timeoutMs ?? LIMIT_MS;
  return new Promise((resolve) => {
    const end = (finding: Finding) => {
      clearTimeout(timer);
      worker.removeAllListeners();
      resolve(finding);
    };
    const timer = setTimeout(() => {
      worker.kill("SIGKILL");
      end({ status: "fail", reason: `no end within ${limitMs / 1000} s`, ms: limitMs });
    }, limitMs);
    worker.once("message", (finding: Finding) => end(finding));
    worker.once("exit", () =>
      end({ status: "fail", reason: "the case killed its process", ms: 0 }),
    );
    worker.send(orderFor(job));
  });
}

function isAlive({ exitCode, signalCode, killed }: ChildProcess): boolean {
  return exitCode === null && signalCode === null && !killed;
}

/**
 * Runs every job.
 * @param atOnce - how many side by side
 * @param found - called with each finding, in the order in which they end
 */
export async function runJobs(
  jobs: readonly Job[],
  atOnce: number,
  found: (job: Job, finding: Finding) => void,
): Promise<void> {
  const queue = jobs.values();
  const work = async () => {
    let worker = await startWorker();
    for (const job of queue) {
      if (!isAlive(worker)) worker = await startWorker();
      found(job, await ask(worker, job));
    }
    worker.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, work));
}
