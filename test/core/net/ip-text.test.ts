import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import ipaddr from "ipaddr.js";

import { ipBytes, ipText } from "../../../core/net/ip-text.ts";

/** Mostly zeros, so that gaps of every kind come up. */
const addressBytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
const mask = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
const sparse = fc
  .tuple(addressBytes, mask)
  .map(([bytes, kept]) => bytes.map((byte, at) => (kept[at >> 1] ? byte : 0)));

describe("ipText", () => {
  it("writes IPv6 as ipaddr.js does", () => {
    fc.assert(
      fc.property(sparse, (bytes) => {
        equal(ipText(bytes), new ipaddr.IPv6([...bytes]).toRFC5952String());
      }),
    );
  });

  it("is read back to the same bytes", () => {
    fc.assert(fc.property(sparse, (bytes) => deepEqual(ipBytes(ipText(bytes)), bytes)));
  });
});

describe("ipBytes", () => {
  it("reads every spelling of IPv6 that ipaddr.js reads", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        if (text.includes(".")) return;
        deepEqual(ipBytes(text), Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()));
      }),
    );
  });

  it("reads IPv4 as ipaddr.js does", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        deepEqual(ipBytes(text), Uint8Array.from(ipaddr.IPv4.parse(text).octets));
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

  it("survives any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123.:afg/ ") }), (text) => {
        const bytes = ipBytes(text);
        if (bytes !== undefined) equal(ipaddr.isValid(text), true);
      }),
    );
  });
});
