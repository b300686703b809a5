import { deepEqual, equal, throws } from "node:assert/strict";
import {
  broadcast,
  compareIp,
  contains,
  formatCidr,
  formatIp,
  formatMac,
  isIpv4,
  lastAddress,
  network,
  nextIp,
  parseCidr,
  parseIp,
  parseMac,
  previousIp,
} from "../../../core/net/address.ts";

describe("parseIp", () => {
  it("reads IPv4 into 4 bytes", () => {
    deepEqual(parseIp("10.1.0.255"), Uint8Array.of(10, 1, 0, 255));
  });

  it("reads IPv6 into 16 bytes", () => {
    const bytes = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    deepEqual(parseIp("2001:DB8::1"), bytes);
  });

  it("takes an IPv4-mapped address for the IPv4 address", () => {
    deepEqual(parseIp("::ffff:10.1.2.3"), Uint8Array.of(10, 1, 2, 3));
    deepEqual(parseIp("::FFFF:a01:203"), Uint8Array.of(10, 1, 2, 3));
  });

  it("does not take an IPv4-compatible address for a mapped one", () => {
    equal(formatIp(parseIp("::10.1.2.3")), "::a01:203");
  });

  // Each is refused by Go's net.ParseIP; several are read by inet_aton or by a lenient parser.
  const refused = [
    ..."01.2.3.4|1.2.3.04|1.2.3|1|0x1.2.3.4|1.2.3.256|1.2.3.4.5|1.2.3.4 |-1.2.3.4|1..2.3|::1%eth0".split(
      "|",
    ),
    ..."|:|:::|1::2::3|1:2:3:4:5:6:7|1:2:3:4:5:6:7:8:9|1:2:3:4:5:6:7::8|12345::|g::|::1.2.3|::01.2.3.4".split(
      "|",
    ),
    ..."1.2.3.4::|::1.2.3.4:5|[::1]|fe80::1/64|1:|:1|1:2:3:4:5:6:7:1.2.3.4|::1.2.3.256".split("|"),
  ];
  for (const text of refused) {
    it(`refuses "${text}"`, () => {
      throws(() => parseIp(text), { message: `want an IP address, got "${text}"` });
    });
  }

  it("refuses text of any length at once", () => {
    throws(() => parseIp(":".repeat(1_000_000)), /want an IP address/);
  });
});

describe("formatIp", () => {
  const rfc5952: [string, string][] = [
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["ABCD:EF01::", "abcd:ef01::"],
    ["10:0:0:100:0:0:0:10", "10:0:0:100::10"],
  ];
  for (const [given, canonical] of rfc5952) {
    it(`writes ${given} as ${canonical}`, () => equal(formatIp(parseIp(given)), canonical));
  }

  it("writes mapped bytes as IPv4", () => {
    const bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1);
    equal(formatIp(bytes), "192.0.2.1");
  });
});

describe("parseCidr", () => {
  it("keeps host bits", () => {
    deepEqual(parseCidr("10.1.2.3/24"), { address: Uint8Array.of(10, 1, 2, 3), length: 24 });
    equal(formatCidr(parseCidr("3FFE:ffff:0:1ff::1/64")), "3ffe:ffff:0:1ff::1/64");
  });

  it("takes a mapped prefix of 96 bits and more for the IPv4 prefix", () => {
    equal(formatCidr(parseCidr("::ffff:10.1.2.3/120")), "10.1.2.3/24");
  });

  for (const text of [
    "10.1.2.3",
    "10.1.2.3/",
    "10.1.2.3/33",
    "::1/129",
    "10.1.2.3/-1",
    "10.1.2/24",
    "/24",
  ]) {
    it(`refuses "${text}"`, () => {
      throws(() => parseCidr(text), {
        message: `want an IP address with a prefix length, got "${text}"`,
      });
    });
  }

  for (const text of ["::ffff:10.1.2.3/64", "10.1.2.3/24/8", "10.1.2.3/ 8", "fe80::1%eth0/64"]) {
    it(`refuses "${text}"`, () => throws(() => parseCidr(text)));
  }
});

