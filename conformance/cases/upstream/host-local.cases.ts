/**
 * host-local: which addresses it gives, and how it writes them down (checklist 6.10).
 * @module
 */
import { deepEqual, equal, match } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { addressesOf, IpamNetwork, set } from "../../runner/ipam-network.ts";
import type { Reply, Trial } from "../../runner/trial.ts";

const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const dual = { ranges: [set("10.1.2.0/24", "10.2.2.0/24"), set("2001:db8:1::/64")] };
const small = { ranges: [set("192.168.1.0/29")] };
const routes = [
  { dst: "0.0.0.0/0" },
  { dst: "::/0" },
  { dst: "192.168.0.0/16", gw: "1.1.1.1" },
  { dst: "2001:db8:2::0/64", gw: "2001:db8:3::1" },
];

function hostLocal(line: string, fact: string, ipam: object, run: (net: IpamNetwork) => void) {
  const body = (trial: Trial) => run(new IpamNetwork(trial, ipam));
  return { lines: [line], program: "host-local", fact, run: body } satisfies Case;
}

/** Both families of a result, whatever its version: address, gateway, version and routes. */
function families({ ips, ip4, ip6, routes: all }: Reply) {
  const [v4, v6] = ips ?? [ip4, ip6];
  const given: { dst: string; gw?: string }[] = all ?? [...ip4.routes, ...ip6.routes];
  return {
    addresses: [v4.address ?? v4.ip, v6.address ?? v6.ip],
    gateways: [v4.gateway, v6.gateway],
    versions: [v4.version, v6.version],
    routes: given.map(({ dst, gw }) => [dst, gw].join(" ").trim()).sort(),
  };
}

const inEachVersion = versions.map(
  (cniVersion): Case => ({
    lines: ["U-100", "U-101", "U-107"],
    program: "host-local",
    version: cniVersion,
    fact: `gives an address of each range set and writes it down in ${cniVersion}`,
    run(trial) {
      trial.run("tee /run/resolv.conf", { input: "nameserver 192.0.2.3\n" });
      const net = new IpamNetwork(trial, { ...dual, routes, resolvConf: "/run/resolv.conf" });
      const call = { id: "dummy", cniVersion };
      const { json, stderr } = trial.call(net.request("ADD", call));
      const numbers = cniVersion.startsWith("0.3") || cniVersion === "0.4.0";
      deepEqual(families(json), {
        addresses: ["10.1.2.2/24", "2001:db8:1::2/64"],
        gateways: ["10.1.2.1", "2001:db8:1::1"],
        versions: numbers ? ["4", "6"] : [undefined, undefined],
        routes: ["0.0.0.0/0", "192.168.0.0/16 1.1.1.1", "2001:db8:2::/64 2001:db8:3::1", "::/0"],
      });
      deepEqual(json.dns?.nameservers, ["192.0.2.3"]);
      equal(stderr, "", "noise on the first use of an empty directory");
      const content = "dummy\r\neth0";
      deepEqual(net.reservations(), { "10.1.2.2": content, "2001:db8:1::2": content });
      deepEqual(
        ["0", "1"].map((n) => net.read(`last_reserved_ip.${n}`)),
        addressNames,
      );
      net.ok("DEL", call);
      deepEqual(net.reservations(), {});
    },
  }),
);
const addressNames = ["10.1.2.2", "2001:db8:1::2"];

const identity: Case[] = [
  hostLocal("U-102", "keeps two interfaces on two networks apart", small, (net) => {
    const other = new IpamNetwork(net.trial, small, "other");
    net.add();
    other.add({ ifName: "eth1" });
    net.ok("DEL");
    deepEqual(net.reservations(), {});
    deepEqual(Object.values(other.reservations()), ["c1\r\neth1"]);
  }),
  hostLocal("U-103", "refuses a second address to an attachment", small, (net) => {
    deepEqual(net.add(), ["192.168.1.2"]);
    net.fails("ADD", {}, "duplicate allocation is not allowed");
    deepEqual(net.add({ id: "c2" }), ["192.168.1.3"]);
    net.fails("ADD", {}, "duplicate allocation is not allowed");
    net.ok("DEL");
    deepEqual(net.reservations(), { "192.168.1.3": "c2\r\neth0" });
  }),
  hostLocal("U-105", "takes DEL of an unknown container", small, (net) => {
    net.ok("DEL");
    net.add({ id: "c2" });
    net.trial.unchanged(() => net.ok("DEL"));
  }),
];

const rewritten: Case[] = [
  ["U-104", "the container's id alone", "c1"],
  ["U-106", "blanks and a line's end after it", "c1\r\neth0 \n"],
  ["ROB-036", "blanks around it and a lone LF in it", " c1\neth0"],
].map(([line = "", what, content = ""]) =>
  hostLocal(line, `frees a reservation that was rewritten to ${what}`, small, (net) => {
    net.add();
    net.write("192.168.1.2", content);
    net.ok("DEL");
    deepEqual(net.reservations(), {});
  }),
);

