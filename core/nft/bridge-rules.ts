/**
 * The rules of table `bridge netloom`, each below its nft text, by the names of ports: MAC first, then addresses.
 * @module
 */

import type { bridgeChains } from "./chains.ts";
import type { Rule } from "./inet-rules.ts";
import {
  arpSaddrEther,
  arpSaddrIp,
  drop,
  etherSaddr,
  etherType,
  goTo,
  icmpv6Type,
  iifname,
  ip6Saddr,
  ipSaddr,
  is,
  isIn,
  isNotIn,
  jump,
  l4proto,
  leave,
  ndTarget,
  oifname,
  protocol,
  udpPorts,
} from "./statements.ts";

const udp = 17;
const icmpv6 = 58;
const unspecified6 = new Array<number>(16).fill(0);

/** Rules of each chain. Made, encoded and let go when the program is built. */
export function bridgeRules(): Record<keyof typeof bridgeChains, Rule[]> {
  // the conditions nft puts before the first field of a header
  const isArp = is(etherType, 0x08, 0x06);
  const isIp6 = is(etherType, 0x86, 0xdd);
  const carriesIp4 = is(protocol, 0x08, 0x00);
  const carriesIp6 = is(protocol, 0x86, 0xdd);
  const isUdp = is(l4proto, udp);
  const isIcmpv6 = is(l4proto, icmpv6);
  const fromUnspecified6 = [carriesIp6, is(ip6Saddr, ...unspecified6), isIcmpv6];

  return {
    prerouting: [
      // iifname @mac_ports iifname . ether saddr != @mac drop
      [isIn("mac_ports", iifname), isNotIn("mac", iifname, etherSaddr), drop],
      // iifname @ip_ports jump from_port
      [isIn("ip_ports", iifname), jump("from_port")],
    ],
    forward: [
      // iifname @apart_ports oifname @apart_ports drop
      // every protocol; between other ports, one that leads to a gateway for instance, all goes on
      [isIn("apart_ports", iifname), isIn("apart_ports", oifname), drop],
    ],
    from_port: [
      // ether type arp goto from_arp
      [isArp, goTo("from_arp")],
      // ether type ip goto from_ip4
      [is(etherType, 0x08, 0x00), goTo("from_ip4")],
      // ether type ip6 goto from_ip6
      [isIp6, goTo("from_ip6")],
      // drop
      // VLAN tags and other protocols would carry an address that nobody checked
      [drop],
    ],
    from_arp: [
      // iifname . arp saddr ether != @mac drop
      [isArp, isNotIn("mac", iifname, arpSaddrEther), drop],
      // arp saddr ip 0.0.0.0 return
      // a probe (RFC 5227)
      [isArp, is(arpSaddrIp, 0, 0, 0, 0), leave],
      // iifname . arp saddr ip != @addr4 drop
      [isArp, isNotIn("addr4", iifname, arpSaddrIp), drop],
    ],
    from_ip4: [
      // ip saddr 0.0.0.0 udp sport 68 udp dport 67 return
      // a DHCP client that has no address yet
      [carriesIp4, is(ipSaddr, 0, 0, 0, 0), isUdp, is(udpPorts, 0, 68, 0, 67), leave],
      // iifname . ip saddr != @addr4 drop
      [carriesIp4, isNotIn("addr4", iifname, ipSaddr), drop],
    ],
    from_ip6: [
      // ip6 saddr :: icmpv6 type nd-neighbor-solicit return
      // duplicate address detection, and what comes before it
      [...fromUnspecified6, is(icmpv6Type, 135), leave],
      // ip6 saddr :: icmpv6 type nd-router-solicit return
      [...fromUnspecified6, is(icmpv6Type, 133), leave],
      // ip6 saddr :: icmpv6 type mld2-listener-report return
      [...fromUnspecified6, is(icmpv6Type, 143), leave],
      // iifname . ip6 saddr != @addr6 drop
      [carriesIp6, isNotIn("addr6", iifname, ip6Saddr), drop],
      // icmpv6 type nd-router-advert drop
      [isIp6, isIcmpv6, is(icmpv6Type, 134), drop],
      // icmpv6 type nd-redirect drop
      [isIp6, isIcmpv6, is(icmpv6Type, 137), drop],
      // icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @target6 drop
      // the target alone: the MAC in its option is not checked
      [isIp6, isIcmpv6, is(icmpv6Type, 136), isNotIn("target6", iifname, ndTarget), drop],
    ],
  };
}
