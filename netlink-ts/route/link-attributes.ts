/**
 * The header and the attributes that a link and its veth peer have in common.
 * @see include/uapi/linux/rtnetlink.h struct ifinfomsg, include/uapi/linux/if_link.h
 * @module
 */

import { attributes, nestBytes, repeated, unflagged } from "../wire/attributes.ts";
import { bytes, cstring, i32, ip, u8, u16, u32 } from "../wire/scalars.ts";
import { padding, struct } from "../wire/struct.ts";

/**
 * struct ifinfomsg. `ifindex` 0 in a request: the link is found by `ifname`, or the kernel chooses. `flags` are IFF_* bits,
 * of which a request changes those that `change` names. `type` is ARPHRD_*: 1 Ethernet, 772 loopback.
 */
export const ifinfomsg = struct({
  family: u8,
  _: padding(1),
  type: u16,
  ifindex: i32,
  flags: u32,
  change: u32,
});

/** IFLA_AF_SPEC in AF_INET6. */
const inet6Spec = attributes({
  /** IFLA_INET6_FLAGS: IF_READY 0x80000000 and the like. */
  flags: [1, u32],
  /** IFLA_INET6_CACHEINFO */
  cacheInfo: [5, bytes],
  /** IFLA_INET6_CONF: the values of net.ipv6.conf.<link> as u32, in the order of DEVCONF_*. */
  conf: [2, bytes],
  stats: [3, bytes],
  icmp6stats: [6, bytes],
  /** IFLA_INET6_TOKEN: 16 bytes, zero when there is none. */
  token: [7, ip],
  /** IFLA_INET6_ADDR_GEN_MODE: 0 EUI-64, 1 none, 2 stable privacy, 3 random. */
  addrGenMode: [8, u8],
});

/** IFLA_AF_SPEC: one nest a family. */
const afSpec = attributes({
  /** IFLA_INET_CONF inside, as net.ipv4.conf.<link>. */
  inet: [2, bytes],
  inet6: [10, unflagged(inet6Spec)],
});

/** IFLA_PROP_LIST: alternative names, of 127 bytes at most. */
const propList = attributes({ altIfname: [53, repeated(cstring)] });

/** Rows of a link that stand before IFLA_LINKINFO in the kernel's dumps. */
export const rowsBeforeLinkInfo = {
  /** IFLA_TARGET_NETNSID: in a request, the namespace it is about. */
  targetNetnsId: [46, i32],
  /** IFLA_EXT_MASK: RTEXT_FILTER_* bits; only in requests. */
  extMask: [29, u32],
  /** IFLA_IFNAME: at most 15 bytes. */
  ifname: [3, cstring],
  /** IFLA_TXQLEN: packets. */
  txqlen: [13, u32],
  /** IFLA_OPERSTATE: 0 unknown, 2 down, 3 lower layer down, 5 dormant, 6 up. */
  operstate: [16, u8],
  linkMode: [17, u8],
  netnsImmutable: [67, u8],
  /** IFLA_MTU: bytes. */
  mtu: [4, u32],
  minMtu: [50, u32],
  /** IFLA_MAX_MTU: 0 is no limit. */
  maxMtu: [51, u32],
  /** IFLA_GROUP: any number; RTM_DELLINK with it deletes all links of the group at the price of one. */
  group: [27, u32],
  /** IFLA_PROMISCUITY: how many users want promiscuous mode. */
  promiscuity: [30, u32],
  allMulti: [61, u32],
  /** IFLA_NUM_TX_QUEUES: one a CPU unless given; making a veth with one is the cheapest. */
  numTxQueues: [31, u32],
  gsoMaxSegs: [40, u32],
  gsoMaxSize: [41, u32],
  groMaxSize: [58, u32],
  gsoIpv4MaxSize: [63, u32],
  groIpv4MaxSize: [64, u32],
  tsoMaxSize: [59, u32],
  tsoMaxSegs: [60, u32],
  maxPacingOffloadHorizon: [66, u32],
  numRxQueues: [32, u32],
  /** IFLA_MASTER: ifindex of the bridge, VRF or bond; 0 in a request takes the link out. */
  master: [10, i32],
  /** IFLA_CARRIER: 1 when the medium is there. */
  carrier: [33, u8],
  /** IFLA_IFALIAS: at most 255 bytes; empty in a request removes it. */
  ifalias: [20, cstring],
  carrierChanges: [35, u32],
  carrierUpCount: [47, u32],
  carrierDownCount: [48, u32],
  headroom: [68, u16],
  tailroom: [69, u16],
  protoDown: [39, u8],
  /** IFLA_ADDRESS: the hardware address, 6 bytes on Ethernet; a tunnel's is an IP address. */
  address: [1, bytes],
  /** IFLA_BROADCAST */
  broadcast: [2, bytes],
  permAddress: [54, bytes],
  /** IFLA_STATS64: decode with {@link linkStats64}. */
  stats64: [23, bytes],
  /** IFLA_STATS: the same in 32 bits. */
  stats: [7, bytes],
  numVf: [21, u32],
  xdp: [43, bytes],
} as const;

/** Rows of a link that stand after IFLA_LINKINFO, and those that only requests have. */
export const rowsAfterLinkInfo = {
  /** IFLA_LINK_NETNSID: id of the namespace in which `link` is; absent when it is this one. */
  linkNetnsId: [37, i32],
  /** IFLA_NEW_NETNSID, IFLA_NEW_IFINDEX: where the link went; in notifications. */
  newNetnsId: [45, i32],
  newIfindex: [49, i32],
  /** IFLA_LINK: ifindex of the link below (macvlan, vlan) or of the veth's peer. */
  link: [5, i32],
  /** IFLA_QDISC: as "noqueue". */
  qdisc: [6, cstring],
  /** IFLA_AF_SPEC */
  afSpec: [26, unflagged(afSpec)],
  /** IFLA_MAP: struct rtnl_link_ifmap. */
  map: [14, bytes],
  /** IFLA_PROP_LIST */
  propList: [52, propList],
  parentDevName: [56, cstring],
  parentDevBusName: [57, cstring],
  /** IFLA_NET_NS_FD: an open descriptor of the namespace the link is made in or moved to; only in requests. */
  netNsFd: [28, u32],
  /** IFLA_NET_NS_PID: likewise by process. */
  netNsPid: [19, u32],
  devlinkPort: [62, nestBytes],
  dpllPin: [65, nestBytes],
} as const;
