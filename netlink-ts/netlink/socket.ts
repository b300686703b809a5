/**
 * What the opener of a netlink socket needs: families, options, addresses. The socket itself is the caller's.
 * @see include/uapi/linux/netlink.h, netlink(7)
 * @module
 */

import { u16, u32 } from "../wire/scalars.ts";
import { padding, struct } from "../wire/struct.ts";

/** For socket(2). */
export const AF_NETLINK = 16;
/** Links, addresses, routes, neighbours, rules, qdiscs. */
export const NETLINK_ROUTE = 0;
/** nf_tables, conntrack. */
export const NETLINK_NETFILTER = 12;

/** For setsockopt(2). */
export const SOL_NETLINK = 270;
/** Joins the multicast group of this number (not bit). */
export const NETLINK_ADD_MEMBERSHIP = 1;
/** Acknowledgements do not repeat the request. */
export const NETLINK_CAP_ACK = 10;
/** Acknowledgements carry the kernel's words. */
export const NETLINK_EXT_ACK = 11;
/** Dump requests are checked and filter by what they hold; without it most of their fields are ignored. */
export const NETLINK_GET_STRICT_CHK = 12;

/** struct sockaddr_nl, for bind(2) and what recvmsg(2) tells of a sender: `portId` 0 is the kernel. */
export const sockaddrNl = struct({ family: u16, _: padding(2), portId: u32, groups: u32 });
