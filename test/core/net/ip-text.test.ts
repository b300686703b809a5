import { deepEqual, equal } from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";

import { ipBytes, ipText } from "../../../core/net/ip-text.ts";

/** Mostly zeros, so that gaps of every kind come up. */
const addressBytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
const mask = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
const sparse = fc
  .tuple(addressBytes, mask)
  .map(([bytes, kept]) => bytes.map((byte, at) => (kept[at >> 1] ? byte : 0)));

/** The URL parser of Node writes IPv6 canonically. */
const canonical = (text: string) => new URL(`http://[${text}]/`).hostname.slice(1, -1);

describe("ipText", () => {
  it("writes IPv6 as a URL parser does", () => {
    fc.assert(
      fc.property(sparse, (bytes) => {
        const text = ipText(bytes);
        equal(text, canonical(text));
      }),
    );
  });

  it("is read back to the same bytes", () => {
    fc.assert(fc.property(sparse, (bytes) => deepEqual(ipBytes(ipText(bytes)), bytes)));
  });
});

describe("ipBytes", () => {
  it("reads every spelling of IPv6", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        equal(ipText(ipBytes(text) as Uint8Array), canonical(text));
      }),
    );
  });

  it("reads IPv4", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        deepEqual(ipBytes(text), Uint8Array.from(text.split("."), Number));
      }),
    );
  });

  it("reads a dotted tail", () => {
    fc.assert(
      fc.property(fc.ipV4(), (tail) => {
        const expected = [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...(ipBytes(tail) as Uint8Array)];
        deepEqual(ipBytes(`102::${tail}`), Uint8Array.from(expected));
      }),
    );
  });

  it("takes what Node's own check takes, and nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123.:afxg/ ") }), (text) => {
        equal(ipBytes(text) !== undefined, isIP(text) !== 0);
      }),
      { numRuns: 5000 },
    );
  });
});
