/**
 * The sets and maps of our tables: all that a pod changes is their elements.
 * @module
 */

import {
  etherAddr,
  ifname,
  inetProto,
  inetService,
  ipv4Addr,
  ipv6Addr,
  rawBytes,
  type SetDescription,
  typeofKey,
  typeofMeta,
  typeofPayload,
} from "netlink-ts/nftables/data-types.ts";
import { NFT_META_IIFNAME } from "netlink-ts/nftables/expr/meta.ts";
import { NFPROTO_BRIDGE, NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";

import { tableName } from "./table-name.ts";

/** A set or map, and the family of the table it stands in. */
export interface TableSet extends SetDescription {
  readonly family: typeof NFPROTO_INET | typeof NFPROTO_BRIDGE;
}

/** nft's number of the transport header in a typeof. */
const TRANSPORT_HEADER = 3;

const inet = (description: SetDescription): TableSet => ({ family: NFPROTO_INET, ...description });
const bridge = (description: SetDescription): TableSet => ({
  family: NFPROTO_BRIDGE,
  ...description,
});

/** Every set and map by its name, in the order they are made. Names are unique over both tables. */
export const sets = {
  // ---- published ports: a key has one value, so a second owner of a port is EEXIST and never a shadow

  // map port4 { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }
  /** Ports of one host address. */
  port4: inet({ key: [inetProto, ipv4Addr, inetService], data: [ipv4Addr, inetService] }),
  // map port6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; }
  port6: inet({ key: [inetProto, ipv6Addr, inetService], data: [ipv6Addr, inetService] }),
  // map any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
  /** Ports of every local address. */
  any4: inet({ key: [inetProto, inetService], data: [ipv4Addr, inetService] }),
  // map any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
  any6: inet({ key: [inetProto, inetService], data: [ipv6Addr, inetService] }),
  // map range4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr; flags interval; }
  /** Whole ranges that keep their port numbers; every local address is 0.0.0.0/0. */
  range4: inet({ key: [ipv4Addr, inetProto, inetService], data: [ipv4Addr], interval: true }),
  // map range6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr; flags interval; }
  range6: inet({ key: [ipv6Addr, inetProto, inetService], data: [ipv6Addr], interval: true }),
  // set snat4 { type ipv4_addr; }
  /** Pods whose published ports also answer on localhost: those clients are masqueraded. */
  snat4: inet({ key: [ipv4Addr] }),
  // set snat6 { type ipv6_addr; }
  snat6: inet({ key: [ipv6Addr] }),
  // set self4 { type ipv4_addr . ipv4_addr; }
  /** The same pods twice over, for a pod that asks its own published port: nft cannot compare saddr with daddr. */
  self4: inet({ key: [ipv4Addr, ipv4Addr] }),
  // set self6 { type ipv6_addr . ipv6_addr; }
  self6: inet({ key: [ipv6Addr, ipv6Addr] }),
  // set nosnat4 { type ipv4_addr; }
  /** Pods whose published ports do not answer on localhost. */
  nosnat4: inet({ key: [ipv4Addr] }),
  // set masqall4 { type inet_proto . inet_service . ipv4_addr; }
  /** Protocol, container port and pod of published ports whose every client is masqueraded. */
  masqall4: inet({ key: [inetProto, inetService, ipv4Addr] }),
  // set masqall6 { type inet_proto . inet_service . ipv6_addr; }
  masqall6: inet({ key: [inetProto, inetService, ipv6Addr] }),
  // set near { type ifname . ifname; }
  /** Each bridge twice over: what is published goes back out of the bridge it came in by. */
  near: inet({ key: [ifname, ifname] }),

  // ---- masquerade

  // set masq4 { type ipv4_addr; }
  /** Pods whose traffic to elsewhere is masqueraded. */
  masq4: inet({ key: [ipv4Addr] }),
  // set masq6 { type ipv6_addr; }
  masq6: inet({ key: [ipv6Addr] }),
  // set direct4 { type ipv4_addr . ipv4_addr; flags interval; }
  /** Pod subnet and destination that masquerade leaves alone, the subnet itself being the first. */
  direct4: inet({ key: [ipv4Addr, ipv4Addr], interval: true }),
  // set direct6 { type ipv6_addr . ipv6_addr; flags interval; }
  direct6: inet({ key: [ipv6Addr, ipv6Addr], interval: true }),

  // ---- forwarding

  // set pods4 { type ipv4_addr; }
  /** Pods whose traffic a firewall that drops by default lets through. */
  pods4: inet({ key: [ipv4Addr] }),
  // set pods6 { type ipv6_addr; }
  pods6: inet({ key: [ipv6Addr] }),
  // set bridges { type ifname; }
  /** Host interfaces that pods hang on. */
  bridges: inet({ key: [ifname] }),
  // set isolated { type ifname; }
  /** Bridges isolated from other isolated ones, or strictly from all. */
  isolated: inet({ key: [ifname] }),
  // set strict { type ifname; }
  strict: inet({ key: [ifname] }),
  // set closed { type ifname; }
  /** Bridges that let in nothing of other closed ones. */
  closed: inet({ key: [ifname] }),
  // set internal { type ifname; }
  /** Bridges with no way in or out. */
  internal: inet({ key: [ifname] }),
  // set same { type ifname . ifname; }
  /** Each of `bridges` twice over: traffic that stays on it. */
  same: inet({ key: [ifname, ifname] }),
  // set apart { type ifname . ifname; }
  /** Bridges, twice over, whose own pods do not talk to each other: what of that comes to the forward hook of IP. */
  apart: inet({ key: [ifname, ifname] }),

  // ---- table bridge netloom: what a port of a bridge may send; a port that is not listed is not checked

  // set mac_ports { type ifname; }
  /** Ports whose source MAC is checked. */
  mac_ports: bridge({ key: [ifname] }),
  // set mac { type ifname . ether_addr; }
  mac: bridge({ key: [ifname, etherAddr] }),
  // set ip_ports { type ifname; }
  /** Ports whose source addresses are checked too. */
  ip_ports: bridge({ key: [ifname] }),
  // set addr4 { type ifname . ipv4_addr; }
  addr4: bridge({ key: [ifname, ipv4Addr] }),
  // set addr6 { type ifname . ipv6_addr; }
  addr6: bridge({ key: [ifname, ipv6Addr] }),
  // set target6 { typeof iifname . @th,64,128; }
  /** As addr6, in the type nft needs to load the rule on neighbour advertisements again. */
  target6: bridge({
    key: [ifname, rawBytes(16)],
    keyTypeof: typeofKey(typeofMeta(NFT_META_IIFNAME), typeofPayload(TRANSPORT_HEADER, 64, 128)),
  }),
  // set apart_ports { type ifname; }
  /** Ports that send nothing to each other: pods whose bridge is in `apart`. */
  apart_ports: bridge({ key: [ifname] }),
} satisfies Record<string, TableSet>;

/** A set or map by name. */
export type SetName = keyof typeof sets;

/** Table and set of a message about elements. */
export function place(set: SetName): { family: number; table: string; set: SetName } {
  return { family: sets[set].family, table: tableName, set };
}
