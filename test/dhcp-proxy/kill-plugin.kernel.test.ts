/**
 * macvlan and its dhcp killed before each of their system calls that change something, while the daemon gives leases of both families or
 * takes them back: what the daemon makes of a caller that is gone, and the runtime's DEL of the rest.
 */
import { deepEqual, ok } from "node:assert/strict";
import { changesNothing, describeStep, FaultyRuns } from "../faults/system-calls.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { KilledWorld } from "./killed-daemon.ts";
import { dhcpCommands } from "./lan.ts";

/** Kills at every point of a verb, and completes it. @returns how many there were */
async function sweep(command: "ADD" | "DEL"): Promise<string> {
  using world = new KilledWorld();
  await world.begin();
  const runs = new FaultyRuns(world.lan.sandbox);
  const prepare = () => {
    if (command === "DEL") ok(world.add());
    return world.callOf(command);
  };
  const all = runs.record(prepare(), "dhcp");
  ok(world.del());
  const points = all.filter((step) => !changesNothing(step));
  const failures: string[] = [];
  for (const [index, step] of points.entries()) {
    try {
      runs.run(prepare(), step, "signal=KILL", "dhcp");
      ok(world.del(), "DEL");
      await world.isClean();
      // half of them: what the next pod meets
      if (index % 2 === 0) {
        ok(world.add(), "the next ADD");
        world.isWhole();
        ok(world.del(), "the next DEL");
      }
    } catch (error) {
      failures.push(`${describeStep(step)}: ${(error as Error).message}`);
      world.del();
    }
  }
  deepEqual(failures, []);
  return `${all.length} system calls, ${points.length} kills`;
}

describeKernel(
  "macvlan and dhcp, killed beside the daemon",
  function () {
    this.timeout(600_000);
    for (const command of ["ADD", "DEL"] as const) {
      it(`leave nothing that DEL does not complete: ${command}`, async function () {
        const counts = await sweep(command);
        if (this.test) this.test.title += `: ${counts}`;
      });
    }
  },
  [...dhcpCommands, "strace"],
);
