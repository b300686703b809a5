/**
 * host-local and static exchanged on a live host: the files on disk mean the same to both.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { addressesOf, IpamNetwork, set } from "../../runner/ipam-network.ts";
import type { Trial } from "../../runner/trial.ts";
import { staticConfig } from "../../runner/vehicles.ts";

const range = { ranges: [[{ subnet: "10.0.0.0/29" }]] };

/** The newest version that both list. */
export function commonVersion({ build, other, program }: Trial): string {
  const theirs = other.programs[program] ?? [];
  return build.programs[program]?.filter((version) => theirs.includes(version)).at(-1) ?? "";
}

function swap(
  lines: Case["lines"],
  fact: string,
  run: (net: Swapped) => void | Promise<void>,
): Case {
  return {
    lines,
    program: "host-local",
    swap: true,
    fact,
    run: (trial) => run(new Swapped(trial)),
  };
}

/** One network that two folders of programs serve in turns. */
class Swapped extends IpamNetwork {
  readonly first: { bin: string; cniVersion: string };
  readonly second: { bin: string; cniVersion: string };

  constructor(trial: Trial, ipam: object = range, name?: string) {
    super(trial, ipam, name);
    const cniVersion = commonVersion(trial);
    this.first = { bin: trial.build.folder, cniVersion };
    this.second = { bin: trial.other.folder, cniVersion };
  }
}

const duplicate = "duplicate allocation is not allowed";

const hostLocal: Case[] = [
  swap(["U-101"], "both write the same files", (net) => {
    const other = new Swapped(net.trial, range, "othernet");
    net.add(net.first);
    other.add(net.second);
    deepEqual(net.reservations(), other.reservations());
    for (const name of ["last_reserved_ip.0", "lock"]) equal(net.read(name), other.read(name));
  }),
  swap(["ROB-013"], "both give the files the same modes", (net) => {
    net.add(net.first);
    new Swapped(net.trial, range, "othernet").add(net.second);
    const mode = (path: string) => net.trial.run(`stat -c%a /var/lib/cni/networks/${path}`);
    for (const name of ["", "/10.0.0.2", "/last_reserved_ip.0", "/lock"]) {
      equal(mode(`mynet${name}`), mode(`othernet${name}`), name);
    }
  }),
  swap(["U-112"], "they go on in one round and give no address twice", (net) => {
    const turns = [net.first, net.second, net.first, net.second, net.first];
    const given = turns.map((turn, n) => net.add({ id: `c${n}`, ...turn })[0]);
    deepEqual(given, ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    for (const turn of [net.second, net.first]) {
      net.fails("ADD", { id: "x", ...turn }, "no IP addresses available in range set");
    }
  }),
  swap(["SPEC-050"], "the other checks and frees what the one reserved", (net) => {
    net.add(net.first);
    net.add({ id: "c2", ...net.first });
    net.ok("CHECK", net.second);
    net.ok("DEL", net.second);
    for (const turn of [net.second, net.first]) net.fails("CHECK", turn);
    deepEqual(net.reservations(), { "10.0.0.3": "c2\r\neth0" });
    deepEqual(net.add(net.first), ["10.0.0.4"]);
    deepEqual(net.add({ id: "c3", ...net.second }), ["10.0.0.5"]);
  }),
  swap(["U-103"], "the other refuses a second ADD of what the one reserved", (net) => {
    net.add({ id: "c2", ...net.second });
    net.add(net.first);
    net.fails("ADD", net.second, duplicate);
    net.add({ id: "c3", ...net.second });
    for (const turn of [net.second, net.first]) net.fails("ADD", turn, duplicate);
  }),
  swap(["SPEC-060"], "an address that the other freed and gave away is not freed again", (net) => {
    net.add({ id: "a", ...net.first });
    net.ok("DEL", { id: "a", ...net.second });
    net.add({ id: "b", args: "IP=10.0.0.2", ...net.second });
    net.fails("ADD", { id: "b", ...net.first }, duplicate);
    net.ok("DEL", { id: "a", ...net.first });
    deepEqual(net.reservations(), { "10.0.0.2": "b\r\neth0" });
    deepEqual(net.add({ id: "a", ...net.first }), ["10.0.0.3"]);
  }),
  swap(["ROB-005"], "40 at once, half of each, get 40 addresses", async (net) => {
    const wide = new Swapped(net.trial, { ranges: [set("10.5.0.0/24")] });
    const calls = Array.from({ length: 40 }, (_, n) =>
      wide.request("ADD", { id: `c${n}`, ...(n % 2 === 0 ? net.first : net.second) }),
    );
    const answers = await net.trial.atOnce(calls);
    const given = answers.flatMap((each) => addressesOf(net.trial.succeeded(each, "ADD")));
    equal(new Set(given).size, 40);
    equal(Object.keys(wide.reservations()).length, 40);
  }),
  {
    ...swap(["SPEC-074"], "GC of the other frees what the one reserved", (net) => {
      for (const id of ["a", "b"]) net.add({ id, ...net.first });
      const valid = [{ containerID: "b", ifname: "eth0" }];
      net.ok("GC", { ...net.second, config: { "cni.dev/valid-attachments": valid } });
      deepEqual(net.reservations(), { "10.0.0.3": "b\r\neth0" });
    }),
    version: "1.1.0",
  },
];

export const cases: readonly Case[] = [
  ...hostLocal,
  {
    lines: ["SPEC-061"],
    program: "static",
    swap: true,
    fact: "the other takes the one's result for CHECK and DEL",
    run(trial) {
      const config = staticConfig(commonVersion(trial));
      const call = { config, netns: "/run/netns/none" };
      const prevResult = trial.ok({ command: "ADD", ...call });
      for (const command of ["CHECK", "DEL"]) {
        const bin = trial.other.folder;
        trial.ok({ command, ...call, config: { ...config, prevResult }, bin });
      }
    },
  },
];