describe("prefixes", () => {
  it("clears the host bits for the network", () => {
    equal(formatCidr(network(parseCidr("10.1.2.3/23"))), "10.1.2.0/23");
    equal(formatCidr(network(parseCidr("2001:db8::ff/121"))), "2001:db8::80/121");
    equal(formatCidr(network(parseCidr("10.1.2.3/0"))), "0.0.0.0/0");
  });

  it("sets the host bits for the broadcast address", () => {
    equal(formatIp(broadcast(parseCidr("192.168.1.0/29"))), "192.168.1.7");
    equal(formatIp(broadcast(parseCidr("2001:db8::/64"))), "2001:db8::ffff:ffff:ffff:ffff");
  });

  it("ends hosts before the broadcast address in IPv4 alone", () => {
    equal(formatIp(lastAddress(parseCidr("10.1.2.0/24"))), "10.1.2.254");
    equal(formatIp(lastAddress(parseCidr("10.1.2.0/25"))), "10.1.2.126");
    equal(formatIp(lastAddress(parseCidr("10.1.2.4/31"))), "10.1.2.5");
    equal(formatIp(lastAddress(parseCidr("2001:db8::/64"))), "2001:db8::ffff:ffff:ffff:ffff");
  });

  it("knows which addresses lie inside", () => {
    equal(contains(parseCidr("10.1.2.9/29"), parseIp("10.1.2.15")), true);
    equal(contains(parseCidr("10.1.2.9/29"), parseIp("10.1.2.16")), false);
    equal(contains(parseCidr("0.0.0.0/0"), parseIp("::")), false);
  });
});

describe("nextIp and previousIp", () => {
  it("carry over bytes", () => {
    equal(formatIp(nextIp(parseIp("192.168.0.255"))), "192.168.1.0");
    equal(formatIp(previousIp(parseIp("192.168.1.0"))), "192.168.0.255");
    equal(formatIp(nextIp(parseIp("AB12::FFFF"))), "ab12::1:0");
  });

  it("wrap at the ends", () => {
    equal(formatIp(nextIp(parseIp("255.255.255.255"))), "0.0.0.0");
    equal(formatIp(previousIp(parseIp("::"))), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  });

  it("leave their argument as it was", () => {
    const ip = parseIp("10.0.0.1");
    nextIp(ip);
    equal(formatIp(ip), "10.0.0.1");
  });
});

describe("compareIp", () => {
  it("orders as numbers, IPv4 before IPv6", () => {
    equal(compareIp(parseIp("10.0.0.2"), parseIp("10.0.0.10")) < 0, true);
    equal(compareIp(parseIp("10.0.1.0"), parseIp("10.0.0.255")) > 0, true);
    equal(compareIp(parseIp("::1"), parseIp("::1")), 0);
    equal(compareIp(parseIp("255.0.0.0"), parseIp("::")) < 0, true);
  });
});

describe("isIpv4", () => {
  it("goes by the number of bytes", () => {
    equal(isIpv4(parseIp("10.0.0.1")), true);
    equal(isIpv4(parseIp("::1")), false);
  });
});

describe("parseMac", () => {
  for (const text of ["02:00:5E:10:00:01", "02-00-5e-10-00-01", "0200.5e10.0001", "02005e100001"]) {
    it(`reads ${text}`, () => equal(formatMac(parseMac(text)), "02:00:5e:10:00:01"));
  }

  it("reads the 20 bytes of InfiniBand", () => {
    equal(parseMac(Array(20).fill("0a").join(":")).length, 20);
  });

  for (const text of [
    "",
    "02:00:5e:10:00",
    "02:00:5e:10:00:1",
    "02:00-5e:10:00:01",
    "02005e10000",
    "g2:00:5e:10:00:01",
  ]) {
    it(`refuses "${text}"`, () => {
      throws(() => parseMac(text), { message: `want a MAC address, got "${text}"` });
    });
  }
});
