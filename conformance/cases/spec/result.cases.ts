/**
 * The result object (checklist 1.K).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { richResult } from "./rich-result.ts";
import {
  addressSubjects,
  casesOf,
  chainedSubjects,
  linkSubjects,
  ranges,
  type Setting,
  subjectOf,
} from "./subjects.ts";

const veths = linkSubjects.filter(({ program }) => ["bridge", "ptp"].includes(program));

/** The link that an entry of `interfaces` names. */
function linkOf({ trial }: Setting, { name, sandbox }: Reply): Reply {
  const where = sandbox ? sandbox : undefined;
  return trial.host.ipJson(["-d", "link", "show", "dev", name], where)[0];
}

const both = ranges("10.1.2.0/24", "fd00::/64");

const interfaces: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-102", "SPEC-103", "SPEC-104", "SPEC-106"],
  fact: "lists the links that it made, where they are, with their MAC addresses",
  run(setting, trial) {
    const before = new Set(trial.host.ipJson("link").map(({ ifname }) => ifname));
    const result = setting.add({ isGateway: true });
    for (const each of result.interfaces) {
      const { mac, sandbox = "", pciID, socketPath } = each;
      ok(sandbox === "" || sandbox === setting.netns, `sandbox ${sandbox}`);
      if (mac !== undefined) equal(mac, linkOf(setting, each).address);
      deepEqual([pciID, socketPath], [undefined, undefined]);
    }
    const named = new Set(result.interfaces.map(({ name }: Reply) => name));
    const made = trial.host.ipJson("link").filter(({ ifname }) => !before.has(ifname));
    for (const { ifname } of made) ok(named.has(ifname), `${ifname} is not listed`);
    const own = result.interfaces.filter(({ sandbox }: Reply) => sandbox === setting.netns);
    deepEqual(
      own.map(({ name, mac }: Reply) => [name, typeof mac]),
      [["eth0", "string"]],
    );
  },
});

const mtus: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-105"],
  version: "1.1.0",
  fact: "tells the MTU of each link at 1.1.0",
  run(setting) {
    for (const each of setting.add({ mtu: 1400 }).interfaces) {
      equal(each.mtu, linkOf(setting, each).mtu, each.name);
    }
  },
});

const noMtus: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-105"],
  fact: "tells no MTU before 1.0.0",
  run(setting) {
    const { interfaces: all } = setting.add({ cniVersion: "0.4.0" });
    for (const { mtu } of all) equal(mtu, undefined);
  },
});

const addresses: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-107", "SPEC-109"],
  fact: "lists its addresses, each with the index of the link that has it",
  run(setting) {
    const { ips, interfaces: all, dns = {} } = setting.add({ ipam: both, isGateway: true });
    deepEqual(dns, {});
    equal(ips.length, 2);
    for (const { address, gateway, interface: index } of ips) {
      const [ip, length] = address.split("/");
      equal(Number(length), ip.includes(":") ? 64 : 24);
      ok(!gateway.includes("/") && gateway.includes(":") === ip.includes(":"), gateway);
      equal(typeof index, "number");
      equal(all[index].name, "eth0");
    }
    const [row] = setting.trial.host.ipJson("address show dev eth0", setting.netns);
    const has = row.addr_info.map(({ local, prefixlen }: Reply) => `${local}/${prefixlen}`);
    for (const { address } of ips) ok(has.includes(address), address);
  },
});

const indexZero: Case[] = casesOf(chainedSubjects, {
  lines: ["SPEC-107"],
  fact: "prints index 0 as 0",
  run(setting) {
    const previous = setting.config["prevResult"] as Reply;
    const all = [...previous.interfaces].reverse();
    const prevResult = {
      ...previous,
      interfaces: all,
      ips: [{ ...previous.ips[0], interface: 0 }],
    };
    equal(setting.add({ prevResult }).ips[0].interface, 0);
  },
});

const routes = [
  { dst: "10.50.0.0/16", mtu: 1300, advmss: 1200, priority: 7 },
  { dst: "10.51.0.0/16", table: 1000, gw: "10.1.2.254" },
  { dst: "10.52.0.0/16", scope: 0 },
  { dst: "10.53.0.0/16", gw: "0.0.0.0", scope: 253 },
];

/** The rows of `ip -d route show table all` in the pod, by destination. */
function routeOf({ trial, netns }: Setting, dst: string): Reply {
  const found = trial.host.ipJson("-d route show table all", netns).find((r) => r.dst === dst);
  ok(found, `no route to ${dst}`);
  return found;
}

const withRoutes = { isGateway: true, ipam: { ...ranges("10.1.2.0/24"), routes } };

