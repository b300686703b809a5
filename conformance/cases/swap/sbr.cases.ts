/**
 * sbr exchanged on a live host: what the one's ADD does, the other checks and takes back.
 * @module
 */
import { deepEqual } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { Routed, type RoutedLink } from "../upstream/routed.ts";
import { commonVersion } from "./ipam.cases.ts";

const eth0: RoutedLink = {
  name: "eth0",
  addresses: ["10.0.0.2/24", "fd01::2/64"],
  routes: ["default via 10.0.0.1", "default via fd01::1"],
};
const net1: RoutedLink = {
  name: "net1",
  addresses: ["192.168.1.209/24", "192.168.101.209/24", "fd00::209/64"],
  routes: ["192.168.2.0/24 via 192.168.1.2", "fd02::/64 via fd00::2"],
};
const ips = [
  { address: "192.168.1.209/24", gateway: "192.168.1.1" },
  { address: "192.168.101.209/24" },
  { address: "fd00::209/64", gateway: "fd00::1" },
];

/** A container that both folders' programs serve. */
class Served extends Routed {
  readonly keys: object;

  constructor(trial: Trial, keys: object) {
    super(trial, "sbr", [eth0, net1]);
    this.keys = keys;
  }

  asked(command: string, bin = this.trial.build.folder) {
    const config = { ...this.config(ips, commonVersion(this.trial)), ...this.keys };
    return this.call(command, config, { bin });
  }

  state(): string[] {
    return [...this.rules(), ...this.routes("eth0"), ...this.routes("net1")];
  }
}

const ways: [what: string, keys: object][] = [
  ["tables of its own", {}],
  ["a table of the configuration", { table: 5000 }],
];

function swap(
  lines: Case["lines"],
  fact: string,
  run: (container: Served, trial: Trial) => void,
): Case[] {
  return ways.map(([what, keys]) => ({
    lines,
    program: "sbr",
    version: "0.4.0",
    swap: true,
    fact: `${fact}, with ${what}`,
    run(trial) {
      if ("table" in keys && commonVersion(trial) < "1.1.0")
        trial.skip("one does not know the key");
      run(new Served(trial, keys), trial);
    },
  }));
}

export const cases: readonly Case[] = [
  ...swap(["U-190"], "both leave the same", (container, trial) => {
    const twin = new Served(trial, container.keys);
    trial.ok(container.asked("ADD"));
    trial.ok(twin.asked("ADD", trial.other.folder));
    deepEqual(twin.state(), container.state());
  }),
  ...swap(["SPEC-050"], "the other's DEL removes the rules", (container, trial) => {
    const before = container.routes("eth0");
    trial.ok(container.asked("ADD"));
    trial.ok(container.asked("DEL", trial.other.folder));
    deepEqual([container.rules(), container.routes("eth0")], [[], before]);
    trial.ok(container.asked("DEL"));
    deepEqual([container.rules(), container.routes("eth0")], [[], before]);
  }),
  ...swap(["SPEC-061"], "the other's CHECK is content", (container, trial) => {
    trial.ok(container.asked("ADD"));
    trial.ok(container.asked("CHECK", trial.other.folder));
  }),
  ...swap(["ROB-001"], "the other's second ADD harms nothing", (container, trial) => {
    trial.ok(container.asked("ADD"));
    const state = container.state();
    trial.fails(container.asked("ADD", trial.other.folder));
    trial.ok(container.asked("CHECK"));
    if (trial.other.label === "netloom") deepEqual(container.state(), state);
  }),
];
