import { deepEqual, throws } from "node:assert/strict";
import { truncations } from "netlink-ts/testing/truncation.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";

describe("truncations", () => {
  it("tells what was refused from what was accepted", () => {
    const even = {
      parse(bytes: Uint8Array) {
        if (bytes.length % 2 !== 0) throw new DecodeError("", 0, "odd");
        return bytes;
      },
      encode: (bytes: Uint8Array) => bytes,
    };
    deepEqual(truncations(even, new Uint8Array(4)), { accepted: [0, 2], refused: [1, 3] });
  });
  it("reports any other error with its input", () => {
    const broken = {
      parse(): never {
        throw new TypeError("oops");
      },
      encode: () => new Uint8Array(),
    };
    throws(() => truncations(broken, new Uint8Array(2)), { message: /^prefix of 0 bytes/ });
  });
  it("reports a prefix that decodes to more than it holds", () => {
    const wide = { parse: () => 0, encode: () => new Uint8Array(8) };
    throws(() => truncations(wide, new Uint8Array(2)), {
      message: /^prefix of 0 bytes decodes to 8/,
    });
  });
});
