/**
 * Flags and control messages of every netlink family.
 * @see include/uapi/linux/netlink.h
 * @module
 */

/** The message is a request. */
export const NLM_F_REQUEST = 0x1;
/** One of several messages, closed by NLMSG_DONE. */
export const NLM_F_MULTI = 0x2;
/** Answer with an NLMSG_ERROR, of error 0 on success. */
export const NLM_F_ACK = 0x4;
/** Answer with the notification that the change causes. */
export const NLM_F_ECHO = 0x8;
/** What is dumped changed meanwhile: the dump is inconsistent. */
export const NLM_F_DUMP_INTR = 0x10;
/** The kernel honoured the filter in the dump request. */
export const NLM_F_DUMP_FILTERED = 0x20;

/** NLM_F_ROOT | NLM_F_MATCH: all objects. */
export const NLM_F_DUMP = 0x300;

/** Override the object that is there. */
export const NLM_F_REPLACE = 0x100;
/** EEXIST if the object is there. */
export const NLM_F_EXCL = 0x200;
/** Create the object if it is not there. */
export const NLM_F_CREATE = 0x400;
/** Put it at the end of the list. */
export const NLM_F_APPEND = 0x800;

/** In a delete request: not what hangs on it (nf_tables refuses to delete a chain with rules then). */
export const NLM_F_NONREC = 0x100;
/** In a delete request: all that match. */
export const NLM_F_BULK = 0x200;

/** In an acknowledgement: the request is not repeated in it. */
export const NLM_F_CAPPED = 0x100;
/** In an acknowledgement or NLMSG_DONE: attributes of the extended acknowledgement follow. */
export const NLM_F_ACK_TLVS = 0x200;

/** To be ignored. */
export const NLMSG_NOOP = 1;
/** A refusal, or with error 0 an acknowledgement. */
export const NLMSG_ERROR = 2;
/** The end of a dump. */
export const NLMSG_DONE = 3;
/** Data was lost. */
export const NLMSG_OVERRUN = 4;
/** Types below are control messages. */
export const NLMSG_MIN_TYPE = 0x10;
