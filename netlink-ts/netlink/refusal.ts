/**
 * Which attribute the kernel meant: an extended acknowledgement names it by offset or number only.
 * @module
 */

import { align, littleEndian, Reader } from "../wire/cursor.ts";
import { DecodeError } from "../wire/decode-error.ts";
import type { ExtendedAck } from "./extended-ack.ts";
import { NLMSG_HDRLEN } from "./frame.ts";
import type { Refusal } from "./netlink-error.ts";

interface Described {
  readonly headerSize: number;
  read(reader: Reader): unknown;
}

/** Adds to an extended acknowledgement the paths of the attributes it speaks of. @param frame the request that was sent */
export function explain(ack: ExtendedAck, message: Described, frame: Uint8Array): Refusal {
  const payload = frame.subarray(NLMSG_HDRLEN);
  const { offset, missingType } = ack;
  const refusal: Refusal = { ...ack };
  if (offset !== undefined) {
    refusal.attribute = pathOf(message, payload, offset - NLMSG_HDRLEN);
  }
  if (missingType !== undefined) {
    refusal.missing = missingPath(message, payload, missingType, ack.missingNest);
  }
  return refusal;
}

/** Decoding the request with that attribute's length broken fails there, and the error knows the path. */
function pathOf(message: Described, payload: Uint8Array, offset: number): string | undefined {
  if (offset < message.headerSize || offset + 4 > payload.length) {
    return undefined;
  }
  const copy = payload.slice();
  new DataView(copy.buffer).setUint16(offset, 0, littleEndian);
  return failingPath(message, copy, offset);
}

/** As {@link pathOf}, with the attribute that is not there put where the first one of its nest stands. */
function missingPath(
  message: Described,
  payload: Uint8Array,
  type: number,
  nest: number | undefined,
): string | undefined {
  const at = nest === undefined ? message.headerSize : nest - NLMSG_HDRLEN + 4;
  const copy = new Uint8Array(Math.max(payload.length, align(at) + 4));
  copy.set(payload);
  const view = new DataView(copy.buffer);
  view.setUint16(at, 0, littleEndian);
  view.setUint16(at + 2, type, littleEndian);
  return failingPath(message, copy, at);
}

function failingPath(message: Described, bytes: Uint8Array, offset: number): string | undefined {
  try {
    message.read(new Reader(bytes));
    return undefined;
  } catch (error) {
    if (error instanceof DecodeError) {
      return error.offset === offset ? error.path : undefined;
    }
    throw error;
  }
}
