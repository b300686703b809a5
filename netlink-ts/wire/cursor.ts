/**
 * Where encoders write and decoders read.
 * @module
 */

import { DecodeError } from "./decode-error.ts";

/** Netlink speaks the byte order of the machine. */
export const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** NLMSG_ALIGN and NLA_ALIGN: `(length + 3) & ~3`. */
export function align(length: number): number {
  return (length + 3) & ~3;
}

/** A growing buffer. Bytes not written are zero. */
export class Writer {
  #bytes: Uint8Array;
  view: DataView;
  /** Bytes written so far. */
  length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.view = new DataView(this.#bytes.buffer);
  }

  /** Makes room for `size` zero bytes and returns where they start. */
  take(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.#bytes.length) {
      this.#grow();
    }
    return at;
  }

  /** Appends bytes as they are. */
  put(bytes: Uint8Array): void {
    const at = this.take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Pads with zeroes to the next multiple of four. */
  pad(): void {
    this.take(align(this.length) - this.length);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  /** What was written, as a view that lasts until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** Forgets what was written and keeps the room. */
  clear(): void {
    this.#bytes.fill(0, 0, this.length);
    this.length = 0;
  }

  #grow(): void {
    const bytes = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** A window on bytes: from `offset`, which decoders move, to `end`, which enclosing decoders narrow. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset: number;
  end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
    this.end = end;
  }

  /** Bytes left in the window. */
  get left(): number {
    return this.end - this.offset;
  }

  /** Moves over `size` bytes and returns where they start. @throws {DecodeError} when fewer are left */
  take(size: number): number {
    const at = this.offset;
    if (this.end - at < size) {
      throw new DecodeError("", at, `want ${size} bytes, got ${this.end - at}`);
    }
    this.offset = at + size;
    return at;
  }

  /** The next `size` bytes, or all that are left: a view, not a copy. */
  slice(size = this.left): Uint8Array {
    const at = this.take(size);
    return this.bytes.subarray(at, at + size);
  }
}
