import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GuestFailure, runMachine } from "./machine.ts";

/** Runs a job in a shell that stands for the machine; `$1` is the folder of results. */
async function inShell(script: string, argv: string[] = ["true"], timeoutMs = 30_000) {
  const results = mkdtempSync(join(tmpdir(), "netloom-test-"));
  const job = { argv, env: { WORD: "it's" }, results, timeoutMs };
  try {
    const outcome = await runMachine(job, ["sh", "-c", script, "machine", results]);
    return { ...outcome, job: readFileSync(join(results, "guest", "job"), "utf8") };
  } finally {
    rmSync(results, { recursive: true });
  }
}

/** The job, but for what only a guest can do: switch itself off. */
const runJob = 'grep -v -e sysrq -e "^sleep" "$1/guest/job" | sh';

describe("runMachine", () => {
  it("tells status and output of the job", async () => {
    const argv = ["sh", "-c", 'echo "$WORD $NETLOOM_SLOWNESS"; echo err >&2; exit 3'];
    const { status, output } = await inShell(runJob, argv);
    deepEqual([status, output], [3, "it's 20\nerr\n"]);
  });

  it("hands over arguments as they are", async () => {
    const { output } = await inShell(runJob, ["printf", "%s,", "a b", "c'd", "$HOME", ""]);
    equal(output, "a b,c'd,$HOME,,");
  });

  it("fails with the console log when the machine does not boot", async () => {
    await rejects(inShell("echo Kernel panic; exit 1"), (error) => {
      match((error as Error).message, /the guest did not finish; .*console log:\nKernel panic/);
      return error instanceof GuestFailure;
    });
  });

  it("ends a machine that does not finish in time", async () => {
    const hanging = inShell("echo still there; exec sleep 60", ["true"], 500);
    await rejects(hanging, /did not finish within 0\.5 s; .*\nstill there/);
  });

  it("fails when there is no emulator", async () => {
    const job = { argv: ["true"], results: mkdtempSync(join(tmpdir(), "netloom-test-")) };
    await rejects(runMachine(job, ["/nonexistent"]), /ENOENT/);
    rmSync(job.results, { recursive: true });
  });
});
