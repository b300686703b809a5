/**
 * Batches: requests that nf_tables carries out together or not at all. NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END.
 * @see include/uapi/linux/netfilter/nfnetlink.h, enum nfnl_batch_attributes
 * @module
 */

import { Batch } from "../netlink/batch.ts";
import { type MessageType, messageType, type Request, request } from "../netlink/request.ts";
import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { u32be } from "../wire/scalars.ts";
import { NFNL_SUBSYS_NFTABLES, nfgenmsg } from "./nfgenmsg.ts";

/** NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END, the brackets around the requests. */
export const NFNL_MSG_BATCH_BEGIN = messageType("NFNL_MSG_BATCH_BEGIN", 0x10);
export const NFNL_MSG_BATCH_END = messageType("NFNL_MSG_BATCH_END", 0x11);

/** Payload of both brackets; `resourceId` is the subsystem. */
export const batchMessage = message(
  "batch",
  nfgenmsg,
  attributes({
    /** NFNL_BATCH_GENID: what the generation must be, else ERESTART and nothing is done. */
    generation: [1, u32be],
  }),
);
export type BatchMessage = Decoded<typeof batchMessage>;

/** Opens a batch. @throws {NetlinkError} ERESTART when somebody has committed since `generation` */
export const beginBatch = bracket(NFNL_MSG_BATCH_BEGIN);
/** Closes a batch: the kernel commits here. */
export const endBatch = bracket(NFNL_MSG_BATCH_END);

/**
 * Starts a transaction: a batch with its opening bracket. Add requests and close it with {@link closeTransaction}.
 * @param generation of NFT_MSG_GETGEN; the kernel refuses the transaction with ERESTART when it has changed since
 */
export function openTransaction(generation?: number): Batch {
  return new Batch().add(beginBatch, { resourceId: NFNL_SUBSYS_NFTABLES, generation });
}

/** Adds the closing bracket. Returns the same batch, ready for {@link Connection.exchange}. */
export function closeTransaction(transaction: Batch): Batch {
  return transaction.add(endBatch, { resourceId: NFNL_SUBSYS_NFTABLES });
}

function bracket(
  type: MessageType,
): Request<MessageInput<typeof batchMessage>, BatchMessage> & { silent: true } {
  return { ...request(type, 0, batchMessage), silent: true };
}
