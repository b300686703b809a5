import { equal } from "node:assert/strict";
import type { Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { match } from "netlink-ts/nftables/expr/xtables.ts";
import { NFPROTO_IPV4 } from "netlink-ts/nftables/nfgenmsg.ts";
import { type Matches, Traveller } from "../../../core/nft/rule-match.ts";
import {
  ctEstablished,
  ctStatusDnat,
  iif,
  iifname,
  ip6Saddr,
  ipDaddr,
  ipSaddr,
  ipv4,
  ipv6,
  is,
  isNot,
  l4proto,
  oifname,
  type Statement,
  setMarkBit,
} from "../../../core/nft/statements.ts";

const packet = {
  family: NFPROTO_IPV4,
  source: new Uint8Array([10, 1, 0, 5]),
  iifname: "br0",
  state: 8,
  mark: 0x1000,
};

function matches(...statements: Statement[]): Matches {
  const traveller = new Traveller(packet);
  let all: Matches = true;
  for (const expression of statements.flat()) {
    const one = traveller.matches(expression as Expression);
    if (one === false) return false;
    if (one === undefined) all = undefined;
  }
  return all;
}

const name = (text: string): number[] => [...new TextEncoder().encode(text.padEnd(16, "\0"))];

describe("Traveller", () => {
  const cases: [string, Matches, Statement[]][] = [
    ["its family", true, [ipv4]],
    ["not another family", false, [ipv6]],
    ["its source", true, [is(ipSaddr, 10, 1, 0, 5)]],
    ["not another source", false, [is(ipSaddr, 10, 1, 0, 6)]],
    ["anything but another source", true, [isNot(ipSaddr, 10, 1, 0, 6)]],
    ["perhaps a destination", undefined, [is(ipDaddr, 10, 1, 0, 5)]],
    ["perhaps what lies beyond its addresses", undefined, [is(ip6Saddr, 1)]],
    ["its link", true, [is(iifname, ...name("br0"))]],
    ["not another link", false, [is(iifname, ...name("br1"))]],
    ["perhaps a link that it is not told", undefined, [is(oifname, ...name("br0"))]],
    ["not the loopback link, although it is not told", false, [is(oifname, ...name("lo"))]],
    ["not the loopback link by its number", false, [is(iif, 1, 0, 0, 0)]],
    ["not what is translated", false, [ctStatusDnat]],
    ["perhaps a protocol", undefined, [is(l4proto, 6)]],
    ["not what is established", false, [ctEstablished]],
    ["not, whatever else is unknown", false, [is(l4proto, 6), ipv6]],
    ["with a mark that it was given", true, [setMarkBit(0x2000)]],
  ];
  for (const [what, wanted, statements] of cases) {
    it(`matches ${what}`, () => equal(matches(...statements), wanted));
  }

  const conntrack = (mask: number, invert = 0, flags = 1): Statement => {
    const info = new Uint8Array(192);
    const view = new DataView(info.buffer);
    view.setUint16(146, flags, true);
    view.setUint16(148, invert, true);
    view.setUint16(150, mask, true);
    return [match({ name: "conntrack", revision: 3, info })];
  };
  const mark = (value: number, mask: number, invert = 0): Statement => {
    const info = new Uint8Array(16);
    info.set(new Uint8Array(new Uint32Array([value, mask]).buffer));
    info[8] = invert;
    return [match({ name: "mark", revision: 1, info })];
  };
  const ofIptables: [string, Matches, Statement][] = [
    ["-m comment", true, [match({ name: "comment", revision: 0, info: new Uint8Array(256) })]],
    ["-m mark --mark 0x1000/0x1000", true, mark(0x1000, 0x1000)],
    ["-m mark ! --mark 0x1000/0x1000", false, mark(0x1000, 0x1000, 1)],
    ["-m mark --mark 0x4000/0x4000", undefined, mark(0x4000, 0x4000)],
    ["-m conntrack --ctstate NEW", true, conntrack(8)],
    ["-m conntrack --ctstate RELATED,ESTABLISHED", false, conntrack(6)],
    ["-m conntrack ! --ctstate RELATED,ESTABLISHED", true, conntrack(6, 1)],
    ["-m conntrack --ctproto tcp", undefined, conntrack(0, 0, 2)],
    ["-m set", undefined, [match({ name: "set", revision: 4, info: new Uint8Array(40) })]],
  ];
  for (const [what, wanted, statement] of ofIptables) {
    it(`reads ${what} of iptables`, () => equal(matches(statement), wanted));
  }

  it("knows nothing of registers behind what it does not understand", () => {
    const strange = [{ name: "numgen", data: undefined }] as unknown as Statement;
    const compare: Statement = is(ipSaddr, 10, 1, 0, 5).slice(1);
    equal(matches(is(ipSaddr, 10, 1, 0, 5).slice(0, 1), strange, compare), undefined);
  });
});
