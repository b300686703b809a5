import { deepEqual, equal, throws } from "node:assert/strict";
import { formatHex, hex } from "netlink-ts/testing/hex.ts";
import { type Codec, decode, encode } from "netlink-ts/wire/codec.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import * as scalars from "netlink-ts/wire/scalars.ts";

const {
  bytes,
  cstring,
  fixed,
  flag,
  i32,
  ip,
  mac,
  string,
  u8,
  u16,
  u16be,
  u32,
  u32be,
  u64,
  u64be,
} = scalars;

/** Expects a value and its bytes to belong to each other, on a little-endian machine. */
function pair<T>(codec: Codec<T>, value: T, text: string): void {
  it(`${typeof value} ${String(value)} is ${text}`, () => {
    equal(formatHex(encode(codec, value)), text);
    deepEqual(decode(codec, hex(text)), value);
  });
}

describe("u8, u16, u32, u64, i32", () => {
  pair(u8, 0xfe, "fe");
  pair(u16, 0x1234, "34 12");
  pair(u32, 0xfedcba98, "98 ba dc fe");
  pair(u64, 0x0123456789abcdefn, "ef cd ab 89  67 45 23 01");
  pair(i32, -17, "ef ff ff ff");
});

describe("u16be, u32be, u64be", () => {
  pair(u16be, 0x1234, "12 34");
  pair(u32be, 0xfedcba98, "fe dc ba 98");
  pair(u64be, 0x0123456789abcdefn, "01 23 45 67  89 ab cd ef");
});

describe("encode", () => {
  const refusals: [string, () => unknown, string][] = [
    ["u8", () => encode(u8, 256), "encode: want 0 to 255, got 256"],
    ["u8, a fraction", () => encode(u8, 0.5), "encode: want 0 to 255, got 0.5"],
    ["u16", () => encode(u16, -1), "encode: want 0 to 65535, got -1"],
    ["u32", () => encode(u32, 2 ** 32), "encode: want 0 to 4294967295, got 4294967296"],
    ["u32, not a number", () => encode(u32be, Number.NaN), "encode: want 0 to 4294967295, got NaN"],
    ["u64", () => encode(u64, -1n), "encode: want 0 to 18446744073709551615, got -1"],
    ["i32", () => encode(i32, 2 ** 31), "encode: want -2147483648 to 2147483647, got 2147483648"],
    ["ip", () => encode(ip, new Uint8Array(5)), "encode: want 4 or 16 bytes, got 5"],
    ["mac", () => encode(mac, new Uint8Array(4)), "encode: want 6, 8 or 20 bytes, got 4"],
    ["fixed", () => encode(fixed(2), new Uint8Array(3)), "encode: want at most 2 bytes, got 3"],
    ["text", () => encode(cstring, "a\0b"), 'encode: want text without NUL, got "a\\u0000b"'],
  ];
  for (const [name, run, message] of refusals) {
    it(`refuses what does not fit: ${name}`, () => throws(run, { name: "RangeError", message }));
  }
});

describe("decode", () => {
  it("refuses fewer bytes than a number has", () => {
    throws(() => decode(u32, hex("01 02 03")), {
      name: "DecodeError",
      message: "decode at byte 0: want 4 bytes, got 3",
    });
  });
  it("refuses bytes that are left over", () => {
    throws(() => decode(u16, hex("01 02 03")), DecodeError);
  });
  it("refuses an address of another length", () => {
    throws(() => decode(ip, hex("0a 01 00")), {
      message: "decode at byte 0: want 4 or 16 bytes, got 3",
    });
  });
});

describe("cstring", () => {
  it("closes with NUL", () => equal(formatHex(encode(cstring, "lo")), "6c 6f 00"));
  it("stops at the first NUL", () => equal(decode(cstring, hex("6c 6f 00 78 00")), "lo"));
  it("takes text without NUL", () => equal(decode(cstring, hex("6c 6f")), "lo"));
  it("is UTF-8", () => equal(decode(cstring, encode(cstring, "größe ✓")), "größe ✓"));
});

describe("string", () => {
  it("has no NUL", () => equal(formatHex(encode(string, "veth")), "76 65 74 68"));
});

describe("bytes, fixed, flag", () => {
  it("takes all there is", () => deepEqual(decode(bytes, hex("01 02")), hex("01 02")));
  it("fills up with zeroes", () => equal(formatHex(encode(fixed(4), hex("01"))), "01 00 00 00"));
  it("says something by being there", () => equal(decode(flag, new Uint8Array()), true));
});
