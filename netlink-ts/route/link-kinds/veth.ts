/**
 * veth: two links, what goes into one comes out of the other.
 * @see include/uapi/linux/veth.h
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import type { Codec } from "../../wire/codec.ts";
import { type MessageInput, message } from "../../wire/message.ts";
import { ifinfomsg, rowsAfterLinkInfo, rowsBeforeLinkInfo } from "../link-attributes.ts";

const peerMessage = message(
  "",
  ifinfomsg,
  attributes({ ...rowsBeforeLinkInfo, ...rowsAfterLinkInfo }),
);

/** As in a request: the header's fields may be left out. */
const peer: Codec<MessageInput<typeof peerMessage>> = peerMessage;

/**
 * IFLA_INFO_DATA of a veth; requests only, the peer is read back as `link` and `linkNetnsId`. With `netNsFd` the peer is made
 * in that namespace, at a fraction of the price of moving it there. It cannot be brought up here: ENOTCONN.
 */
export const veth = attributes({
  /** VETH_INFO_PEER */
  peer: [1, peer],
});
