/**
 * Neighbours (ARP, NDP) and forwarding entries of bridges: RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH.
 * @see include/uapi/linux/neighbour.h, rtnetlink(7)
 * @module
 */

import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { bytes, i32, ip, u8, u16, u16be, u32 } from "../wire/scalars.ts";
import { padding, struct } from "../wire/struct.ts";
import { RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH } from "./message-types.ts";

/** Being asked for. */
export const NUD_INCOMPLETE = 0x1;
/** Has answered lately. */
export const NUD_REACHABLE = 0x2;
/** Has answered long ago. */
export const NUD_STALE = 0x4;
/** About to be asked again. */
export const NUD_DELAY = 0x8;
/** Being asked again. */
export const NUD_PROBE = 0x10;
/** Has not answered. */
export const NUD_FAILED = 0x20;
/** Need not be asked. */
export const NUD_NOARP = 0x40;
/** Stays until deleted. */
export const NUD_PERMANENT = 0x80;

/** In `flags` of AF_BRIDGE: the entry is the device's own. */
export const NTF_SELF = 0x2;
/** In `flags` of AF_BRIDGE: the entry is the bridge's. */
export const NTF_MASTER = 0x4;
/** The host answers for this address. */
export const NTF_PROXY = 0x8;
/** Entered by a control plane. */
export const NTF_EXT_LEARNED = 0x10;
/** An IPv6 router. */
export const NTF_ROUTER = 0x80;

/** struct nda_cacheinfo. Ages in 1/100 s. */
const cacheInfo = struct({ confirmed: u32, used: u32, updated: u32, refcnt: u32 });

/** Payload of every RTM_*NEIGH message. */
export const neighbourMessage = message(
  "neigh",
  /** struct ndmsg. `state` is one of NUD_*, `flags` NTF_* bits. */
  struct({
    family: u8,
    _: padding(3),
    ifindex: i32,
    state: u16,
    flags: u8,
    type: u8,
  }),
  attributes({
    /** NDA_DST: the neighbour's address, 4 or 16 bytes. */
    dst: [1, ip],
    /** NDA_LLADDR: its hardware address. */
    lladdr: [2, bytes],
    /** NDA_FLAGS_EXT: NTF_EXT_* bits. */
    flagsExt: [15, u32],
    /** NDA_MASTER: ifindex of the bridge. */
    master: [9, i32],
    probes: [4, u32],
    cacheInfo: [3, cacheInfo],
    vlan: [5, u16],
    port: [6, u16be],
    vni: [7, u32],
    /** NDA_IFINDEX: the link below, of a vxlan entry. */
    lowerIfindex: [8, i32],
    linkNetnsId: [10, i32],
    srcVni: [11, u32],
    /** NDA_PROTOCOL: who made it, RTPROT_*. */
    protocol: [12, u8],
    nhId: [13, u32],
    fdbExtAttrs: [14, bytes],
    stateMask: [16, u16],
    flagsMask: [17, u8],
  }),
);
export type NeighbourMessage = Decoded<typeof neighbourMessage>;
export type NeighbourInput = MessageInput<typeof neighbourMessage>;

/** Adds a neighbour, or with family AF_BRIDGE a forwarding entry. @throws {NetlinkError} EEXIST */
export const newNeighbour = request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, neighbourMessage);
/** Adds a neighbour or changes the one there. Same as `ip neighbour replace`. */
export const replaceNeighbour = request(
  RTM_NEWNEIGH,
  NLM_F_CREATE | NLM_F_REPLACE,
  neighbourMessage,
);
/** Deletes a neighbour. @throws {NetlinkError} ENOENT when it is not there */
export const deleteNeighbour = request(RTM_DELNEIGH, 0, neighbourMessage);
/** Gets one neighbour by `ifindex` and `dst`; or, as a dump, those of a family (of `ifindex`, of `master`). */
export const getNeighbour = request(RTM_GETNEIGH, 0, neighbourMessage);
