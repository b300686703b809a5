/**
 * Links that live in the container alone, exchanged on a live host: macvlan, tap, and devices of the host.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Feature } from "../../runner/features.ts";
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";
import { ranges } from "../spec/subjects.ts";
import { commonVersion } from "./ipam.cases.ts";

interface Program {
  program: string;
  needs: readonly Feature[];
  keys: object;
}

const programs: readonly Program[] = [
  { program: "macvlan", needs: ["macvlan"], keys: { master: "up0" } },
  { program: "tap", needs: ["tap"], keys: { owner: 0, group: 0 } },
  { program: "host-device", needs: [], keys: { device: "up0" } },
];

/** One container, served by two folders of programs in turns, on a host whose link is `up0`. */
class Attachment {
  readonly trial: Trial;
  readonly config: object;
  readonly netns: string;

  constructor(trial: Trial, { program: type, keys }: Program) {
    this.trial = trial;
    trial.run("ip link add up0 type veth peer name up1");
    const ipam = ranges("10.1.2.0/24");
    this.config = { cniVersion: commonVersion(trial), name: "net1", type, ...keys, ipam };
    this.netns = trial.pod();
  }

  call(command: string, change: object = {}, more: Partial<TrialCall> = {}): TrialCall {
    return { command, config: { ...this.config, ...change }, netns: this.netns, ...more };
  }

  /** The same by the other folder's program, with its IPAM. */
  byOther(command: string, change: object = {}): TrialCall {
    return this.call(command, change, { bin: this.trial.other.folder });
  }

  /** Links and addresses of host and container, and what IPAM keeps of this attachment. */
  state(): unknown {
    const { host } = this.trial;
    const rows = [undefined, this.netns].map((path) => host.snapshot(path));
    const reserved = rows[0]?.files.filter((row) => /networks\/net1\/\d/.test(row));
    return [rows.map(({ links, addresses }) => [links, addresses]), reserved];
  }
}

function swap(
  of: Program,
  lines: Case["lines"],
  fact: string,
  run: (one: Attachment, trial: Trial) => void,
): Case {
  const { program, needs } = of;
  const body = (trial: Trial) => run(new Attachment(trial, of), trial);
  return { lines, program, needs, beside: ["host-local"], swap: true, fact, run: body };
}

function casesOf(of: Program): Case[] {
  return [
    swap(of, ["SPEC-050"], "the other's DEL takes all of an attachment away", (one, trial) => {
      const before = one.state();
      const prevResult: Reply = trial.ok(one.call("ADD"));
      trial.ok(one.byOther("DEL", { prevResult }));
      deepEqual(one.state(), before);
    }),
    swap(of, ["SPEC-061"], "the other's CHECK is content", (one, trial) => {
      const prevResult = trial.ok(one.call("ADD"));
      trial.unchanged(() => trial.ok(one.byOther("CHECK", { prevResult })), one.netns);
    }),
    swap(of, ["SPEC-063"], "the other's CHECK sees that the link is gone", (one, trial) => {
      const prevResult = trial.ok(one.call("ADD"));
      trial.run("ip link del eth0", { netns: one.netns });
      trial.fails(one.byOther("CHECK", { prevResult }));
    }),
    swap(of, ["SPEC-051"], "the one's DEL behind the other's finds nothing", (one, trial) => {
      const prevResult = trial.ok(one.call("ADD"));
      trial.ok(one.byOther("DEL", { prevResult }));
      const after = one.state();
      trial.call(one.call("DEL", { prevResult }));
      deepEqual(one.state(), after);
    }),
  ];
}

export const cases: readonly Case[] = [
  ...programs.flatMap(casesOf),
  swap(
    { program: "host-device", needs: [], keys: { device: "up0" } },
    ["U-089"],
    "the other's DEL gives the device its name and MAC address back",
    (one, trial) => {
      const mac = "02:00:00:00:00:89";
      trial.run(`ip link set up0 address ${mac}`);
      const prevResult = trial.ok(one.call("ADD"));
      equal(trial.host.ipJson("link show eth0", one.netns)[0].ifalias, "up0");
      trial.ok(one.byOther("DEL", { prevResult }));
      equal(trial.host.ipJson("link show up0")[0].address, mac);
    },
  ),
];
