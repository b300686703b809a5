/**
 * host-local: ranges and name servers in its configuration (checklist 6.10).
 * @module
 */
import { deepEqual } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { IpamNetwork, type NetworkCall, set } from "../../runner/ipam-network.ts";
import type { Trial } from "../../runner/trial.ts";

const part = (rangeStart: string, rangeEnd: string) => [
  { subnet: "10.1.2.0/24", rangeStart, rangeEnd },
];

type Accepted = [line: string, fact: string, ipam: object, call: NetworkCall, got: string[]];
const accepted: Accepted[] = [
  [
    "U-122",
    "takes ranges of the runtime, then the old one, then the new ones",
    { subnet: "10.1.2.0/24", ranges: [set("10.1.3.0/24")] },
    { config: { runtimeConfig: { ipRanges: [set("10.1.4.0/24")] } } },
    ["10.1.4.2", "10.1.2.2", "10.1.3.2"],
  ],
  [
    "U-132",
    "takes one subnet in two disjoint parts",
    { ranges: [part("10.1.2.10", "10.1.2.20"), part("10.1.2.21", "10.1.2.30")] },
    {},
    ["10.1.2.10", "10.1.2.21"],
  ],
  [
    "U-132",
    "sees no overlap of 0.0.0.0/24 and ::/24",
    { ranges: [set("0.0.0.0/24"), set("::/24")] },
    {},
    ["0.0.0.2", "::2"],
  ],
  [
    "U-131",
    "begins behind the gateway, the first address of the subnet",
    { ranges: [set("10.1.2.128/25"), set("2001:db8:1::/64")] },
    {},
    ["10.1.2.130", "2001:db8:1::2"],
  ],
];

/** Last address that a range may give, by asking for it. */
const lastOnes: [subnet: string, last: string, tooFar: string][] = [
  ["10.1.2.0/24", "10.1.2.254", "10.1.2.255"],
  ["10.1.2.0/25", "10.1.2.126", "10.1.2.127"],
  ["2001:db8:1::/64", "2001:db8:1:0:ffff:ffff:ffff:ffff", "2001:db8:1:1::"],
];

const hostBits = (length: number, network: string) =>
  `Network has host bits set. For a subnet mask of length ${length} the network address is ${network}`;
const refused: [line: string, what: string, ipam: object, says: string | RegExp][] = [
  [
    "U-126",
    "sets that overlap",
    { ranges: [set("10.1.0.0/16"), set("10.1.2.0/24")] },
    "range set 0 overlaps with 1",
  ],
  [
    "U-126",
    "ranges of a set that overlap",
    { ranges: [set("10.1.2.0/24", "10.1.2.128/25")] },
    /invalid range set 0: subnets .* overlap/,
  ],
  [
    "U-126",
    "a set of two families",
    { ranges: [set("10.1.2.0/24", "2001:db8::/64")] },
    "invalid range set 0: mixed address families",
  ],
  ["U-128", "192.0.2.12/24", { subnet: "192.0.2.12/24" }, hostBits(24, "192.0.2.0")],
  ["U-128", "192.168.127.0/23", { subnet: "192.168.127.0/23" }, hostBits(23, "192.168.126.0")],
  [
    "U-128",
    "2001:DB8:1::24:19ff/64",
    { subnet: "2001:DB8:1::24:19ff/64" },
    hostBits(64, "2001:db8:1::"),
  ],
  [
    "U-128",
    "2001:DB8:1:0:0:0:24:19ff/63",
    { subnet: "2001:db8:1:1:0:0:24:19ff/63" },
    hostBits(63, "2001:db8:1::"),
  ],
  ["U-129", "a /31", { subnet: "10.1.2.2/31" }, "Network 10.1.2.2/31 too small to allocate from"],
  ["U-129", "a /32", { subnet: "10.1.2.2/32" }, "Network 10.1.2.2/32 too small to allocate from"],
  [
    "U-130",
    "a start outside the subnet",
    { subnet: "10.1.2.0/24", rangeStart: "10.1.3.5" },
    "RangeStart 10.1.3.5 not in network 10.1.2.0/24",
  ],
  [
    "U-130",
    "an end outside the subnet",
    { subnet: "10.1.2.0/24", rangeEnd: "10.1.3.5" },
    "RangeEnd 10.1.3.5 not in network 10.1.2.0/24",
  ],
  [
    "U-130",
    "a start after the end",
    { subnet: "10.1.2.0/24", rangeStart: "10.1.2.20", rangeEnd: "10.1.2.10" },
    "not in network 10.1.2.0/24",
  ],
  [
    "U-132",
    "two parts of one subnet that overlap",
    { ranges: [part("10.1.2.10", "10.1.2.20"), part("10.1.2.20", "10.1.2.30")] },
    "range set 0 overlaps with 1",
  ],
];

