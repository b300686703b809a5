import { deepEqual, equal, throws } from "node:assert/strict";
import { formatHex, hex } from "netlink-ts/testing/hex.ts";
import { decode, encode } from "netlink-ts/wire/codec.ts";
import { cstring, u8, u16, u32be } from "netlink-ts/wire/scalars.ts";
import { padding, struct } from "netlink-ts/wire/struct.ts";

describe("struct", () => {
  const header = struct({ family: u8, _: padding(1), type: u16, address: u32be });

  it("encodes fields in order, padding as zeroes", () => {
    equal(
      formatHex(encode(header, { family: 2, _: undefined, type: 3, address: 4 })),
      "02 00 03 00  00 00 00 04",
    );
  });
  it("encodes a field left out as zeroes", () => {
    equal(formatHex(encode(header, { type: 3 } as never)), "00 00 03 00  00 00 00 00");
  });
  it("decodes without the padding", () => {
    deepEqual(decode(header, hex("02 ff 03 00 00 00 00 04")), { family: 2, type: 3, address: 4 });
  });
  it("knows its size", () => equal(header.size, 8));
  it("names the field that does not fit", () => {
    throws(() => encode(header, { family: 300 } as never), {
      name: "RangeError",
      message: "encode family: want 0 to 255, got 300",
    });
  });
  it("says how many bytes are missing", () => {
    throws(() => decode(header, hex("02 00 03")), {
      name: "DecodeError",
      message: "decode at byte 0: want 8 bytes, got 3",
    });
  });
  it("refuses a field without a fixed size", () => {
    throws(() => struct({ name: cstring }), {
      name: "TypeError",
      message: 'struct field "name" has no fixed size',
    });
  });
});
