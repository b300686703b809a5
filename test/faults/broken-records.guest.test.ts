/** Some of the ways of `broken-records.kernel.test.ts`, for programs whose links the machine's kernel may lack. */
import { describeKernel } from "../kernel/requirements.ts";
import { Attachments } from "./attachments.ts";
import { BrokenRecords } from "./broken-records.ts";
import { damages } from "./power-loss.ts";
import { guestScenarios } from "./scenarios.ts";
import { seed } from "./seed.ts";

const some = /^(truncated to 2 of|missing)/;

describeKernel("a broken record, in the guest", () => {
  for (const scenario of guestScenarios) {
    it(`is told by CHECK and outlived by nothing: ${scenario.title}`, () => {
      using host = new Attachments(scenario);
      const records = new BrokenRecords(host);
      const chosen = damages(records.length, seed).filter(({ name }) => some.test(name));
      for (const [at, damage] of chosen.entries()) records.try(damage, at % 2 === 1);
    });
  }
});
