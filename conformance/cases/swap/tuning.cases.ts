/**
 * tuning exchanged on a live host: what the one saved, the other restores.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { commonVersion } from "./ipam.cases.ts";

/** A container whose link is tuned by one folder's program and then by the other's. */
class Taken {
  readonly trial: Trial;
  readonly netns: string;
  readonly untouched: Reply;
  readonly keys: object;
  readonly second: { bin: string };

  constructor(trial: Trial, keys: object) {
    this.trial = trial;
    this.netns = trial.pod();
    this.keys = keys;
    this.second = { bin: trial.other.folder };
    trial.run("ip link add eth0 type veth peer name peer0", { netns: this.netns });
    this.untouched = this.link();
  }

  link(): Reply {
    const [row] = this.trial.host.ipJson("-d link show eth0", this.netns);
    const { address, mtu, txqlen, promiscuity, flags } = row;
    return { address, mtu, txqlen, promiscuity, flags };
  }

  call(command: string, more: object = {}) {
    const cniVersion = commonVersion(this.trial);
    const prevResult = {
      cniVersion,
      interfaces: [{ name: "eth0", sandbox: this.netns }],
      ips: [{ address: "10.0.0.2/24", interface: 0 }],
    };
    const config = { cniVersion, name: "net1", type: "tuning", prevResult, ...this.keys };
    return { command, config, netns: this.netns, ...more };
  }

  /** The file with saved values. */
  saved(): string {
    return this.trial.host.run(["cat", "/run/cni/tuning/c1_eth0.json"]).stdout;
  }
}

const mac = "c2:11:22:33:44:77";
const all = { mac, promisc: true, mtu: 1400, sysctl: { "net.ipv4.conf.all.log_martians": "1" } };
const since: [what: string, keys: object, version?: string][] = [
  ["mac, promisc and mtu", all],
  ["allmulti and txQLen too", { ...all, allmulti: true, txQLen: 77 }, "1.0.0"],
];

function swap(
  lines: Case["lines"],
  fact: string,
  run: (taken: Taken, trial: Trial) => void,
): Case[] {
  return since.map(([what, keys, version = "0.4.0"]) => ({
    lines,
    program: "tuning",
    swap: true,
    version,
    fact: `${fact} (${what})`,
    run(trial) {
      if (commonVersion(trial) < version) trial.skip("the other does not know these keys");
      run(new Taken(trial, keys), trial);
    },
  }));
}

export const cases: readonly Case[] = [
  ...swap(["SPEC-050"], "the other's DEL restores the link", (taken, trial) => {
    trial.ok(taken.call("ADD"));
    equal(taken.link().address, mac);
    trial.ok(taken.call("DEL", taken.second));
    deepEqual(taken.link(), taken.untouched);
    equal(taken.saved(), "");
    trial.ok(taken.call("DEL"));
    deepEqual(taken.link(), taken.untouched);
  }),
  ...swap(
    ["SPEC-061"],
    "the other's CHECK sees what is set, and what is not any more",
    (taken, trial) => {
      trial.ok(taken.call("ADD"));
      trial.ok(taken.call("CHECK", taken.second));
      trial.run("ip link set eth0 mtu 1300", { netns: taken.netns });
      trial.fails(taken.call("CHECK", taken.second));
    },
  ),
  ...swap(["U-160"], "both save the same", (taken, trial) => {
    trial.ok(taken.call("ADD"));
    const saved = taken.saved();
    trial.ok(taken.call("DEL"));
    trial.ok(taken.call("ADD", taken.second));
    equal(taken.saved(), saved);
    trial.ok(taken.call("DEL", taken.second));
    deepEqual(taken.link(), taken.untouched);
  }),
];
