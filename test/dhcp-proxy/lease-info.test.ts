import { deepEqual, equal, throws } from "node:assert/strict";
import { givesTheSame, type LeaseInfo, readLease } from "../../dhcp-proxy/lease-info.ts";
import { decodeMessage } from "../../dhcp-proxy/packet/message.ts";
import { option } from "../../dhcp-proxy/packet/options.ts";
import { capturedPayload } from "./packet/capture.ts";

const ack = (...changes: [code: number, value: number[] | undefined][]) => {
  const message = decodeMessage(capturedPayload("dnsmasq-ack"));
  for (const [code, value] of changes) {
    if (value === undefined) message.options.delete(code);
    else message.options.set(code, Uint8Array.from(value));
  }
  return message;
};
const read = (...changes: [code: number, value: number[] | undefined][]) =>
  readLease(ack(...changes), 1000.4, 0);
const seconds = ({ lease }: { lease: LeaseInfo }) =>
  [lease.renewAtMs, lease.rebindAtMs, lease.expiresAtMs].map((ms) => ms && (ms - 1000) / 1000);

describe("readLease", () => {
  it("reads a DHCPACK of dnsmasq, the classless routes before all others", () => {
    deepEqual(read(), {
      lease: {
        address: "192.168.1.5/24",
        serverId: "192.168.1.1",
        gateway: "192.168.1.1",
        routes: [
          { dst: "10.9.0.0/16", gw: "192.168.1.9" },
          { dst: "0.0.0.0/0", gw: "192.168.1.1" },
        ],
        dns: {
          nameservers: ["9.9.9.9", "1.1.1.1"],
          domain: "example.net",
          search: ["eng.example.net", "example.net"],
        },
        mtu: 1400,
        acquiredAtMs: 1000,
        renewAtMs: 61_000,
        rebindAtMs: 106_000,
        expiresAtMs: 121_000,
      },
      problems: [],
    });
  });

  it("has static routes and then the default one when there are no classless ones", () => {
    const { lease } = read([option.classlessStaticRoutes, undefined]);
    deepEqual(lease.routes, [
      { dst: "10.0.0.0/8", gw: "10.1.2.3" },
      { dst: "192.168.1.0/24", gw: "192.168.2.3" },
      { dst: "0.0.0.0/0", gw: "192.168.1.1" },
    ]);
  });

  it("says of a route to the link itself what the reference says", () => {
    const { lease } = read([option.classlessStaticRoutes, [24, 10, 9, 8, 0, 0, 0, 0]]);
    deepEqual(lease.routes, [{ dst: "10.9.8.0/24", gw: "0.0.0.0", scope: 253 }]);
  });

  it("has neither gateway nor routes without options for them", () => {
    const { lease } = read(
      [option.classlessStaticRoutes, undefined],
      [option.staticRoutes, undefined],
      [option.routers, undefined],
    );
    deepEqual([lease.gateway, lease.routes], [undefined, []]);
  });

  it("goes on without what it cannot read, and says so", () => {
    const { lease, problems } = read(
      [121, [33]],
      [33, [1]],
      [119, [1]],
      [26, [0, 67]],
      [6, [1, 2, 3]],
    );
    deepEqual(lease.routes, [{ dst: "0.0.0.0/0", gw: "192.168.1.1" }]);
    deepEqual([lease.mtu, lease.dns], [undefined, { domain: "example.net" }]);
    deepEqual(problems, [
      'decode option 119 at byte 0: want a label of 1 letters and digits, got ""',
      "decode option 121[0].length at byte 0: want at most 32, got 33",
      "decode option 33 at byte 0: want a multiple of 8 bytes, got 1",
    ]);
  });

  it("takes the times of RFC 2131 where the server says none, or impossible ones", () => {
    deepEqual(seconds(read([58, undefined], [59, undefined])), [60, 105, 120]);
    deepEqual(seconds(read([58, [0, 0, 0, 0]], [59, [0, 0, 0, 0]])), [60, 105, 120]);
    deepEqual(seconds(read([58, [0, 0, 0, 200]], [59, [0, 0, 0, 120]])), [60, 105, 120]);
    deepEqual(seconds(read([58, [0, 0, 0, 10]], [59, [0, 0, 0, 5]])), [5, 5, 120]);
    deepEqual(seconds(read([51, undefined], [58, undefined], [59, undefined])), [1800, 3150, 3600]);
    deepEqual(seconds(read([51, [0, 0, 0, 0]])), [1, 1.75, 2]);
    deepEqual(seconds(read([51, [255, 255, 255, 255]])), [null, null, null]);
  });

  it("renews up to a twenty-fifth earlier than T1, as chance has it", () => {
    equal(readLease(ack(), 0, 1).lease.renewAtMs, 57_600);
  });

  it("refuses a mask that is missing, or none", () => {
    throws(() => read([option.subnetMask, undefined]), {
      message: "DHCP option Subnet Mask not found in DHCPACK",
    });
    for (const mask of [
      [255, 0, 255, 0],
      [255, 255, 255],
      [255, 255, 255, 0, 0],
    ]) {
      throws(() => read([option.subnetMask, mask]), {
        message: `DHCP option Subnet Mask in DHCPACK is no netmask: "${mask.join(".")}"`,
      });
    }
    equal(read([option.subnetMask, [0, 0, 0, 0]]).lease.address, "192.168.1.5/0");
    equal(read([option.subnetMask, [255, 255, 255, 255]]).lease.address, "192.168.1.5/32");
  });
});

describe("givesTheSame", () => {
  it("is about what a pod gets, not about times and servers", () => {
    const { lease } = read();
    const later = { ...lease, renewAtMs: 1, expiresAtMs: null, serverId: "192.168.1.2" };
    equal(givesTheSame(lease, JSON.parse(JSON.stringify(later))), true);
    for (const change of [{ mtu: 1500 }, { address: "192.168.1.6/24" }, { routes: [] }]) {
      equal(givesTheSame(lease, { ...lease, ...change }), false);
    }
  });
});
