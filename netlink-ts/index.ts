/**
 * Netlink: asking the kernel, and describing what is asked. The messages themselves are imported from their own files:
 * `netlink-ts/route/address.ts`, `netlink-ts/nftables/rule.ts`, `netlink-ts/conntrack/filter.ts`.
 * @module
 */

export { Batch } from "./netlink/batch.ts";
export { Connection, type ConnectionOptions, type TraceEvent } from "./netlink/connection.ts";
export { NetlinkError, type Refusal } from "./netlink/netlink-error.ts";
export {
  answeredBy,
  type Call,
  call,
  flagged,
  type MessageType,
  messageType,
  type Request,
  request,
} from "./netlink/request.ts";
export type { Transport } from "./netlink/transport.ts";
export { attributes, list, repeated, selectedBy, unflagged } from "./wire/attributes.ts";
export { type Codec, type Decoded, decode, encode } from "./wire/codec.ts";
export { DecodeError } from "./wire/decode-error.ts";
export { type Message, type MessageInput, message } from "./wire/message.ts";
export { padding, struct } from "./wire/struct.ts";
