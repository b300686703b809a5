import { deepEqual, equal, throws } from "node:assert/strict";
import { formatIp, parseCidr, parseIp } from "../../../core/net/address.ts";
import type { RangeConfig } from "../../../ipam/host-local/config.ts";
import {
  candidates,
  completeRange,
  completeRangeSet,
  formatRangeSet,
  pairs,
  rangeOf,
  setsOverlap,
  unusableAddresses,
} from "../../../ipam/host-local/range.ts";

const range = (
  subnet: string,
  rangeStart?: string,
  rangeEnd?: string,
  gateway?: string,
): RangeConfig => ({
  subnet: parseCidr(subnet),
  rangeStart: rangeStart === undefined ? undefined : parseIp(rangeStart),
  rangeEnd: rangeEnd === undefined ? undefined : parseIp(rangeEnd),
  gateway: gateway === undefined ? undefined : parseIp(gateway),
});
const set = (...subnets: string[]) => completeRangeSet(subnets.map((subnet) => range(subnet)));
const texts = (ips: Iterable<Uint8Array>) => [...ips].map(formatIp);

describe("completeRange", () => {
  const defaults: [string, string, string, string][] = [
    ["10.1.2.0/24", "10.1.2.1", "10.1.2.254", "10.1.2.1"],
    ["10.1.2.0/25", "10.1.2.1", "10.1.2.126", "10.1.2.1"],
    ["10.1.2.4/30", "10.1.2.5", "10.1.2.6", "10.1.2.5"],
    ["2001:db8:1::/64", "2001:db8:1::1", "2001:db8:1:0:ffff:ffff:ffff:ffff", "2001:db8:1::1"],
  ];
  for (const [subnet, start, end, gateway] of defaults) {
    it(`fills in what ${subnet} leaves out`, () => {
      const complete = completeRange(range(subnet));
      equal(formatIp(complete.start), start);
      equal(formatIp(complete.end), end);
      equal(formatIp(complete.gateway), gateway);
    });
  }

  it("keeps a gateway outside the bounds", () => {
    const complete = completeRange(range("10.1.2.0/24", "10.1.2.9", "10.1.2.20", "10.1.2.30"));
    equal(formatIp(complete.gateway), "10.1.2.30");
  });

  const refused: [string, RangeConfig, string][] = [
    ["/31", range("10.1.2.0/31"), "Network 10.1.2.0/31 too small to allocate from"],
    ["/32", range("10.1.2.3/32"), "Network 10.1.2.3/32 too small to allocate from"],
    ["/127", range("2001:db8::/127"), "Network 2001:db8::/127 too small to allocate from"],
    [
      "host bits",
      range("192.0.2.12/24"),
      "Network has host bits set. For a subnet mask of length 24 the network address is 192.0.2.0",
    ],
    [
      "host bits beyond the third octet",
      range("192.168.127.0/23"),
      "Network has host bits set. For a subnet mask of length 23 the network address is 192.168.126.0",
    ],
    [
      "IPv6 host bits",
      range("2001:db8:1:19ff::/63"),
      "Network has host bits set. For a subnet mask of length 63 the network address is 2001:db8:1:19fe::",
    ],
    [
      "a start outside",
      range("10.1.2.0/24", "10.1.3.1"),
      "RangeStart 10.1.3.1 not in network 10.1.2.0/24",
    ],
    [
      "an end outside",
      range("10.1.2.0/24", undefined, "10.1.3.1"),
      "RangeEnd 10.1.3.1 not in network 10.1.2.0/24",
    ],
    [
      "a start after the end",
      range("10.1.2.0/24", "10.1.2.20", "10.1.2.9"),
      "RangeStart 10.1.2.20 not in network 10.1.2.0/24",
    ],
    [
      "a start of the other family",
      range("10.1.2.0/24", "2001:db8::5"),
      "RangeStart 2001:db8::5 not in network 10.1.2.0/24",
    ],
  ];
  for (const [what, config, message] of refused) {
    it(`refuses ${what}`, () => {
      throws(() => completeRange(config), { message });
    });
  }
});

describe("completeRangeSet", () => {
  it("refuses an empty set", () => {
    throws(() => completeRangeSet([]), { message: "empty range set" });
  });

  it("refuses IPv4 beside IPv6", () => {
    throws(() => set("10.1.2.0/24", "2001:db8::/64"), { message: "mixed address families" });
  });

  it("refuses ranges that share addresses", () => {
    throws(() => set("10.1.2.0/24", "10.1.2.128/25"), {
      message: "subnets 10.1.2.1-10.1.2.254 and 10.1.2.129-10.1.2.254 overlap",
    });
  });

  it("takes two parts of one subnet", () => {
    const two = completeRangeSet([
      range("10.1.2.0/24", "10.1.2.10", "10.1.2.20"),
      range("10.1.2.0/24", "10.1.2.21", "10.1.2.30"),
    ]);
    equal(formatRangeSet(two), "10.1.2.10-10.1.2.20,10.1.2.21-10.1.2.30");
  });
});

