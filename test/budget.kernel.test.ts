/**
 * What a built program may cost. The bounds hold on one machine in one run, so they compare with another program there.
 */
import { equal, ok } from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { programs } from "../scripts/place.ts";
import { describeKernel } from "./kernel/requirements.ts";
import { builtPrograms, Sandbox } from "./kernel/sandbox.ts";

const rounds = 40;

describeKernel("each built program", () => {
  let sandbox: Sandbox;
  before(() => {
    sandbox = Sandbox.create();
  });
  after(() => sandbox.dispose());

  const version = (type: string) =>
    sandbox.cni({
      command: "VERSION",
      type,
      config: { cniVersion: "1.0.0" },
      containerId: null,
      ifName: null,
    });

  for (const { type } of programs()) {
    it(`${type} is a file of at most 2 MB`, () => {
      ok(statSync(join(builtPrograms, type)).size <= 2e6);
    });

    it(`${type} answers VERSION within 6 MiB`, () => {
      const { status, peakKib } = version(type);
      equal(status, 0);
      ok(peakKib <= 6 * 1024, `${peakKib} KiB`);
    });

    it(`${type} answers VERSION no slower than /usr/bin/true ends`, () => {
      const [ours, theirs]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        ours.push(version(type).ms);
        theirs.push(sandbox.run(["/usr/bin/true"]).ms);
      }
      const [least, bound] = [Math.min(...ours), Math.min(...theirs)];
      ok(least <= bound, `${least} ms, /usr/bin/true ${bound} ms`);
    });
  }
});