const setsRoutes: Case[] = casesOf(veths, {
  lines: ["SPEC-108"],
  fact: "sets destination, gateway, priority, table and scope of its routes",
  run(setting) {
    const result = setting.add(withRoutes);
    ok(result.routes.length >= routes.length);
    const first = routeOf(setting, "10.50.0.0/16");
    deepEqual([first.gateway, first.metric], ["10.1.2.1", 7]);
    const second = routeOf(setting, "10.51.0.0/16");
    deepEqual([second.gateway, second.table], ["10.1.2.254", "1000"]);
    equal(routeOf(setting, "10.52.0.0/16").scope, "global");
    const last = routeOf(setting, "10.53.0.0/16");
    deepEqual([last.gateway, last.scope], [undefined, "link"]);
  },
});

const setsMetrics: Case[] = casesOf(veths, {
  lines: ["SPEC-108"],
  fact: "sets mtu and advmss of its routes",
  run(setting) {
    setting.add(withRoutes);
    deepEqual(routeOf(setting, "10.50.0.0/16").metrics, [{ mtu: 1300, advmss: 1200 }]);
  },
});

const hostScope: Case[] = casesOf(veths, {
  lines: ["SPEC-108"],
  fact: "sets a route within the host that names no gateway",
  run(setting) {
    const local = [{ dst: "10.54.0.1/32", scope: 254, gw: "0.0.0.0" }];
    setting.add({ isGateway: true, ipam: { ...ranges("10.1.2.0/24"), routes: local } });
    equal(routeOf(setting, "10.54.0.1").scope, "host");
  },
});

const linkScope: Case[] = casesOf(veths, {
  lines: ["SPEC-108"],
  fact: "gives a route on the link no gateway of its own accord",
  run(setting) {
    const onLink = [{ dst: "10.52.0.0/16", scope: 253 }];
    setting.add({ isGateway: true, ipam: { ...ranges("10.1.2.0/24"), routes: onLink } });
    equal(routeOf(setting, "10.52.0.0/16").gateway, undefined);
  },
});

const ofIpam: Case[] = casesOf(addressSubjects, {
  lines: ["SPEC-110", "SPEC-109"],
  fact: "prints addresses, routes and dns, and nothing of interfaces",
  run(setting) {
    const { cniVersion: _, ips, routes: __, dns = {}, ...others } = setting.add();
    deepEqual(others, {});
    deepEqual(dns, {});
    for (const ip of ips) equal(ip.interface, undefined);
  },
});

const passing = ["portmap", "tuning", "firewall", "bandwidth", "loopback"].map(subjectOf);

/** What a pass-through program without a MTU of its own adds to the rich result. */
function sameAs(setting: Setting, prevResult: Reply): void {
  deepEqual(setting.add({ prevResult, mtu: undefined }), prevResult);
}

/** Edges of the kernel's own types, and characters that some encoders write otherwise. */
function atTheEdges(trial: Trial, sandbox: string): Reply {
  const result = richResult(trial.newest, sandbox);
  const most = 4_294_967_295;
  result.interfaces[0].mtu = 65535;
  result.routes[0] = { dst: "10.9.0.0/16", priority: most, table: most, mtu: 65535, advmss: 65495 };
  result.dns = { nameservers: ["10.1.2.1"], domain: "<a>&\u2028.b", search: ["é", '"\\'] };
  return result;
}

const edges: Case[] = casesOf(passing, {
  lines: ["SPEC-112", "SPEC-111", "SPEC-105"],
  version: "1.1.0",
  fact: "hands on large numbers and odd characters unharmed",
  run(setting, trial) {
    sameAs(setting, atTheEdges(trial, setting.netns));
  },
});

/** firewall makes rules for each address. */
const unmoved = passing.filter(({ program }) => program !== "firewall");

const large: Case[] = casesOf(unmoved, {
  lines: ["SPEC-113"],
  fact: "hands on a thousand interfaces and addresses",
  run(setting, trial) {
    const result = richResult(trial.newest, setting.netns);
    const many = Array.from({ length: 1000 }, (_, n) => n);
    const name = (n: number) => ({ name: `extra${n}`, mac: "02:00:00:00:00:09" });
    const ip = (n: number) => ({ address: `10.77.${n >> 8}.${n & 255}/16`, interface: 3 + n });
    result.interfaces.push(...many.map(name));
    result.ips.push(...many.map(ip));
    sameAs(setting, result);
  },
});

const largeStatic: Case = {
  lines: ["SPEC-113"],
  program: "static",
  fact: "prints all of a large result",
  run(trial) {
    const list = Array.from({ length: 2000 }, (_, n) => `10.0.${n >> 8}.${n & 255}/16`);
    const ipam = { type: "static", addresses: list.map((address) => ({ address })) };
    const config = { cniVersion: trial.newest, name: "net1", type: "static", ipam };
    const { ips } = trial.ok({ command: "ADD", config, netns: "/run/netns/none" });
    deepEqual(
      ips.map(({ address }: Reply) => address),
      list,
    );
  },
};

export const cases: readonly Case[] = [
  ...interfaces,
  ...mtus,
  ...noMtus,
  ...addresses,
  ...indexZero,
  ...setsRoutes,
  ...setsMetrics,
  ...hostScope,
  ...linkScope,
  ...ofIpam,
  ...edges,
  ...large,
  largeStatic,
];
