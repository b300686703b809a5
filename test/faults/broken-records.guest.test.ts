/** A few of the ways of `broken-records.kernel.test.ts`, for programs whose links the machine's kernel may lack. */
import { describeKernel } from "../kernel/requirements.ts";
import { Attachments } from "./attachments.ts";
import { BrokenRecords } from "./broken-records.ts";
import { damages } from "./power-loss.ts";
import { guestScenarios } from "./scenarios.ts";
import { seed } from "./seed.ts";

/** They take turns with the programs. */
const some = [/^truncated to 2 of/, /^missing/];

describeKernel("a broken record, in the guest", () => {
  for (const [turn, scenario] of guestScenarios.entries()) {
    it(`is told by CHECK and outlived by nothing: ${scenario.title}`, () => {
      using host = new Attachments(scenario);
      const records = new BrokenRecords(host);
      const chosen = damages(records.length, seed).find(({ name }) => some[turn % 2]?.test(name));
      records.try(chosen!, turn % 2 === 1);
    });
  }
});
