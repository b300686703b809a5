/**
 * bandwidth exchanged on a live host: what the one holds back, the other checks and lets go.
 * @module
 */
import { deepEqual, equal, match } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { hostEnd, ifbName, ShapedPair, slow } from "../upstream/bandwidth-pair.ts";
import { commonVersion } from "./ipam.cases.ts";

function swap(
  lines: Case["lines"],
  fact: string,
  run: (pair: ShapedPair, trial: Trial, second: { bin: string }) => void,
): Case {
  return {
    ...{ lines, program: "bandwidth", swap: true, needs: ["tbf"], version: "0.4.0", fact },
    run(trial) {
      run(new ShapedPair(trial, commonVersion(trial)), trial, { bin: trial.other.folder });
    },
  };
}

const rates: [what: string, keys: object][] = [
  ["a few bits", slow],
  [
    "what is more than 32 bits",
    {
      ...{ ingressRate: 40_000_000_008, ingressBurst: 80_000_000 },
      ...{ egressRate: 123_456_789_012, egressBurst: 1_234_567_890 },
    },
  ],
  [
    "odd numbers",
    {
      ...{ ingressRate: 1_234_567, ingressBurst: 765_432 },
      ...{ egressRate: 98_765_432, egressBurst: 12_345_678 },
    },
  ],
];

export const cases: readonly Case[] = [
  ...rates.map(([what, keys]) =>
    swap(["U-166"], `both make the same of ${what}`, (pair, trial, second) => {
      const first = trial.ok(pair.call("ADD", keys));
      const made = pair.traffic();
      match(made, /tbf 1:/);
      trial.ok(pair.call("DEL", { ...keys, prevResult: first }));
      trial.run(`ip link delete ${hostEnd}`);
      pair.pair(hostEnd, "container-veth");
      const other = trial.ok(pair.call("ADD", keys, second));
      equal(pair.traffic(), made);
      deepEqual(
        other.interfaces.map(({ name }: { name: string }) => name),
        first.interfaces.map(({ name }: { name: string }) => name),
      );
    }),
  ),
  ...rates.map(([what, keys]) =>
    swap(
      ["SPEC-061", "U-177"],
      `the other's CHECK sees ${what}, and another rate`,
      (pair, trial, second) => {
        const prevResult = trial.ok(pair.call("ADD", keys));
        trial.ok(pair.call("CHECK", { ...keys, prevResult }, second));
        trial.run(`tc qdisc change dev ${hostEnd} root handle 1: tbf rate 9kbit burst 10 limit 35`);
        trial.fails(pair.call("CHECK", { ...keys, prevResult }, second), undefined, /Rate/);
      },
    ),
  ),
  swap(["SPEC-050", "U-172"], "the other's DEL takes the ifb away", (pair, trial, second) => {
    const prevResult = trial.ok(pair.call("ADD", slow));
    trial.ok(pair.call("DEL", { ...slow, prevResult }, second));
    deepEqual(pair.ifbs(), []);
    trial.ok(pair.call("DEL", { ...slow, prevResult }));
  }),
  swap(
    ["SPEC-054", "U-172"],
    "the other's DEL takes it away without the namespace",
    (pair, trial, second) => {
      trial.ok(pair.call("ADD", slow));
      trial.host.deletePod(pair.netns.replace("/run/netns/", ""));
      trial.ok(pair.call("DEL", slow, second));
      deepEqual(pair.ifbs(), []);
    },
  ),
  {
    ...swap(
      ["SPEC-079"],
      "the other's GC takes the ifb away when the pair has gone with the namespace",
      (pair, trial, second) => {
        trial.ok(pair.call("ADD", slow));
        trial.host.deletePod(pair.netns.replace("/run/netns/", ""));
        const keys = { prevResult: undefined, "cni.dev/valid-attachments": [] };
        trial.ok(
          pair.call("GC", keys, { ...second, netns: null, containerId: null, ifName: null }),
        );
        deepEqual(pair.ifbs(), []);
      },
    ),
    version: "1.1.0",
  },
  swap(
    ["ROB-001"],
    "the other's ADD of what is held back is refused and harms nothing",
    (pair, trial, second) => {
      trial.ok(pair.call("ADD", slow));
      const made = pair.traffic();
      trial.fails(pair.call("ADD", slow, second));
      equal(pair.traffic(), made);
      equal(pair.ifbs()[0], ifbName);
    },
  ),
];
