import { deepEqual, equal, throws } from "node:assert/strict";
import type { AllocateArgs } from "../../core/rpc/dhcp-service.ts";
import { attachmentOf, leaseKey, readLeaseRequest } from "../../dhcp-proxy/lease-request.ts";

function args(config: unknown, more: Partial<AllocateArgs> = {}): AllocateArgs {
  const stdinData = new TextEncoder().encode(JSON.stringify(config));
  const call = { containerId: "c1", netns: "/run/netns/p1", ifName: "eth0", args: "", path: "" };
  return { ...call, netnsOverride: "", stdinData, wantsDetails: true, ...more };
}

const plain = { name: "lan", type: "macvlan", master: "eth0", ipam: { type: "dhcp" } };

describe("readLeaseRequest", () => {
  it("is whose lease it is, and what is asked for", () => {
    deepEqual(readLeaseRequest(args(plain)), {
      network: "lan",
      containerId: "c1",
      ifname: "eth0",
      request: [3, 1],
      provide: [],
      priority: 0,
      hostLink: "eth0",
    });
  });

  for (const ipv6 of ["dhcp", "slaac"]) {
    it(`asks for IPv6 addresses: ${ipv6}`, () => {
      equal(readLeaseRequest(args({ ...plain, ipam: { type: "dhcp", ipv6 } })).ipv6, ipv6);
    });
  }

  it("asks for none when they are off", () => {
    const off = readLeaseRequest(args({ ...plain, ipam: { type: "dhcp", ipv6: "off" } }));
    deepEqual(off, readLeaseRequest(args(plain)));
  });

  it("takes options, arguments and priority, keys in any case", () => {
    const ipam = {
      Type: "dhcp",
      REQUEST: [{ option: "interface-mtu" }],
      provide: [{ option: "host-name", fromArg: "K8S_POD_NAME" }],
      Priority: 50,
    };
    const found = readLeaseRequest(args({ ...plain, ipam }, { args: "K8S_POD_NAME=ab" }));
    deepEqual([found.request, found.provide, found.priority], [[26, 3, 1], [[12, [97, 98]]], 50]);
  });

  for (const [config, link] of [
    [{ type: "ipvlan" }, ""],
    [{ type: "bridge" }, "cni0"],
    [{ type: "bridge", bridge: "br7" }, "br7"],
    [{ type: "bridge", bridge: "br7", vlan: 5 }, undefined],
    [{ type: "tap" }, undefined],
  ] as const) {
    it(`knows the host's link to ${JSON.stringify(config)}`, () => {
      deepEqual(readLeaseRequest(args({ name: "lan", ipam: {}, ...config })).hostLink, link);
    });
  }

  for (const [what, call, message] of [
    ["no JSON", args(plain, { stdinData: Uint8Array.of(123) }), /^decode network configuration/],
    ["no object", args([]), /want an object/],
    ["no name", args({ type: "macvlan" }), /"name"/],
    ["a name that is a path", args({ ...plain, name: "../x" }), /invalid network name: "..\/x"/],
    ["a container that is a path", args(plain, { containerId: "a/b" }), /invalid containerID/],
    ["an interface that is a path", args(plain, { ifName: "../eth0" }), /invalid interface name/],
    ["another source of IPv6 addresses", args({ ...plain, ipam: { ipv6: "ra" } }), /"ipam\.ipv6"/],
    [
      "an option nobody knows",
      args({ ...plain, ipam: { request: [{ option: "x" }] } }),
      /Can not parse option "x"/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      throws(() => readLeaseRequest(call), { message });
    });
  }
});

describe("attachmentOf", () => {
  it("does not look at options, which a DEL has no use for", () => {
    const bad = { ...plain, ipam: { request: [{ option: "x" }] } };
    equal(leaseKey(attachmentOf(args(bad))), "c1/lan/eth0");
  });
});
