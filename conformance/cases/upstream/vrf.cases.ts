/**
 * vrf: the container's interface in a VRF, with its addresses and routes (checklist 6.17).
 * @module
 */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";
import { Routed, type RoutedLink } from "./routed.ts";

const address = "10.0.0.2/24";
const address6 = "abcd:1234:ffff::cdde/64";
const net0: RoutedLink = { name: "net0", addresses: [address], routes: [] };
const net1: RoutedLink = { ...net0, name: "net1" };
const routes = ["10.10.10.0/24 via 10.0.0.1", "1111:dddd::/80 via abcd:1234:ffff::10"];
const routed: RoutedLink = { ...net1, addresses: [address, address6], routes };

/** A container with two links, for which the program is called. */
class Ported extends Routed {
  constructor(trial: Trial, links: readonly RoutedLink[]) {
    super(trial, "vrf", links);
  }

  asked(command: string, keys: object = {}, ifName = "net1"): TrialCall {
    const config = { ...this.config([{ address }]), vrfname: "vrf0", ...keys };
    return this.call(command, config, { ifName });
  }

  add(keys?: object, ifName?: string): Reply {
    return this.trial.ok(this.asked("ADD", keys, ifName));
  }

  link(name: string): Reply {
    const all = this.trial.host.ipJson("-d address", this.netns);
    return all.find(({ ifname }: Reply) => ifname === name);
  }

  table(vrf = "vrf0"): number {
    return this.link(vrf).linkinfo.info_data.table;
  }

  addresses(name: string): string[] {
    return this.link(name)
      .addr_info.filter(({ scope }: Reply) => scope === "global")
      .map(({ local, prefixlen }: Reply) => `${local}/${prefixlen}`);
  }
}

function inContainer(
  lines: Case["lines"],
  fact: string,
  links: readonly RoutedLink[],
  run: (container: Ported, trial: Trial) => void,
): Case {
  return {
    lines,
    program: "vrf",
    version: "0.4.0",
    needs: ["vrf"],
    fact,
    run: (trial) => run(new Ported(trial, links), trial),
  };
}

const one: Case[] = [
  inContainer(["U-196"], "hands the result on", [net0, net1], (container) => {
    const { ips, interfaces } = container.add();
    const told = container.told(container.config([{ address }]));
    deepEqual([ips, interfaces], [told.ips, told.interfaces]);
  }),
  inContainer(["U-197"], "puts the interface into a new VRF", [net0, routed], (container) => {
    container.add();
    ok(container.link("vrf0").flags.includes("UP"));
    equal(container.link("net1").master, "vrf0");
    deepEqual(container.addresses("net1"), [address, address6]);
  }),
  inContainer(["U-198"], "takes the routes along", [net0, routed], (container) => {
    container.add();
    const rows = container.routes("net1");
    for (const each of routes) ok(rows.includes(`${container.table()} ${each}`), each);
    deepEqual(
      rows.filter((row) => row.startsWith("main")),
      [],
    );
  }),
  inContainer(
    ["U-199"],
    "takes only the routes of the interface along",
    [{ ...net0, addresses: ["10.0.1.2/24"], routes: ["10.11.0.0/16 via 10.0.1.1"] }, routed],
    (container) => {
      const others = container.routes("net0");
      container.add();
      deepEqual(container.routes("net0"), others);
    },
  ),
  inContainer(
    ["U-200"],
    "refuses an interface that has a master",
    [net0, net1],
    (container, trial) => {
      const { netns } = container;
      trial.run("ip link add br0 type bridge", { netns });
      trial.run("ip link set net1 master br0", { netns });
      trial.fails(container.asked("ADD"), undefined, /has already a master set/);
      equal(container.link("net1").master, "br0");
    },
  ),
  inContainer(["U-204"], "checks, and is undone by DEL", [net0, routed], (container, trial) => {
    const prevResult = container.add();
    trial.ok(container.asked("CHECK", { prevResult }));
    trial.run("ip link set net1 nomaster", { netns: container.netns });
    trial.fails(container.asked("CHECK", { prevResult }), undefined, /to find net1 associated/);
    trial.ok(container.asked("DEL", { prevResult }));
    equal(container.link("vrf0"), undefined);
  }),
];

const pairs: Case[] = [address, address6].flatMap((each) => {
  const links = [net0, net1].map((link) => ({ ...link, addresses: [each] }));
  const family = each === address ? "IPv4" : "IPv6";
  return [
    inContainer(["U-201"], `puts two interfaces into one VRF, ${family}`, links, (container) => {
      container.add({}, "net0");
      container.add();
      for (const name of ["net0", "net1"]) {
        equal(container.link(name).master, "vrf0");
        deepEqual(container.addresses(name), [each]);
      }
    }),
    inContainer(
      ["U-201"],
      `puts two interfaces with one address into two VRFs, ${family}`,
      links,
      (container) => {
        container.add({}, "net0");
        container.add({ vrfname: "vrf1" });
        equal(container.link("net1").master, "vrf1");
        notEqual(container.table("vrf0"), container.table("vrf1"));
        for (const name of ["net0", "net1"]) deepEqual(container.addresses(name), [each]);
      },
    ),
  ];
});

const tables: Case[] = [
  inContainer(["U-202"], "takes a table twice", [net0, net1], (container, trial) => {
    container.add({ table: 1001 }, "net0");
    container.add({ table: 1001 });
    trial.ok(container.asked("DEL", { table: 1001 }));
    container.add({ vrfname: "vrf1", table: 1001 });
    deepEqual([container.table("vrf0"), container.table("vrf1")], [1001, 1001]);
  }),
  inContainer(["U-202"], "refuses another table for a VRF", [net0, net1], (container, trial) => {
    container.add({ table: 1001 }, "net0");
    const call = container.asked("ADD", { table: 1002 });
    trial.fails(call, undefined, /already exist with different routing table/);
  }),
  inContainer(
    ["U-203"],
    "deletes the VRF with its last interface",
    [net0, net1],
    (container, trial) => {
      container.add({}, "net0");
      container.add();
      trial.ok(container.asked("DEL", {}, "net0"));
      ok(container.link("vrf0"));
      trial.ok(container.asked("DEL"));
      equal(container.link("vrf0"), undefined);
    },
  ),
  ...(
    [
      [[], 1],
      [[1, 2, 4], 3],
      [[1, 2, 3], 4],
      [[999], 1],
    ] as const
  ).map(([used, wanted]) =>
    inContainer(
      ["U-205"],
      `takes table ${wanted} when VRFs have ${used.join(", ") || "none"}`,
      [net0, net1],
      (container, trial) => {
        const { netns } = container;
        for (const each of used)
          trial.run(`ip link add v${each} type vrf table ${each}`, { netns });
        container.add();
        equal(container.table(), wanted);
      },
    ),
  ),
];

export const cases: readonly Case[] = [...one, ...pairs, ...tables];
