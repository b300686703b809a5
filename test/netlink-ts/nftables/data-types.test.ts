import { deepEqual, equal, throws } from "node:assert/strict";
import {
  describeSet,
  inetProto,
  inetService,
  ipv4Addr,
  ipv6Addr,
  joinFields,
  slotLength,
} from "netlink-ts/nftables/data-types.ts";
import { registerAt } from "netlink-ts/nftables/registers.ts";

describe("slotLength", () => {
  it("rounds every field of a concatenation up to four bytes", () => {
    equal(slotLength([inetProto, ipv6Addr, inetService]), 24);
  });

  it("leaves a single field as it is", () => {
    equal(slotLength([inetService]), 2);
  });
});

describe("joinFields", () => {
  it("pads each field with zeroes", () => {
    const key = joinFields(
      [inetProto, inetService],
      [new Uint8Array([6]), new Uint8Array([31, 144])],
    );
    deepEqual([...key], [6, 0, 0, 0, 31, 144, 0, 0]);
  });

  it("refuses a field that is too long", () => {
    throws(() => joinFields([ipv4Addr], [new Uint8Array(16)]), {
      name: "RangeError",
      message: "want at most 4 bytes in field 0, got 16",
    });
  });
});

describe("describeSet", () => {
  it("makes an interval of one field a tree, of several a concatenation of ranges", () => {
    equal(describeSet({ key: [ipv4Addr], interval: true }).flags, 4);
    equal(describeSet({ key: [ipv4Addr, inetProto], interval: true }).flags, 0x84);
  });
});

describe("registerAt", () => {
  it("names 16-byte registers where one starts, 4-byte ones elsewhere", () => {
    deepEqual([0, 4, 16, 20, 32].map(registerAt), [1, 9, 2, 13, 3]);
  });
});
