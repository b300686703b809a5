import { deepEqual, equal, throws } from "node:assert/strict";
import { formatHex, hex } from "netlink-ts/testing/hex.ts";
import { attributes, selectedBy } from "netlink-ts/wire/attributes.ts";
import { message } from "netlink-ts/wire/message.ts";
import { u8, u16, u32 } from "netlink-ts/wire/scalars.ts";
import { struct } from "netlink-ts/wire/struct.ts";

const probe = message(
  "probe",
  struct({ family: u8, length: u16 }),
  attributes({
    mtu: [4, u32],
    data: [5, selectedBy("family", { 7: attributes({ port: [1, u8] }) })],
  }),
);

describe("message", () => {
  it("pads its header to four bytes", () => {
    equal(formatHex(probe.encode({ family: 2, mtu: 1 })), "02 00 00 00  08 00 04 00  01 00 00 00");
    equal(probe.headerSize, 4);
  });
  it("puts header and attributes into one object", () => {
    deepEqual(probe.parse(hex("02 03 00 00 08 00 04 00 01 00 00 00")), {
      family: 2,
      length: 3,
      mtu: 1,
    });
  });
  it("needs no attributes, nor the header's padding", () => {
    deepEqual(probe.parse(hex("02 03 00")), { family: 2, length: 3 });
  });
  it("lets a header field select a payload", () => {
    const bytes = hex("07 00 00 00  0c 00 05 80  05 00 01 00 09 00 00 00");
    deepEqual(probe.parse(bytes), { family: 7, length: 0, data: { port: 9 } });
    deepEqual(probe.encode(probe.parse(bytes)), bytes);
  });
  it("stands first in the path of an error", () => {
    throws(() => probe.parse(hex("07 00 00 00  0a 00 05 80  06 00 01 00 09 00")), {
      message: "decode probe.data.port at byte 12: want 1 bytes, got 2",
    });
    throws(() => probe.parse(hex("07")), {
      message: "decode probe at byte 0: want 3 bytes, got 1",
    });
    throws(() => probe.encode({ length: -1 }), {
      message: "encode probe.length: want 0 to 65535, got -1",
    });
  });
});

describe("message.pick", () => {
  it("decodes its header and the picked attributes", () => {
    const bytes = probe.encode({ family: 2, mtu: 1, data: hex("01") });
    deepEqual(probe.pick("mtu").parse(bytes), { family: 2, length: 0, mtu: 1 });
  });
});
