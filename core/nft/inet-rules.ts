/**
 * The rules of table `inet netloom`, chain by chain, each below its nft text. They never change while pods come and go.
 * @module
 */

import { NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";

import type { adminChain, inetChains } from "./chains.ts";
import {
  accept,
  clearMarkBit,
  ctEstablished,
  ctStatusDnat,
  dnatAddressTo,
  dnatTo,
  drop,
  fromLoopback,
  goTo,
  iifname,
  ip6Daddr,
  ip6Saddr,
  ipDaddr,
  ipSaddr,
  ipv4,
  ipv6,
  is,
  isIn,
  isNot,
  isNotIn,
  jump,
  l4proto,
  l4protoOfInterval,
  leave,
  masquerade,
  notFromLo,
  notMulticast4,
  notMulticast6,
  oifname,
  refuse,
  type Statement,
  setMarkBit,
  thDport,
  toLoopback,
  toThisHost,
} from "./statements.ts";
import { forwardMark } from "./table-name.ts";

/** A rule: its statements in order. */
export type Rule = readonly Statement[];

const loopback6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/** What comes in, or is sent by this host: published ports. */
const incoming = () => ({
  // route_localnet opens 127/8 to a bridge; on the wire it is never right. Replies need no exception.
  guard: [
    // iif != "lo" ip daddr 127.0.0.0/8 drop
    [notFromLo, ipv4, toLoopback, drop],
    // iif != "lo" ip saddr 127.0.0.0/8 drop
    [notFromLo, ipv4, fromLoopback, drop],
  ],

  // a lookup that finds nothing ends its rule and the next is tried: the most specific stands first
  ports: [
    // dnat ip to meta l4proto . ip daddr . th dport map @port4
    [ipv4, dnatTo(NFPROTO_IPV4, "port4", l4proto, ipDaddr, thDport)],
    // dnat ip to meta l4proto . th dport map @any4
    [dnatTo(NFPROTO_IPV4, "any4", l4proto, thDport)],
    // dnat ip to ip daddr . meta l4proto . th dport map @range4
    [ipv4, dnatAddressTo(NFPROTO_IPV4, "range4", ipDaddr, l4protoOfInterval, thDport)],
    // ip6 daddr ::1 return
    // no route_localnet for IPv6: translated it would hang; so the host's own stack answers, or a forwarder on [::1]
    [ipv6, is(ip6Daddr, ...loopback6), leave],
    // dnat ip6 to meta l4proto . ip6 daddr . th dport map @port6
    [ipv6, dnatTo(NFPROTO_IPV6, "port6", l4proto, ip6Daddr, thDport)],
    // dnat ip6 to meta l4proto . th dport map @any6
    [dnatTo(NFPROTO_IPV6, "any6", l4proto, thDport)],
    // dnat ip6 to ip6 daddr . meta l4proto . th dport map @range6
    [ipv6, dnatAddressTo(NFPROTO_IPV6, "range6", ip6Daddr, l4protoOfInterval, thDport)],
  ],

  // only what is addressed to this host, never what it forwards (CVE-2025-67499)
  // fib daddr type local jump ports
  prerouting: [[toThisHost, jump("ports")]],
  // fib daddr type local jump ports
  output: [[toThisHost, jump("ports")]],

  // a loopback client of a port without snat: its packets would leave with 127.0.0.1 and die. The output device is still
  // "lo" here, from before the translation, so it takes a set to know them.
  refuse: [
    // ip saddr 127.0.0.0/8 ct status dnat ip daddr @nosnat4 reject with icmp port-unreachable
    [ipv4, fromLoopback, ctStatusDnat, isIn("nosnat4", ipDaddr), refuse],
  ],
});

/** What leaves: masquerading. */
const outgoing = () => ({
  postrouting: [
    // ct status dnat jump published
    [ctStatusDnat, jump("published")],
    // ip saddr @masq4 ip daddr != 224.0.0.0/4 ip daddr != 255.255.255.255 ip saddr . ip daddr != @direct4 masquerade
    [
      ipv4,
      isIn("masq4", ipSaddr),
      notMulticast4,
      isNot(ipDaddr, 255, 255, 255, 255),
      isNotIn("direct4", ipSaddr, ipDaddr),
      masquerade,
    ],
    // ip6 saddr @masq6 ip6 daddr != ff00::/8 ip6 saddr . ip6 daddr != @direct6 masquerade
    [
      ipv6,
      isIn("masq6", ip6Saddr),
      notMulticast6,
      isNotIn("direct6", ip6Saddr, ip6Daddr),
      masquerade,
    ],
  ],

  published: [
    // meta l4proto . th dport . ip daddr @masqall4 masquerade
    // the container's port: the packet is translated already
    [ipv4, isIn("masqall4", l4proto, thDport, ipDaddr), masquerade],
    // meta l4proto . th dport . ip6 daddr @masqall6 masquerade
    [ipv6, isIn("masqall6", l4proto, thDport, ip6Daddr), masquerade],
    // ip saddr 127.0.0.0/8 ip daddr @snat4 masquerade
    [ipv4, fromLoopback, isIn("snat4", ipDaddr), masquerade],
    // ip saddr . ip daddr @self4 masquerade
    [ipv4, isIn("self4", ipSaddr, ipDaddr), masquerade],
    // ip6 saddr . ip6 daddr @self6 masquerade
    [ipv6, isIn("self6", ip6Saddr, ip6Daddr), masquerade],
    // iifname . oifname @near masquerade
    // without br_netfilter a neighbour's reply would bypass the host; with it there is no input interface on the bridged
    // path, and the neighbour keeps its address
    [isIn("near", iifname, oifname), masquerade],
  ],
});

/** What is forwarded. */
const forwarded = () => ({
  allow: [
    // meta mark set meta mark | 0x1000
    [setMarkBit(forwardMark)],
    // accept
    [accept],
  ],

  isolate: [
    // iifname . oifname @same return
    [isIn("same", iifname, oifname), leave],
    // ct status dnat return
    // published ports stay reachable through the host's addresses
    [ctStatusDnat, leave],
    // iifname @strict oifname @bridges drop
    [isIn("strict", iifname), isIn("bridges", oifname), drop],
    // iifname @bridges oifname @strict drop
    [isIn("bridges", iifname), isIn("strict", oifname), drop],
    // iifname @isolated oifname @isolated drop
    [isIn("isolated", iifname), isIn("isolated", oifname), drop],
  ],

  forward: [
    // jump admin
    [jump("admin")],
    // iifname . oifname @apart drop
    [isIn("apart", iifname, oifname), drop],
    // iifname @internal iifname . oifname != @same drop
    [isIn("internal", iifname), isNotIn("same", iifname, oifname), drop],
    // oifname @internal iifname . oifname != @same drop
    [isIn("internal", oifname), isNotIn("same", iifname, oifname), drop],
    // iifname @closed oifname @closed iifname . oifname != @same drop
    [isIn("closed", iifname), isIn("closed", oifname), isNotIn("same", iifname, oifname), drop],
    // ct state established,related ip daddr @pods4 goto allow
    [ctEstablished, ipv4, isIn("pods4", ipDaddr), goTo("allow")],
    // ct state established,related ip6 daddr @pods6 goto allow
    [ctEstablished, ipv6, isIn("pods6", ip6Daddr), goTo("allow")],
    // ct state established,related ip saddr @pods4 goto allow
    [ctEstablished, ipv4, isIn("pods4", ipSaddr), goTo("allow")],
    // ct state established,related ip6 saddr @pods6 goto allow
    [ctEstablished, ipv6, isIn("pods6", ip6Saddr), goTo("allow")],
    // iifname @bridges oifname @bridges jump isolate
    [isIn("bridges", iifname), isIn("bridges", oifname), jump("isolate")],
    // ip saddr @pods4 goto allow
    [ipv4, isIn("pods4", ipSaddr), goTo("allow")],
    // ip6 saddr @pods6 goto allow
    [ipv6, isIn("pods6", ip6Saddr), goTo("allow")],
    // ct status dnat ip daddr @pods4 goto allow
    // published ports: the reference leaves these to FORWARD's policy
    [ctStatusDnat, ipv4, isIn("pods4", ipDaddr), goTo("allow")],
    // ct status dnat ip6 daddr @pods6 goto allow
    [ctStatusDnat, ipv6, isIn("pods6", ip6Daddr), goTo("allow")],
  ],

  // the bit never leaves the hook
  // meta mark & 0x1000 != 0 meta mark set meta mark & 0xffffefff
  forward_after: [[clearMarkBit(forwardMark)]],
});

/** Rules of each chain but the administrator's. Made, encoded and let go when the program is built. */
export function inetRules(): Record<Exclude<keyof typeof inetChains, typeof adminChain>, Rule[]> {
  return { ...incoming(), ...outgoing(), ...forwarded() };
}