type Round = [line: string, fact: string, taken: string[], last: string | undefined, got: string];
const rounds: Round[] = [
  ["U-112", "begins with the first address", [], undefined, "192.168.1.2"],
  ["U-112", "steps over the first when it is taken", ["192.168.1.2"], undefined, "192.168.1.3"],
  ["U-112", "goes on after the last", [], "192.168.1.5", "192.168.1.6"],
  ["U-112", "steps over taken ones", ["192.168.1.4", "192.168.1.5"], "192.168.1.3", "192.168.1.6"],
  ["U-112", "wraps around", ["192.168.1.6"], "192.168.1.5", "192.168.1.2"],
  ["U-112", "begins again when the last lies outside", [], "10.9.9.9", "192.168.1.2"],
  [
    "U-112",
    "comes to the last itself when only that is free",
    ["192.168.1.2", "192.168.1.3", "192.168.1.4", "192.168.1.6"],
    "192.168.1.5",
    "192.168.1.5",
  ],
  ["ROB-014", "begins again when the last is empty", [], "", "192.168.1.2"],
  ["ROB-014", "begins again when the last is garbage", [], "192.168.1.3\n\0x", "192.168.1.2"],
];
const roundRobin = rounds.map(([line, fact, taken, last, got]) =>
  hostLocal(line, fact, small, (net) => {
    for (const ip of taken) net.write(ip, "x\r\neth0");
    if (last !== undefined) net.write("last_reserved_ip.0", last);
    deepEqual(net.add(), [got]);
    equal(net.read("last_reserved_ip.0"), got);
  }),
);

const thirty = { ranges: [set("10.0.0.0/30"), set("2001:db8:1::/64")] };
const three = { ranges: [set("10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30")] };
const ids = ["a", "b", "c", "d", "e"];
const allocation: Case[] = [
  ...roundRobin,
  hostLocal("U-113", "finds the one address of a /30 and the first of IPv6", thirty, (net) => {
    deepEqual(net.add(), ["10.0.0.2", "2001:db8:1::2"]);
  }),
  {
    ...hostLocal("U-114", "goes round over the ranges of a set", three, (net) => {
      const given = ["a", "b", "c"].map((id) => net.add({ id })[0]);
      deepEqual(given, ["10.0.0.2", "10.0.1.2", "10.0.2.2"]);
      net.ok("DEL", { id: "a" });
      deepEqual(net.add({ id: "d" }), ["10.0.0.2"]);
    }),
    lines: ["U-114", "U-120"],
  },
  {
    ...hostLocal("U-115", "gives no network, gateway or broadcast address", small, (net) => {
      const given = ids.map((id) => net.add({ id })[0]);
      deepEqual(
        given,
        [2, 3, 4, 5, 6].map((last) => `192.168.1.${last}`),
      );
      net.fails("ADD", { id: "f" }, /no IP addresses available in range set/);
    }),
    lines: ["U-115", "U-119"],
  },
  hostLocal("U-116", "lets a freed address rest", small, (net) => {
    net.add();
    net.ok("DEL");
    deepEqual(net.add(), ["192.168.1.3"]);
  }),
];

const parallel: Case = {
  lines: ["U-134"],
  program: "host-local",
  fact: "gives each of 20 at once an address of its own",
  run: atOnce,
};

async function atOnce(trial: Trial): Promise<void> {
  const net = new IpamNetwork(trial, dual);
  const calls = Array.from({ length: 20 }, (_, n) => net.request("ADD", { id: `c${n}` }));
  const answers = await trial.atOnce(calls);
  const given = answers.flatMap((answer) => addressesOf(trial.succeeded(answer, "ADD")));
  equal(new Set(given).size, 40);
  const freed = await trial.atOnce(calls.map((call) => ({ ...call, command: "DEL" })));
  for (const answer of freed) trial.succeeded(answer, "DEL");
  deepEqual(net.reservations(), {});
}

const locked: Case = {
  lines: ["U-134"],
  program: "host-local",
  fact: "waits while another process holds the lock of the directory",
  async run(trial) {
    const net = new IpamNetwork(trial, small);
    net.add({ id: "earlier" });
    const lock = "/var/lib/cni/networks/mynet";
    const hold = `exec 8<${lock} 9<${lock}/lock; flock 8; flock 9; echo held; sleep 0.5; echo freed`;
    const holder = trial.host.start(["sh", "-c", hold]);
    while (!holder.output().includes("held")) await new Promise((go) => setTimeout(go, 5));
    const answers = await trial.atOnce([net.request("ADD")]);
    match(holder.output(), /freed/, "it did not wait");
    trial.succeeded(answers[0]!, "ADD");
  },
};

export const cases: readonly Case[] = [
  ...inEachVersion,
  ...identity,
  ...rewritten,
  ...allocation,
  parallel,
  locked,
];
