/**
 * Classes of queueing disciplines: RTM_NEWTCLASS, RTM_DELTCLASS, RTM_GETTCLASS.
 * @see include/uapi/linux/pkt_sched.h, tc(8)
 * @module
 */

import { NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes, selectedBy, unflagged } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { RTM_DELTCLASS, RTM_GETTCLASS, RTM_NEWTCLASS } from "./message-types.ts";
import { htb } from "./qdisc-kinds/htb.ts";
import { rowsAfterOptions, rowsBeforeOptions, tcmsg } from "./traffic-control.ts";

/** Payload of every RTM_*TCLASS message. `info` in an answer: the handle of the class's own queue. */
export const classMessage = message(
  "class",
  tcmsg,
  attributes({
    ...rowsBeforeOptions,
    /** TCA_OPTIONS: by kind; bytes for a kind that is not described here. */
    options: [2, unflagged(selectedBy("kind", { htb }))],
    ...rowsAfterOptions,
  }),
);
export type ClassMessage = Decoded<typeof classMessage>;
export type ClassInput = MessageInput<typeof classMessage>;

/** Adds a class. @throws {NetlinkError} EEXIST when there is one of that handle */
export const newClass = request(RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL, classMessage);
/** Deletes a class. @throws {NetlinkError} ENOENT when there is none, EBUSY while filters lead to it */
export const deleteClass = request(RTM_DELTCLASS, 0, classMessage);
/** Gets a class of a link by its handle, or, as a dump, all of an `ifindex`. @throws {NetlinkError} ENOENT */
export const getClass = request(RTM_GETTCLASS, NLM_F_ECHO, classMessage);

/** What a class of htb may send, and how. */
export function htbClass({ kind, options }: Pick<ClassMessage, "kind" | "options">) {
  return kind === "htb" ? (options as Decoded<typeof htb> | undefined) : undefined;
}