const resolvConf = `; c
# c
nameserver\t192.0.2.1
nameserver 2001:db8::1
domain example.com
search a b
search c
options x
options y:2 z
`;

function oldStyle(trial: Trial): void {
  const ends = { rangeStart: "10.1.2.9", rangeEnd: "10.1.2.20" };
  const net = new IpamNetwork(trial, { subnet: "10.1.2.0/24", ...ends, gateway: "10.1.2.30" });
  const { ips, ip4 } = net.ok("ADD");
  const [first] = ips ?? [ip4];
  deepEqual([first.address ?? first.ip, first.gateway], ["10.1.2.9/24", "10.1.2.30"]);
  for (let n = 2; n <= 12; n++) net.add({ id: `c${n}` });
  net.fails("ADD", { id: "c13" }, "no IP addresses available in range set");
}

export const cases: readonly Case[] = [
  ...accepted.map(
    ([line, fact, ipam, call, got]): Case => ({
      lines: [line],
      program: "host-local",
      fact,
      run(trial) {
        deepEqual(new IpamNetwork(trial, ipam).add(call), got);
      },
    }),
  ),
  ...lastOnes.map(
    ([subnet, last, tooFar]): Case => ({
      lines: ["U-131"],
      program: "host-local",
      fact: `ends ${subnet} with ${last}`,
      run(trial) {
        const net = new IpamNetwork(trial, { subnet });
        deepEqual(net.add({ args: `IP=${last}` }), [last]);
        net.fails("ADD", { id: "c2", args: `IP=${tooFar}` });
      },
    }),
  ),
  ...refused.map(
    ([line, what, ipam, says]): Case => ({
      lines: [line],
      program: "host-local",
      fact: `refuses ${what}`,
      run(trial) {
        const net = new IpamNetwork(trial, ipam);
        net.fails("ADD", {}, says);
        deepEqual(net.reservations(), {});
      },
    }),
  ),
  {
    lines: ["U-121"],
    program: "host-local",
    fact: "takes the old range beside ipam's other keys",
    run: oldStyle,
  },
  {
    lines: ["U-127"],
    program: "host-local",
    version: "0.2.0",
    fact: "takes one set of each family in 0.2.0, and no two of one",
    run(trial) {
      const both = new IpamNetwork(trial, { ranges: [set("10.1.2.0/24"), set("fd00::/64")] });
      both.ok("ADD", { cniVersion: "0.2.0" });
      const two = new IpamNetwork(trial, { ranges: [set("10.1.2.0/24"), set("10.1.3.0/24")] }, "b");
      two.fails("ADD", { cniVersion: "0.2.0" }, "more than 1 address per family");
    },
  },
  {
    lines: ["U-133"],
    program: "host-local",
    fact: "collects all of resolv.conf, in order",
    run(trial) {
      trial.run("tee /run/many.conf", { input: resolvConf });
      const net = new IpamNetwork(trial, { subnet: "10.1.2.0/24", resolvConf: "/run/many.conf" });
      deepEqual(net.ok("ADD").dns, {
        nameservers: ["192.0.2.1", "2001:db8::1"],
        domain: "example.com",
        search: ["a", "b", "c"],
        options: ["x", "y:2", "z"],
      });
    },
  },
];
