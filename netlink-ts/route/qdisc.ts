/**
 * Queueing disciplines of links: RTM_NEWQDISC, RTM_DELQDISC, RTM_GETQDISC.
 * @see include/uapi/linux/pkt_sched.h, tc(8)
 * @module
 */

import { NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL, NLM_F_REPLACE } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes, selectedBy, unflagged } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { u32 } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";
import { RTM_DELQDISC, RTM_GETQDISC, RTM_NEWQDISC } from "./message-types.ts";
import { htb } from "./qdisc-kinds/htb.ts";
import { tbf } from "./qdisc-kinds/tbf.ts";
import { rowsAfterOptions, rowsBeforeOptions, tcmsg } from "./traffic-control.ts";

/** struct tc_fifo_qopt. `limit` in bytes for bfifo, in packets for pfifo. */
const fifo = struct({ limit: u32 });

/** TCA_OPTIONS by TCA_KIND; ingress has none. */
const qdiscKinds = { bfifo: fifo, htb, ingress: attributes({}), pfifo: fifo, tbf } as const;

/** Payload of every RTM_*QDISC message. `info` in an answer: how many use it. */
export const qdiscMessage = message(
  "qdisc",
  tcmsg,
  attributes({
    ...rowsBeforeOptions,
    /** TCA_OPTIONS: by kind; bytes for a kind that is not described here. */
    options: [2, unflagged(selectedBy("kind", qdiscKinds))],
    ...rowsAfterOptions,
  }),
);
export type QdiscMessage = Decoded<typeof qdiscMessage>;
export type QdiscInput = MessageInput<typeof qdiscMessage>;

/** Options of a queueing discipline by its kind. */
export type QdiscOptions<K extends keyof typeof qdiscKinds> = Decoded<(typeof qdiscKinds)[K]>;

/** Adds one. @throws {NetlinkError} EEXIST when the parent has one already, ENOENT when the kernel has no such kind */
export const newQdisc = request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, qdiscMessage);
/** Adds one, or puts it in the place of another. Same as `tc qdisc replace`. */
export const replaceQdisc = request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, qdiscMessage);
/**
 * Deletes the one at `parent` of a link, with its classes and filters.
 * @throws {NetlinkError} ENOENT or EINVAL when there is none, ENODEV when there is no such link
 */
export const deleteQdisc = request(RTM_DELQDISC, 0, qdiscMessage);
/**
 * Gets the one at `parent` of a link, which the kernel tells its asker only with NLM_F_ECHO; or, as a dump, those of all links.
 * @throws {NetlinkError} ENOENT, or EINVAL for one that the link has by itself; ENODEV
 */
export const getQdisc = request(RTM_GETQDISC, NLM_F_ECHO, qdiscMessage);

/** The options of a queueing discipline, if it is of that kind. */
export function qdiscOptions<K extends keyof typeof qdiscKinds>(
  { kind, options }: Pick<QdiscMessage, "kind" | "options">,
  wanted: K,
): QdiscOptions<K> | undefined {
  return kind === wanted ? (options as QdiscOptions<K> | undefined) : undefined;
}
