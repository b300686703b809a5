import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { fuzz } from "netlink-ts/testing/fuzz.ts";
import { formatHex, hex } from "netlink-ts/testing/hex.ts";
import { truncations } from "netlink-ts/testing/truncation.ts";
import { formatIp } from "../../../core/net/address.ts";
import { duidOf } from "../../../dhcp-proxy/packet6/duid.ts";
import { decodeMessage6, encodeMessage6 } from "../../../dhcp-proxy/packet6/message.ts";
import {
  iaNaOption,
  option6,
  optionValue,
  readDnsServers,
  readDomainSearch6,
  readIaNas,
  readStatus,
} from "../../../dhcp-proxy/packet6/options.ts";
import { captured, captureNames } from "./capture.ts";

const codec = { parse: decodeMessage6, encode: encodeMessage6 };
const withOptions = (text: string) => decodeMessage6(hex(`07 00 00 01 ${text}`)).options;

describe("decodeMessage6", () => {
  it("reads a Reply of dnsmasq", () => {
    const { type, xid, options } = decodeMessage6(captured("dnsmasq-reply"));
    deepEqual([type, xid], [7, 0x15368d]);
    const [association] = readIaNas(options);
    deepEqual(
      [association?.iaid, association?.renewSeconds, association?.rebindSeconds],
      [1, 60, 105],
    );
    const [address] = association?.addresses ?? [];
    equal(formatIp(address?.address ?? new Uint8Array(16)), "fd00::14");
    deepEqual([address?.preferredSeconds, address?.validSeconds], [120, 120]);
    deepEqual(readStatus(options), { code: 0, message: "success" });
    deepEqual(readDnsServers(options).map(formatIp), ["fd00::53", "2001:db8::53"]);
    deepEqual(readDomainSearch6(options), ["example.net"]);
    ok(optionValue(options, option6.rapidCommit) !== undefined);
  });

  it("keeps options that stand twice apart", () => {
    deepEqual(
      withOptions("0063 0001 01  0063 0001 02").map(({ value }) => [...value]),
      [[1], [2]],
    );
  });

  it("reads the status inside an association", () => {
    const [association] = readIaNas(
      withOptions("0003 0014 00000001 00000000 00000000 000d 0004 0002 6e6f"),
    );
    deepEqual(association?.status, { code: 2, message: "no" });
  });

  const refusals: [what: string, bytes: string, message: RegExp][] = [
    ["no message", "", /decode dhcp6 at byte 0/],
    ["half a transaction id", "07 00 00", /decode dhcp6 at byte 2/],
    ["a relay's", "0d 00 00 00", /want a message of a server, got a relay's: 13/],
    [
      "an option over the end",
      "07 00 00 01 0001 0002 00",
      /dhcp6.option 1 at byte 4: want 2 bytes, got 1/,
    ],
    ["half an option's head", "07 00 00 01 0001 00", /dhcp6 at byte 6/],
  ];
  for (const [what, bytes, message] of refusals) {
    it(`refuses ${what}`, () => throws(() => decodeMessage6(hex(bytes)), { message }));
  }

  it("refuses values that are too short for their fields, by name", () => {
    throws(() => readIaNas(withOptions("0003 0004 00000001")), { message: /option 3 at byte 4/ });
    const short = "0003 0014 00000001 00000000 00000000 0005 0004 fd000000";
    throws(() => readIaNas(withOptions(short)), { message: /decode option 3.option 5 at byte 0/ });
    throws(() => readStatus(withOptions("000d 0001 00")), { message: /option 13/ });
    throws(() => readDnsServers(withOptions("0017 0001 00")), {
      message: "decode option 23 at byte 0: want a multiple of 16 bytes, got 1",
    });
  });

  for (const name of captureNames) {
    it(`reads ${name} and writes it again, and knows its truncations`, () => {
      const bytes = captured(name);
      equal(formatHex(encodeMessage6(decodeMessage6(bytes))), formatHex(bytes));
      const { refused, accepted } = truncations(codec, bytes);
      ok(refused.includes(3) && accepted.includes(4) && refused.length > accepted.length);
    });
  }

  it("survives what is done to captures", () => {
    const { accepted, refused } = fuzz(codec, captureNames.map(captured), { rounds: 5000 });
    ok(accepted > 500 && refused > 500, `${accepted} accepted, ${refused} refused`);
  });
});

describe("iaNaOption", () => {
  it("writes what is read", () => {
    const address = { address: new Uint8Array(16).fill(9), preferredSeconds: 1, validSeconds: 2 };
    const association = { iaid: 7, renewSeconds: 3, rebindSeconds: 4, addresses: [address] };
    deepEqual(readIaNas([iaNaOption(association)]), [association]);
  });
});

describe("duidOf", () => {
  it("is one UUID for an attachment, another for any other", () => {
    const attachment = { containerId: "c1", network: "lan", ifname: "eth0" };
    equal(
      formatHex(duidOf(attachment)),
      "00 04 a4 8f  c6 2b cf e4  8c 63 ab ee  d6 b6 a9 0e\nff a5",
    );
    ok(formatHex(duidOf({ ...attachment, ifname: "eth1" })) !== formatHex(duidOf(attachment)));
  });
});
