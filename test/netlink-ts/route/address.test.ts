import { deepEqual, equal, throws } from "node:assert/strict";
import {
  addressMessage,
  deleteAddress,
  getAddress,
  IFA_F_NODAD,
  IFA_F_PERMANENT,
  newAddress,
  replaceAddress,
} from "netlink-ts/route/address.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, reencodesInTableOrder, truncates } from "../capture.ts";

describe("addressMessage", () => {
  // strace -e trace=recvmsg -e read=all ip -4 addr show dev lo   (flags and cache info left out)
  const loopback = hex(`
    02 08 80 fe  01 00 00 00   # ifaddrmsg: AF_INET, /8, permanent, host scope, ifindex 1
    08 00 01 00  7f 00 00 01   # IFA_ADDRESS
    08 00 02 00  7f 00 00 01   # IFA_LOCAL
    07 00 03 00  6c 6f 00 00   # IFA_LABEL "lo" and padding`);
  const v4 = capture("route/captures/address-v4");
  const peer = capture("route/captures/address-peer");
  const v6 = capture("route/captures/address-v6");

  it("decodes what ip adds", () => {
    deepEqual(addressMessage.parse(capture("route/captures/address-add")), {
      family: 2,
      prefixLength: 24,
      headerFlags: 0,
      scope: 0,
      ifindex: 2,
      address: hex("0a 01 00 05"),
      local: hex("0a 01 00 05"),
      broadcast: hex("0a 01 00 ff"),
      label: "eth0:1",
    });
  });
  it("decodes lifetimes and flags", () => {
    const { headerFlags, cacheInfo } = addressMessage.parse(
      capture("route/captures/address-add-v6"),
    );
    equal(headerFlags, IFA_F_NODAD);
    deepEqual(cacheInfo, { preferred: 500, valid: 1000, created: 0, updated: 0 });
  });
  it("decodes what the kernel shows", () => {
    const { label, flags, cacheInfo, unknown } = addressMessage.parse(v4);
    deepEqual(
      { label, flags, preferred: cacheInfo?.preferred, unknown },
      { label: "eth0:1", flags: IFA_F_PERMANENT, preferred: 0xffffffff, unknown: undefined },
    );
  });
  it("tells the link's own address from its peer's", () => {
    const { address, local } = addressMessage.parse(peer);
    deepEqual([local, address], [hex("0a 02 00 01"), hex("0a 02 00 02")]);
  });
  it("encodes what it decoded to the same bytes", () => {
    reencodes(addressMessage, loopback);
    reencodes(addressMessage, v4);
    reencodes(addressMessage, peer);
  });
  it("encodes IPv6, whose order is another, to the same values", () => {
    reencodesInTableOrder(addressMessage, v6);
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(addressMessage, loopback, [8, 16, 24, 31]);
    truncates(addressMessage, v4, [8, 16, 24, 32, 43, 44, 52]);
  });
  it("names the field and the offset of a bad length", () => {
    const bad = hex("02 18 00 00 01 00 00 00  07 00 01 00 0a 01 00 00");
    throws(() => addressMessage.parse(bad), {
      name: "DecodeError",
      message: "decode addr.address at byte 12: want 4 or 16 bytes, got 3",
    });
  });
  it("refuses a cache info that is too short", () => {
    const bad = hex("02 18 00 00 01 00 00 00  08 00 06 00 ff ff ff ff");
    throws(() => addressMessage.parse(bad), {
      name: "DecodeError",
      message: "decode addr.cacheInfo at byte 12: want 16 bytes, got 4",
    });
  });
  it("refuses to encode an address that is none", () => {
    throws(() => addressMessage.encode({ local: hex("0a 01 00") }), {
      name: "RangeError",
      message: "encode addr.local: want 4 or 16 bytes, got 3",
    });
  });
});

describe("newAddress, replaceAddress, deleteAddress, getAddress", () => {
  it("are what the kernel calls them", () => {
    deepEqual(
      [newAddress, replaceAddress, deleteAddress, getAddress].map(({ name, type, flags }) => [
        name,
        type,
        flags,
      ]),
      [
        ["RTM_NEWADDR", 20, 0x601],
        ["RTM_NEWADDR", 20, 0x501],
        ["RTM_DELADDR", 21, 0x001],
        ["RTM_GETADDR", 22, 0x001],
      ],
    );
  });
});
