import { deepEqual, equal, throws } from "node:assert/strict";
import { formatHex, hex } from "netlink-ts/testing/hex.ts";

describe("hex", () => {
  it("reads bytes and steps over space and comments", () => {
    deepEqual(hex("08 00 0100   # ab cd\n7F"), new Uint8Array([8, 0, 1, 0, 0x7f]));
  });
  it("refuses half a byte", () => {
    throws(() => hex("08 0"), { name: "SyntaxError", message: "want whole bytes, got 3 digits" });
  });
  it("refuses what is no digit", () => {
    throws(() => hex("08 0g"), {
      name: "SyntaxError",
      message: 'want hexadecimal digits, got "g"',
    });
  });
});

describe("formatHex", () => {
  it("writes four bytes a group and sixteen a line", () => {
    equal(formatHex(new Uint8Array(18)), `${"00 00 00 00  ".repeat(4).trim()}\n00 00`);
  });
});
