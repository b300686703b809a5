/**
 * host-local: addresses that are asked for by name (checklist 6.10).
 * @module
 */
import { deepEqual } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { IpamNetwork, type NetworkCall, set } from "../../runner/ipam-network.ts";

const dual = { ranges: [set("10.1.2.0/24"), set("2001:db8:1::/64")] };
const small = { ranges: [set("192.168.1.0/29")] };
const two = { ranges: [set("10.1.2.0/24"), set("10.1.3.0/24")] };
const many = {
  ranges: [set("10.1.2.0/24"), set("10.1.3.0/24"), set("10.1.4.0/24"), set("2001:db8::/64")],
};
const bounded = {
  ranges: [[{ subnet: "192.168.1.0/29", rangeStart: "192.168.1.3", rangeEnd: "192.168.1.5" }]],
};
const mixed = { ranges: [set("172.16.1.0/24", "10.1.2.0/24"), set("2001:db8:1::/48")] };
const cni = (...ips: string[]) => ({ args: { cni: { ips } } });
const runtime = (...ips: string[]) => ({ runtimeConfig: { ips } });

type Given = [line: string, fact: string, ipam: object, call: NetworkCall, got: string[]];
const given: Given[] = [
  [
    "U-108",
    "gives the address of args.cni.ips",
    dual,
    { config: cni("10.1.2.88") },
    ["10.1.2.88", "2001:db8:1::2"],
  ],
  [
    "U-109",
    "gives one in each set, in the order of the sets",
    two,
    { config: cni("10.1.3.77", "10.1.2.88") },
    ["10.1.2.88", "10.1.3.77"],
  ],
  [
    "U-110",
    "finds them in any range of a set and in both families",
    mixed,
    { config: cni("10.1.2.88", "2001:db8:1::999") },
    ["10.1.2.88", "2001:db8:1::999"],
  ],
  [
    "U-123",
    "takes IP of CNI_ARGS",
    small,
    { args: "IgnoreUnknown=1;IP=192.168.1.4;K8S_POD_NAME=x" },
    ["192.168.1.4"],
  ],
  [
    "U-123",
    "takes IP of CNI_ARGS with a prefix length",
    small,
    { args: "IP=192.168.1.5/24" },
    ["192.168.1.5"],
  ],
  [
    "U-124",
    "adds up args.cni.ips, with and without prefix length, and CNI_ARGS",
    many,
    { args: "IP=10.1.4.13", config: cni("10.1.2.11/24", "10.1.3.12") },
    ["10.1.2.11", "10.1.3.12", "10.1.4.13", "2001:db8::2"],
  ],
  [
    "U-125",
    "takes runtimeConfig.ips of both families, with and without prefix length",
    many,
    { config: runtime("10.1.2.11/24", "10.1.3.12", "2001:db8::7/64") },
    ["10.1.2.11", "10.1.3.12", "10.1.4.2", "2001:db8::7"],
  ],
];

type Refused = [line: string, fact: string, ipam: object, call: NetworkCall, says: RegExp | string];
const all = "failed to allocate all requested IPs: ";
const refused: Refused[] = [
  [
    "U-111",
    "refuses two in one set, and reserves nothing",
    two,
    { config: cni("10.1.2.88", "10.1.2.77") },
    `${all}10.1.2.`,
  ],
  ["U-118", "refuses one behind the end", bounded, { args: "IP=192.168.1.6" }, all],
  ["U-118", "refuses one before the start", bounded, { args: "IP=192.168.1.2" }, all],
  ["U-123", "refuses what is no address", small, { args: "IP=10.1.2.300" }, /10\.1\.2\.300/],
];

export const cases: readonly Case[] = [
  ...given.map(
    ([line, fact, ipam, call, got]): Case => ({
      lines: [line],
      program: "host-local",
      fact,
      run(trial) {
        deepEqual(new IpamNetwork(trial, ipam).add(call), got);
      },
    }),
  ),
  ...refused.map(
    ([line, fact, ipam, call, says]): Case => ({
      lines: [line],
      program: "host-local",
      fact,
      run(trial) {
        const net = new IpamNetwork(trial, ipam);
        net.fails("ADD", call, says);
        deepEqual(net.reservations(), {});
      },
    }),
  ),
  ...["0.1.0", "0.2.0"].map(
    (cniVersion): Case => ({
      lines: ["U-109"],
      program: "host-local",
      version: cniVersion,
      fact: `refuses two of a family in ${cniVersion}`,
      run(trial) {
        const call = { cniVersion, config: cni("10.1.3.77", "10.1.2.88") };
        new IpamNetwork(trial, two).fails("ADD", call, "more than 1 address per family");
      },
    }),
  ),
  {
    lines: ["U-117"],
    program: "host-local",
    fact: "refuses one that is taken, by its range",
    run(trial) {
      const net = new IpamNetwork(trial, small);
      net.add({ args: "IP=192.168.1.5" });
      const says =
        "requested IP address 192.168.1.5 is not available in range set 192.168.1.1-192.168.1.6";
      net.fails("ADD", { id: "c2", args: "IP=192.168.1.5" }, says);
      deepEqual(Object.values(net.reservations()), ["c1\r\neth0"]);
    },
  },
];
