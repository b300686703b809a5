/**
 * loopback (checklist 6.3).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { loopbackConfig } from "../../runner/vehicles.ts";

function isUp(trial: Trial, netns: string): boolean {
  return trial.host.ipJson("link show lo", netns)[0].flags.includes("UP");
}

const inEachVersion = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"].map(
  (cniVersion): Case => ({
    lines: ["U-053", "U-054"],
    program: "loopback",
    version: cniVersion,
    fact: `brings lo up and down in ${cniVersion}`,
    run(trial) {
      const call = { config: loopbackConfig(cniVersion), netns: trial.pod() };
      equal(trial.ok({ command: "ADD", ...call }).cniVersion, cniVersion);
      equal(isUp(trial, call.netns), true);
      trial.ok({ command: "DEL", ...call });
      equal(isUp(trial, call.netns), false);
    },
  }),
);

export const cases: readonly Case[] = [
  ...inEachVersion,
  {
    lines: ["U-055"],
    program: "loopback",
    fact: "answers with lo and its two addresses",
    run(trial) {
      const netns = trial.pod();
      const config = loopbackConfig(trial.newest);
      const { interfaces, ips } = trial.ok({ command: "ADD", config, netns });
      deepEqual([interfaces[0].name, interfaces[0].sandbox], ["lo", netns]);
      const given = ips.map((ip: { address: string; interface: number }) => [
        ip.address,
        ip.interface,
      ]);
      deepEqual(given, [
        ["127.0.0.1/8", 0],
        ["::1/128", 0],
      ]);
    },
  },
  {
    lines: ["U-055"],
    program: "loopback",
    version: "0.4.0",
    fact: "CHECK succeeds while lo is up, and fails when it is down",
    run(trial) {
      const netns = trial.pod();
      const config = loopbackConfig(trial.newest);
      const prevResult = trial.ok({ command: "ADD", config, netns });
      const check = { command: "CHECK", config: { ...config, prevResult }, netns };
      trial.ok(check);
      trial.run("ip link set lo down", { netns });
      trial.fails(check);
    },
  },
];
