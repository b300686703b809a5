/**
 * The record of every program that keeps one, broken in many ways: CHECK tells which file it is, others come and go, and DEL
 * or GC leaves nothing of the attachment. What chains keep besides is broken in `power-loss.kernel.test.ts`.
 */
import { deepEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { describeKernel } from "../kernel/requirements.ts";
import { Attachments } from "./attachments.ts";
import { BrokenRecords, recordOf } from "./broken-records.ts";
import { damages } from "./power-loss.ts";
import { scenarios } from "./scenarios.ts";
import { seed } from "./seed.ts";

/** Programs that keep none. */
const recordless = ["dhcp", "host-local", "loopback", "static"];
/** Programs read their records by one function: each gets every third way. NETLOOM_EVERY_WAY=1 tries all. */
const shares = process.env["NETLOOM_EVERY_WAY"] === "1" ? 1 : 3;

describeKernel("a broken record", function () {
  this.timeout(600_000);

  const keepers = scenarios.filter(({ type }) => !recordless.includes(type));
  for (const [turn, scenario] of keepers.entries()) {
    it(`is told by CHECK and outlived by nothing: ${scenario.title}`, function () {
      using host = new Attachments(scenario);
      const records = new BrokenRecords(host);
      // what says something else and no less is what the kernel's state is for: others than the missing one are fuzz
      const all = damages(records.length, seed).filter(
        ({ isSubtle, name }) => !isSubtle || name === "missing",
      );
      const own = all.filter((_, at) => at % shares === turn % shares);
      for (const [at, damage] of own.entries()) records.try(damage, at % 2 === 1);
      this.test!.title += `, ${own.length} of ${all.length} ways`;
    });
  }

  for (const scenario of scenarios.filter(({ type }) => recordless.includes(type))) {
    it(`cannot be: ${scenario.title} keeps none`, () => {
      using host = new Attachments(scenario);
      host.add(1);
      deepEqual(existsSync(host.sandbox.path(recordOf(scenario.type, 1))), false);
      host.del(1);
    });
  }
});
