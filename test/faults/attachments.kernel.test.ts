import { equal, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { describeKernel } from "../kernel/requirements.ts";
import { Attachments } from "./attachments.ts";
import { scenarios } from "./scenarios.ts";

/** Pids of what this process has started. */
function children(): string {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
}

describeKernel("Attachments", () => {
  it("leaves no sandbox when its surroundings cannot be had", async () => {
    using other = new Attachments(scenarios[0]!); // what all sandboxes share is started
    const before = children();
    throws(() => new Attachments({ ...scenarios[0]!, surround: "link nonsense" }), /nonsense/);
    for (let tries = 0; tries < 500 && children() !== before; tries++) await setTimeout(10);
    equal(children(), before);
    other.add(1);
    other.del(1);
  });
});