describe("setsOverlap", () => {
  it("goes by addresses, not subnets", () => {
    const low = completeRangeSet([range("10.1.2.0/24", "10.1.2.10", "10.1.2.20")]);
    const high = completeRangeSet([range("10.1.2.0/24", "10.1.2.21", "10.1.2.30")]);
    const both = completeRangeSet([range("10.1.2.0/24", "10.1.2.20", "10.1.2.21")]);
    equal(setsOverlap(low, high), false);
    equal(setsOverlap(low, both), true);
    equal(setsOverlap(both, high), true);
  });

  it("is never true across families", () => {
    equal(setsOverlap(set("0.0.0.0/24"), set("::/24")), false);
  });

  it("sees a set inside another", () => {
    equal(setsOverlap(set("10.1.0.0/16"), set("10.1.2.0/24")), true);
    equal(setsOverlap(set("10.1.2.0/24"), set("10.1.0.0/16")), true);
  });
});

describe("pairs", () => {
  it("has every two once", () => {
    deepEqual(pairs([1, 2, 3]), [
      [1, 2],
      [1, 3],
      [2, 3],
    ]);
  });
});

describe("rangeOf", () => {
  it("includes both bounds", () => {
    const bounded = completeRangeSet([range("10.1.2.0/24", "10.1.2.9", "10.1.2.20")]);
    equal(rangeOf(bounded, parseIp("10.1.2.9")), bounded[0]);
    equal(rangeOf(bounded, parseIp("10.1.2.20")), bounded[0]);
    equal(rangeOf(bounded, parseIp("10.1.2.8")), undefined);
    equal(rangeOf(bounded, parseIp("10.1.2.21")), undefined);
  });
});

describe("candidates", () => {
  it("go from the start to the end without a last one", () => {
    deepEqual(texts(candidates(set("10.0.0.0/29"), undefined)), [
      "10.0.0.1",
      "10.0.0.2",
      "10.0.0.3",
      "10.0.0.4",
      "10.0.0.5",
      "10.0.0.6",
    ]);
  });

  it("go round from the one after the last, the last one at the end", () => {
    deepEqual(texts(candidates(set("10.0.0.0/29"), parseIp("10.0.0.3"))), [
      "10.0.0.4",
      "10.0.0.5",
      "10.0.0.6",
      "10.0.0.1",
      "10.0.0.2",
      "10.0.0.3",
    ]);
  });

  it("begin anew when the last one was the end", () => {
    const [first] = texts(candidates(set("10.0.0.0/29"), parseIp("10.0.0.6")));
    equal(first, "10.0.0.1");
  });

  it("begin at the start when the last one lies outside", () => {
    const [first] = texts(candidates(set("10.0.0.0/29"), parseIp("10.9.9.9")));
    equal(first, "10.0.0.1");
  });

  it("go over all ranges and wrap", () => {
    const three = set("10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30");
    deepEqual(texts(candidates(three, parseIp("10.0.1.1"))), [
      "10.0.1.2",
      "10.0.2.1",
      "10.0.2.2",
      "10.0.0.1",
      "10.0.0.2",
      "10.0.1.1",
    ]);
    const [next] = texts(candidates(three, parseIp("10.0.2.2")));
    equal(next, "10.0.0.1");
  });

  it("of one address are that address", () => {
    const one = completeRangeSet([range("10.0.0.0/24", "10.0.0.7", "10.0.0.7")]);
    deepEqual(texts(candidates(one, undefined)), ["10.0.0.7"]);
    deepEqual(texts(candidates(one, parseIp("10.0.0.7"))), ["10.0.0.7"]);
  });

  it("end at the very last address there is", () => {
    const top = completeRangeSet([range("255.255.255.0/24", "255.255.255.253", "255.255.255.255")]);
    deepEqual(texts(candidates(top, undefined)), [
      "255.255.255.253",
      "255.255.255.254",
      "255.255.255.255",
    ]);
  });
});

describe("unusableAddresses", () => {
  it("are gateways, network and broadcast addresses, also where the bounds include them", () => {
    const wide = completeRangeSet([range("10.0.0.0/29", "10.0.0.0", "10.0.0.7", "10.0.0.4")]);
    deepEqual(Object.fromEntries(unusableAddresses([wide])), {
      "10.0.0.0": "subnet's network address",
      "10.0.0.4": "subnet's gateway",
      "10.0.0.7": "subnet's broadcast address",
    });
  });

  it("have no broadcast address in IPv6", () => {
    deepEqual([...unusableAddresses([set("2001:db8::/64")]).keys()], ["2001:db8::", "2001:db8::1"]);
  });
});
