/**
 * Runs jobs in the guest, for what the machine's kernel lacks: one boot, one process.
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleProgram } from "../../test/guest/bundle.ts";
import { following, jsonLines } from "../../test/guest/follow.ts";
import { NoGuest } from "../../test/guest/kernel.ts";
import { runInGuest } from "../../test/guest/machine.ts";
import { enterProgram } from "../../test/kernel/enter.ts";
import { starterProgram } from "../../test/kernel/starter.ts";
import { orderFor } from "./execute.ts";
import type { Told } from "./guest-worker.ts";
import { caseFiles, type Job } from "./jobs.ts";
import type { Finding } from "./verdict.ts";

const LIMIT_MS = 45 * 60_000; // the step is given 60

/** The worker with every file of cases in it. */
function program(results: string): Promise<string[]> {
  const files = caseFiles();
  const imports = files.map((file, index) => `import { cases as c${index} } from "./${file}";`);
  const all = files.map((_, index) => `...c${index}`).join(", ");
  const text = `import { runOrders } from "./conformance/runner/guest-worker.ts";
${imports.join("\n")}
await runOrders([${all}], ${JSON.stringify(results)});`;
  return bundleProgram(text, "conformance", results);
}

/** What to say of the jobs that the guest did not come to. */
async function ending(argv: readonly string[], results: string, take: (told: Told) => void) {
  try {
    const work = runInGuest({ argv, results, timeoutMs: LIMIT_MS, memoryMib: 2048 });
    const done = await following(join(results, "findings.jsonl"), jsonLines(take), work);
    return { status: "fail" as const, reason: `the guest's program ended: ${done.output}` };
  } catch (error) {
    const status = error instanceof NoGuest ? ("skip" as const) : ("fail" as const);
    return { status, reason: (error as Error).message };
  }
}

/**
 * Runs every job in a guest with Debian's stock kernel, one after another.
 * @param found - called with each finding as it comes; those that the guest did not come to have failed, or are
 * skipped when the machine cannot have a guest
 */
export async function runJobsInGuest(
  jobs: readonly Job[],
  found: (job: Job, finding: Finding) => void,
): Promise<void> {
  if (jobs.length === 0) return;
  const results = mkdtempSync(join(tmpdir(), "netloom-guest-"));
  const waiting = new Map(jobs.entries());
  try {
    for (const compile of [enterProgram, starterProgram]) compile(); // out here, where that is quick
    writeFileSync(join(results, "orders.json"), JSON.stringify(jobs.map(orderFor)));
    const take = ({ index, finding }: Told) => {
      const job = waiting.get(index);
      waiting.delete(index);
      if (job !== undefined) found(job, finding);
    };
    const rest = await ending(await program(results), results, take);
    for (const job of waiting.values()) found(job, { ...rest, ms: 0 });
  } finally {
    rmSync(results, { recursive: true });
  }
}
