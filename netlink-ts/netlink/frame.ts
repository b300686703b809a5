/**
 * struct nlmsghdr: what stands before every message.
 * @see include/uapi/linux/netlink.h, RFC 3549 §2.3.2
 * @module
 */

import { align, littleEndian, Reader, type Writer } from "../wire/cursor.ts";
import { DecodeError } from "../wire/decode-error.ts";

/** sizeof(struct nlmsghdr): length u32, type u16, flags u16, sequence u32, portId u32. */
export const NLMSG_HDRLEN = 16;
const SEQUENCE = 8;

/** One message of a datagram. The reader's window is its payload; it holds until the next message is taken. */
export interface Frame {
  type: number;
  flags: number;
  sequence: number;
  /** The port the message is for; 0 in notifications. */
  portId: number;
  /** Where its header starts in the datagram. */
  start: number;
  readonly reader: Reader;
}

/** Starts a message and returns where, for {@link finishFrame}; its payload is written next. */
export function startFrame(writer: Writer, type: number, flags: number, sequence: number): number {
  const at = writer.take(NLMSG_HDRLEN);
  const { view } = writer;
  view.setUint16(at + 4, type, littleEndian);
  view.setUint16(at + 6, flags, littleEndian);
  view.setUint32(at + SEQUENCE, sequence, littleEndian);
  return at;
}

/** Fills in the length of the message started at `at`, and pads it so that another may follow. */
export function finishFrame(writer: Writer, at: number): void {
  writer.view.setUint32(at, writer.length - at, littleEndian);
  writer.pad();
}

/** Gives an encoded message another sequence number and further flags. */
export function restampFrame(writer: Writer, at: number, sequence: number, flags: number): void {
  const { view } = writer;
  view.setUint32(at + SEQUENCE, sequence, littleEndian);
  view.setUint16(at + 6, view.getUint16(at + 6, littleEndian) | flags, littleEndian);
}

/** The messages of a datagram one after another. */
export class Frames implements Frame {
  type = 0;
  flags = 0;
  sequence = 0;
  portId = 0;
  start = 0;
  readonly reader: Reader;
  readonly #end: number;
  #next: number;

  constructor(datagram: Uint8Array, start = 0) {
    this.reader = new Reader(datagram);
    this.#end = datagram.length;
    this.#next = start;
  }

  /** Moves to the next message; false at the end. @throws {DecodeError} for a length that cannot be */
  next(): boolean {
    const at = this.#next;
    if (at >= this.#end) {
      return false;
    }
    const { reader } = this;
    reader.offset = at;
    reader.end = this.#end;
    reader.take(NLMSG_HDRLEN);
    this.#readHeader(at);
    return true;
  }

  #readHeader(at: number): void {
    const { view } = this.reader;
    const length = view.getUint32(at, littleEndian);
    if (length < NLMSG_HDRLEN || length > this.#end - at) {
      const problem = `want a message length of ${NLMSG_HDRLEN} to ${this.#end - at}, got ${length}`;
      throw new DecodeError("nlmsghdr", at, problem);
    }
    this.start = at;
    this.type = view.getUint16(at + 4, littleEndian);
    this.flags = view.getUint16(at + 6, littleEndian);
    this.sequence = view.getUint32(at + SEQUENCE, littleEndian);
    this.portId = view.getUint32(at + 12, littleEndian);
    this.reader.end = at + length;
    this.#next = at + align(length);
  }
}
