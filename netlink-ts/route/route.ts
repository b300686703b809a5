/**
 * Routes: RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE.
 * @see include/uapi/linux/rtnetlink.h, rtnetlink(7)
 * @module
 */

import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes, unflagged } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { bytes, cstring, i32, ip, u8, u16be, u32 } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";
import { RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE } from "./message-types.ts";
import { nextHopRows, nextHops } from "./next-hop.ts";

/** The table that routes go to. */
export const RT_TABLE_MAIN = 254;
/** The table of the host's own addresses. */
export const RT_TABLE_LOCAL = 255;

/** Made by the kernel itself. */
export const RTPROT_KERNEL = 2;
/** Made while the system or a container starts. */
export const RTPROT_BOOT = 3;
/** Made by an administrator. */
export const RTPROT_STATIC = 4;

/** Reaches anything. */
export const RT_SCOPE_UNIVERSE = 0;
/** Reaches what is on the link. */
export const RT_SCOPE_LINK = 253;
/** An address of this host. */
export const RT_SCOPE_HOST = 254;
/** In RTM_DELROUTE: any scope. */
export const RT_SCOPE_NOWHERE = 255;

/** A gateway or a direct route. */
export const RTN_UNICAST = 1;
/** An address of this host. */
export const RTN_LOCAL = 2;
/** Sent as broadcast. */
export const RTN_BROADCAST = 3;
/** Accepted as an anycast address. */
export const RTN_ANYCAST = 4;
/** A multicast route. */
export const RTN_MULTICAST = 5;
/** Drops in silence. */
export const RTN_BLACKHOLE = 6;
/** Answers ICMP unreachable. */
export const RTN_UNREACHABLE = 7;
/** Answers ICMP prohibited. */
export const RTN_PROHIBIT = 8;
/** Not in this table: the next rule decides. */
export const RTN_THROW = 9;

/** In `flags`: the gateway is on the link, whatever the addresses say. */
export const RTNH_F_ONLINK = 4;
/** In `flags`: made by the kernel for one connection, not by anyone's command. */
export const RTM_F_CLONED = 0x200;

/** RTA_METRICS: RTAX_* */
const metrics = attributes({
  /** RTAX_LOCK: bits by number of the metrics that are not adapted. */
  lock: [1, u32],
  /** RTAX_MTU: bytes. */
  mtu: [2, u32],
  window: [3, u32],
  rtt: [4, u32],
  rttvar: [5, u32],
  ssthresh: [6, u32],
  cwnd: [7, u32],
  /** RTAX_ADVMSS: the segment size that TCP announces, bytes. */
  advmss: [8, u32],
  reordering: [9, u32],
  hoplimit: [10, u32],
  initcwnd: [11, u32],
  features: [12, u32],
  rtoMin: [13, u32],
  initrwnd: [14, u32],
  quickack: [15, u32],
  ccAlgo: [16, cstring],
  fastopenNoCookie: [17, u32],
});

/** struct rta_cacheinfo. `expires` in 1/100 s, 0 never. */
const cacheInfo = struct({
  clients: u32,
  lastUse: u32,
  expires: i32,
  error: u32,
  used: u32,
  id: u32,
  timestamp: u32,
  timestampAge: u32,
});

/** Payload of every RTM_*ROUTE message. A default route has a length of 0 and no `dst`. */
export const routeMessage = message(
  "route",
  /** struct rtmsg. Lengths are prefix lengths. `headerTable` holds tables up to 255; `table` overrides it. */
  struct({
    family: u8,
    dstLength: u8,
    srcLength: u8,
    tos: u8,
    headerTable: u8,
    protocol: u8,
    scope: u8,
    type: u8,
    flags: u32,
  }),
  attributes({
    /** RTA_TABLE: any number. */
    table: [15, u32],
    /** RTA_DST: 4 or 16 bytes, host bits zero. */
    dst: [1, ip],
    /** RTA_SRC: IPv6 only. */
    src: [2, ip],
    /** RTA_PRIORITY: the metric; smaller wins. IPv6 makes 1024 of 0. */
    priority: [6, u32],
    metrics: [8, unflagged(metrics)],
    /** RTA_PREFSRC: the source address of packets that have none yet. */
    prefSrc: [7, ip],
    /** RTA_IIF, and RTA_OIF: ifindex. */
    iif: [3, i32],
    ...nextHopRows,
    oif: [4, i32],
    /** RTA_MULTIPATH: several next hops instead of one. */
    multipath: [9, nextHops],
    mark: [16, u32],
    uid: [25, u32],
    cacheInfo: [12, cacheInfo],
    /** RTA_PREF: of IPv6 routers: 0 medium, 1 high, 3 low. */
    pref: [20, u8],
    /** RTA_EXPIRES: seconds; in requests, IPv6 only. */
    expires: [23, u32],
    ttlPropagate: [26, u8],
    ipProto: [27, u8],
    sport: [28, u16be],
    dport: [29, u16be],
    /** RTA_NH_ID: a next hop object instead of a next hop. */
    nhId: [30, u32],
    mfcStats: [17, bytes],
  }),
);
export type RouteMessage = Decoded<typeof routeMessage>;
export type RouteInput = MessageInput<typeof routeMessage>;

/** Adds a route. @throws {NetlinkError} EEXIST when one to the same destination with the same metric is there. */
export const newRoute = request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, routeMessage);
/**
 * Adds a route beside others to the same dst: IPv6 joins them to one of several next hops, IPv4 puts it last.
 * Same as `ip route append`. @throws {NetlinkError} EEXIST when IPv4 has exactly that route
 */
export const appendRoute = request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, routeMessage);
/** Adds a route in front of others to the same destination. Same as `ip route prepend`. */
export const prependRoute = request(RTM_NEWROUTE, NLM_F_CREATE, routeMessage);
/** Adds a route or puts it in the place of the one there. Same as `ip route replace`. */
export const replaceRoute = request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, routeMessage);
/** Deletes the first route that has all that is given. @throws {NetlinkError} ESRCH when there is none */
export const deleteRoute = request(RTM_DELROUTE, 0, routeMessage);
/**
 * As a dump: the routes of a `family` (with NETLINK_GET_STRICT_CHK on the socket: of a `table`, `oif`, `protocol`
 * or `type`). As a get: the way packets to `dst` take. @throws {NetlinkError} ENETUNREACH when there is none
 */
export const getRoute = request(RTM_GETROUTE, 0, routeMessage);
