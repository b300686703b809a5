/**
 * The extended acknowledgement: the kernel's own words about a request.
 * @see include/uapi/linux/netlink.h, enum nlmsgerr_attrs
 * @module
 */

import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import type { Reader } from "../wire/cursor.ts";
import { align, littleEndian } from "../wire/cursor.ts";
import { bytes, cstring, u32, u64 } from "../wire/scalars.ts";
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ERROR } from "./flags.ts";
import { type Frame, NLMSG_HDRLEN } from "./frame.ts";

/** What the kernel wants of the attribute at `offset`. */
const policy = attributes({
  /** NL_POLICY_TYPE_ATTR_TYPE: NL_ATTR_TYPE_*, as 2 for u8. */
  type: [1, u32],
  minSigned: [2, u64],
  maxSigned: [3, u64],
  min: [4, u64],
  max: [5, u64],
  minLength: [6, u32],
  maxLength: [7, u32],
  policyIndex: [8, u32],
  policyMaxType: [9, u32],
  bitfieldMask: [10, u32],
  mask: [12, u64],
});

/** NLMSGERR_ATTR_*: all of it optional, depending on kernel and error. */
export const extendedAck = attributes({
  /** NLMSGERR_ATTR_MSG: text as the kernel wrote it, as "ipv4: Address already assigned". */
  message: [1, cstring],
  /** NLMSGERR_ATTR_OFFS: where the refused attribute stands, counted from the start of struct nlmsghdr. */
  offset: [2, u32],
  /** NLMSGERR_ATTR_COOKIE */
  cookie: [3, bytes],
  /** NLMSGERR_ATTR_POLICY */
  policy: [4, policy],
  /** NLMSGERR_ATTR_MISS_TYPE: number of an attribute that must be there and is not. */
  missingType: [5, u32],
  /** NLMSGERR_ATTR_MISS_NEST: where the nest it is missing from stands; absent at the message's own level. */
  missingNest: [6, u32],
});
export type ExtendedAck = Decoded<typeof extendedAck>;

/** The outcome of a request. */
export interface Acknowledgement {
  /** Positive; 0 is success. */
  errno: number;
  extendedAck: ExtendedAck | undefined;
}

/**
 * Decodes NLMSG_ERROR or NLMSG_DONE. Success may carry an extended acknowledgement too: a warning.
 * @throws {DecodeError}
 */
export function readAcknowledgement(frame: Frame): Acknowledgement {
  const { reader, flags } = frame;
  if (reader.left === 0) {
    return { errno: 0, extendedAck: undefined }; // NLMSG_DONE of kernels that say nothing in it
  }
  const errno = -reader.view.getInt32(reader.take(4), littleEndian);
  if ((flags & NLM_F_ACK_TLVS) === 0) {
    return { errno: errno + 0, extendedAck: undefined };
  }
  if (frame.type === NLMSG_ERROR) {
    skipRequest(reader, (flags & NLM_F_CAPPED) !== 0);
  }
  return { errno: errno + 0, extendedAck: extendedAck.read(reader) };
}

/** After the error stands the request's header, and the request itself unless it is capped. */
function skipRequest(reader: Reader, capped: boolean): void {
  const at = reader.take(NLMSG_HDRLEN);
  const length = reader.view.getUint32(at, littleEndian);
  if (!capped && length > NLMSG_HDRLEN) {
    reader.take(align(length - NLMSG_HDRLEN));
  }
}
