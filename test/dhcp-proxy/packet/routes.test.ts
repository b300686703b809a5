import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "netlink-ts/testing/hex.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { formatCidr, formatIp } from "../../../core/net/address.ts";
import { decodeDomainSearch } from "../../../dhcp-proxy/packet/domain-search.ts";
import { decodeMessage } from "../../../dhcp-proxy/packet/message.ts";
import {
  decodeClasslessRoutes,
  decodeStaticRoutes,
  type PacketRoute,
} from "../../../dhcp-proxy/packet/routes.ts";
import { capturedPayload } from "./capture.ts";

const text = ({ destination, router }: PacketRoute) =>
  `${formatCidr(destination)} via ${formatIp(router)}`;
const { options } = decodeMessage(capturedPayload("dnsmasq-ack"));
const value = (code: number) => options.get(code) ?? new Uint8Array();

describe("decodeClasslessRoutes", () => {
  it("reads dnsmasq's", () => {
    deepEqual(decodeClasslessRoutes(value(121)).map(text), [
      "10.9.0.0/16 via 192.168.1.9",
      "0.0.0.0/0 via 192.168.1.1",
    ]);
  });

  // the examples of RFC 3442
  it("reads prefixes of every length", () => {
    const router = "01 02 03 04";
    const examples = `00 ${router} 08 0a ${router} 18 0a 00 00 ${router} 19 81 d2 b1 80 ${router}`;
    deepEqual(
      decodeClasslessRoutes(hex(examples)).map(({ destination }) => formatCidr(destination)),
      ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "129.210.177.128/25"],
    );
  });

  it("clears the bits behind a prefix", () => {
    deepEqual(decodeClasslessRoutes(hex("04 ff 00000000")).map(text), ["240.0.0.0/4 via 0.0.0.0"]);
  });

  it("refuses a length over 32, and an option that ends inside a route", () => {
    throws(() => decodeClasslessRoutes(hex("21 0a000000 00 01020304")), {
      message: "decode option 121[0].length at byte 0: want at most 32, got 33",
    });
    throws(() => decodeClasslessRoutes(hex("00 01020304 08 0a 0102")), {
      message: "decode option 121[1] at byte 7: want 4 bytes, got 2",
    });
  });
});

describe("decodeStaticRoutes", () => {
  it("reads dnsmasq's, by the classes of their destinations", () => {
    deepEqual(decodeStaticRoutes(value(33)).map(text), [
      "10.0.0.0/8 via 10.1.2.3",
      "192.168.1.0/24 via 192.168.2.3",
    ]);
  });

  it("knows class B, and takes what has no class for a host", () => {
    deepEqual(decodeStaticRoutes(hex("ac100500 0a000001 e0000009 0a000001")).map(text), [
      "172.16.0.0/16 via 10.0.0.1",
      "224.0.0.9/32 via 10.0.0.1",
    ]);
  });

  it("refuses half a route", () => {
    throws(() => decodeStaticRoutes(hex("0a000000")), {
      message: "decode option 33 at byte 0: want a multiple of 8 bytes, got 4",
    });
  });
});

describe("decodeDomainSearch", () => {
  it("reads dnsmasq's, one name of which points into the other", () => {
    deepEqual(decodeDomainSearch(value(119)), ["eng.example.net", "example.net"]);
  });

  const refusals: [what: string, bytes: string, message: RegExp][] = [
    ["a name without an end", "03 65 6e 67", /want a name's end, got the option's/],
    ["a label over the end", "09 65 6e 67", /want a label of 9 letters/],
    ["a pointer to itself", "c0 00", /want a pointer backwards, got 0/],
    ["a pointer forwards", "c0 05 00 00 00 00", /want a pointer backwards, got 5/],
    ["half a pointer", "01 61 c0", /want a name's end/],
    ["a label of another kind", "41 61 00", /want a label of at most 63 bytes, got 65/],
    ["a blank", "03 61 20 62 00", /letters and digits, got "a b"/],
    ["a line break", "03 61 0a 62 00", /letters and digits/],
  ];
  for (const [what, bytes, message] of refusals) {
    it(`refuses ${what}`, () => throws(() => decodeDomainSearch(hex(bytes)), { message }));
  }

  it("ends for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          for (const name of decodeDomainSearch(bytes)) equal(name.length <= 255, true);
        } catch (error) {
          equal(error instanceof DecodeError, true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
