/**
 * IP addresses on links: RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR.
 * @see include/uapi/linux/if_addr.h, rtnetlink(7)
 * @module
 */

import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { cstring, i32, ip, u8, u32 } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";
import { RTM_DELADDR, RTM_GETADDR, RTM_NEWADDR } from "./message-types.ts";

/** IPv4: a further address in a network the link has one in already. IPv6: temporary. */
export const IFA_F_SECONDARY = 0x1;
/** Used at once, without duplicate address detection. */
export const IFA_F_NODAD = 0x2;
/** Duplicate address detection is at work, and packets may leave nevertheless. */
export const IFA_F_OPTIMISTIC = 0x4;
/** Duplicate address detection has found another owner. */
export const IFA_F_DADFAILED = 0x8;
/** Mobile IPv6 home address. */
export const IFA_F_HOMEADDRESS = 0x10;
/** Its preferred lifetime is over: not for new connections. */
export const IFA_F_DEPRECATED = 0x20;
/** Duplicate address detection is at work: not usable yet. */
export const IFA_F_TENTATIVE = 0x40;
/** Lives until deleted. */
export const IFA_F_PERMANENT = 0x80;
/** The kernel makes temporary addresses beside it. */
export const IFA_F_MANAGETEMPADDR = 0x100;
/** No route to the prefix is made. */
export const IFA_F_NOPREFIXROUTE = 0x200;
/** A multicast address that is joined. */
export const IFA_F_MCAUTOJOIN = 0x400;
/** Made from a secret (RFC 7217). */
export const IFA_F_STABLE_PRIVACY = 0x800;

/** struct ifa_cacheinfo. Lifetimes in seconds, 0xffffffff is forever; stamps in 1/100 s. */
const cacheInfo = struct({ preferred: u32, valid: u32, created: u32, updated: u32 });

/** Payload of every RTM_*ADDR message. */
export const addressMessage = message(
  "addr",
  /** struct ifaddrmsg */
  struct({ family: u8, prefixLength: u8, headerFlags: u8, scope: u8, ifindex: i32 }),
  attributes({
    /** IFA_TARGET_NETNSID: in a request, the namespace it is about. */
    targetNetnsId: [10, i32],
    /** IFA_ADDRESS: the prefix address; on a point-to-point link, the peer. 4 or 16 bytes. */
    address: [1, ip],
    /** IFA_LOCAL: the address the link answers to. IPv6 sends it only beside a peer. */
    local: [2, ip],
    /** IFA_BROADCAST: IPv4 only; the kernel sets none by itself. */
    broadcast: [4, ip],
    anycast: [5, ip],
    multicast: [7, ip],
    /** IFA_LABEL: IPv4 only; the link's name, or that, a colon and more; at most 15 bytes. */
    label: [3, cstring],
    /** IFA_PROTO: who made it: 0 unspecified, 1 loopback, 2 router advertisement, 3 link-local; from 4 on free. */
    proto: [11, u8],
    /** IFA_FLAGS: IFA_F_* bits. When present the kernel ignores `headerFlags`. */
    flags: [8, u32],
    /** IFA_RT_PRIORITY: metric of the prefix route. */
    rtPriority: [9, u32],
    /** IFA_CACHEINFO */
    cacheInfo: [6, cacheInfo],
  }),
);
export type AddressMessage = Decoded<typeof addressMessage>;
export type AddressInput = MessageInput<typeof addressMessage>;

/** Adds an address. @throws {NetlinkError} EEXIST when the link already has it. */
export const newAddress = request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, addressMessage);
/** Adds an address, or changes lifetimes and flags of one that is there. Same as `ip address replace`. */
export const replaceAddress = request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, addressMessage);
/** Deletes an address, with the prefix length it was added with. @throws {NetlinkError} EADDRNOTAVAIL when it is not there */
export const deleteAddress = request(RTM_DELADDR, 0, addressMessage);
/** Gets addresses, as a dump: of a `family`, and of one `ifindex` if the socket has NETLINK_GET_STRICT_CHK. */
export const getAddress = request(RTM_GETADDR, 0, addressMessage);
