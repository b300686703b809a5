/**
 * A program killed while its delegate is behind each of its system calls: the delegate must not outlive it and reserve later what
 * nobody knows of (checklist 5.8).
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describeKernel, usual } from "../kernel/requirements.ts";
import { Attachments } from "./attachments.ts";
import { scenarios } from "./scenarios.ts";
import { changesNothing, describeStep, FaultyRuns, type Step } from "./system-calls.ts";

const victim = 1;

/** State and parent of a process, as proc_pid_stat(5) tells them. */
function statOf(pid: number): { state: string; parent: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return { state: fields[0] ?? "", parent: Number(fields[1]) };
}

/** Waits until the delegate stands still. @returns its pid @throws {Error} it did not within a minute */
async function stoppedDelegate(host: Attachments, delegate: string): Promise<number> {
  const isDelegate = new RegExp(`^\\d+ \\S*/${delegate}$`);
  for (let tries = 0; tries < 6000; tries++) {
    const row = host.sandbox.processes().find((each) => isDelegate.test(each));
    const pid = Number.parseInt(row ?? "", 10);
    // under a tracer a stopped process is "t", and in its own stop signal it is that too
    if (pid > 0 && isHeld(pid)) return pid;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the delegate did not stop");
}

function isHeld(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [tT] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false; // it ended meanwhile
  }
}

describeKernel(
  "a delegate",
  function () {
    this.timeout(1_800_000);

    for (const scenario of scenarios.filter(({ delegate }) => delegate !== undefined)) {
      const delegate = scenario.delegate ?? "";

      /** Kills the program while its delegate is held: a stop signal holds it when the system call is done. */
      async function orphan(host: Attachments, verb: string, step: Step): Promise<void> {
        const runs = new FaultyRuns(host.sandbox);
        const started = runs.start(host.call(verb, victim), step, "signal=STOP", delegate);
        const pid = await stoppedDelegate(host, delegate);
        process.kill(statOf(pid).parent, "SIGKILL");
        await started.ended.catch(() => undefined);
        deepEqual(host.processes(), [], `${describeStep(step)}: it lives on`);
      }

      for (const verb of ["ADD", "DEL"]) {
        it(`of ${scenario.type} dies with it in ${verb}, wherever it is`, async function () {
          using host = new Attachments(scenario);
          const runs = new FaultyRuns(host.sandbox);
          host.pod(victim);
          const before = host.observe(victim);
          if (verb === "DEL") host.add(victim);
          const all = runs.record(host.call(verb, victim), delegate);
          const steps = all.filter(
            (each) =>
              each.process === "delegate" && each.name !== "exit_group" && !changesNothing(each),
          );
          host.del(victim);
          ok(steps.length > 5);
          for (const step of steps) {
            host.wipe();
            if (verb === "DEL") host.add(victim);
            await orphan(host, verb, step);
            host.del(victim);
            deepEqual(host.leaks(before, victim), [], describeStep(step));
          }
          equal(host.processes().length, 0);
          this.test!.title += `: ${steps.length} points`;
        });
      }
    }
  },
  [...usual, "strace"],
);
