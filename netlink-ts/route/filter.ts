/**
 * Filters, which tell the classes of packets and act on them: RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER.
 * @see include/uapi/linux/pkt_cls.h, tc(8)
 * @module
 */

import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes, selectedBy, unflagged } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { littleEndian } from "../wire/cursor.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { type U32Filter, u32Filter } from "./filter-kinds/u32.ts";
import { RTM_DELTFILTER, RTM_GETTFILTER, RTM_NEWTFILTER } from "./message-types.ts";
import { rowsAfterOptions, rowsBeforeOptions, tcmsg } from "./traffic-control.ts";

/** Every protocol. */
export const ETH_P_ALL = 3;
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;

/** Payload of every RTM_*TFILTER message. `info` is as of {@link filterInfo}. */
export const filterMessage = message(
  "filter",
  tcmsg,
  attributes({
    ...rowsBeforeOptions,
    /** TCA_OPTIONS: by kind; bytes for a kind that is not described here. */
    options: [2, unflagged(selectedBy("kind", { u32: u32Filter }))],
    ...rowsAfterOptions,
  }),
);
export type FilterMessage = Decoded<typeof filterMessage>;
export type FilterInput = MessageInput<typeof filterMessage>;

/** Adds a filter. @throws {NetlinkError} EEXIST, ENOENT when the kernel has no such kind */
export const newFilter = request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, filterMessage);
/** Deletes the filter of a `handle`, or all of a priority, or all of a `parent`. @throws {NetlinkError} ENOENT */
export const deleteFilter = request(RTM_DELTFILTER, 0, filterMessage);
/** Gets the filters of an `ifindex` and a `parent`, as a dump; none when there is no such parent. */
export const getFilter = request(RTM_GETTFILTER, 0, filterMessage);

/**
 * What `info` holds. Filters of the smaller priority are asked first, and one priority has one protocol.
 * @param protocol ETH_P_*
 */
export function filterInfo(priority: number, protocol: number): number {
  return ((priority << 16) | networkOrder(protocol)) >>> 0;
}

/** Priority and protocol (ETH_P_*) of {@link filterInfo}. */
export function parseFilterInfo(info: number): { priority: number; protocol: number } {
  return { priority: info >>> 16, protocol: networkOrder(info & 0xffff) };
}

function networkOrder(protocol: number): number {
  return littleEndian ? ((protocol & 0xff) << 8) | (protocol >>> 8) : protocol;
}

/** The options of a u32 filter, if it is one; those of a table of them have no selector. */
export function u32Options({
  kind,
  options,
}: Pick<FilterMessage, "kind" | "options">): U32Filter | undefined {
  return kind === "u32" ? (options as U32Filter | undefined) : undefined;
}
