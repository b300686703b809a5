/**
 * Several messages for one send.
 * @module
 */

import { Writer } from "../wire/cursor.ts";
import { finishFrame, restampFrame, startFrame } from "./frame.ts";
import type { Call, Request } from "./request.ts";

/**
 * Encoded requests, one after another, for {@link Connection.exchange}. May be made long before it is sent (when a program
 * is built, say), sent again, and appended to others: sequence numbers are stamped when it is sent.
 */
export class Batch {
  readonly #writer: Writer;
  readonly #requests: Request<never>[] = [];
  readonly #starts: number[] = [];

  constructor(capacity = 1024) {
    this.#writer = new Writer(capacity);
  }

  /** How many requests there are. */
  get count(): number {
    return this.#requests.length;
  }

  /** Size of the datagram; a socket sends no more than SO_SNDBUF allows (212992 unless raised). */
  get byteLength(): number {
    return this.#writer.length;
  }

  /** Adds a request. @throws {RangeError} naming the field that does not fit; the batch is then of no use */
  add<I>(request: Request<I>, value: I): this {
    const at = startFrame(this.#writer, request.type, request.flags, 0);
    request.message.write(this.#writer, value);
    finishFrame(this.#writer, at);
    this.#starts.push(at);
    this.#requests.push(request as Request<never>);
    return this;
  }

  /** Adds a call. */
  addCall(call: Call): this {
    return this.add(call.request as Request<unknown>, call.value);
  }

  /** Adds the requests of another batch, which stays as it is. */
  append(other: Batch): this {
    const base = this.#writer.length;
    this.#writer.put(other.#writer.written());
    for (let index = 0; index < other.#starts.length; index++) {
      this.#starts.push(base + (other.#starts[index] as number));
      this.#requests.push(other.#requests[index] as Request<never>);
    }
    return this;
  }

  /** The request at an index. */
  request(index: number): Request<never> {
    return this.#requests[index] as Request<never>;
  }

  /** Bytes of the request at an index, header included: a view. */
  frame(index: number): Uint8Array {
    const end = this.#starts[index + 1] ?? this.#writer.length;
    return this.#writer.written().subarray(this.#starts[index], end);
  }

  /** Index of the request whose acknowledgement ends the exchange, or -1. */
  lastAcknowledged(): number {
    let index = this.#requests.length - 1;
    while (index >= 0 && this.#requests[index]?.silent === true) {
      index--;
    }
    return index;
  }

  /**
   * The datagram, a view: requests numbered from `sequence` on, further flags on the one at `index`.
   */
  stamp(sequence: number, index: number, flags: number): Uint8Array {
    for (let at = 0; at < this.#starts.length; at++) {
      const further = at === index ? flags : 0;
      restampFrame(this.#writer, this.#starts[at] as number, (sequence + at) >>> 0, further);
    }
    return this.#writer.written();
  }

  /** Empties it and keeps its room. */
  clear(): this {
    this.#writer.clear();
    this.#requests.length = 0;
    this.#starts.length = 0;
    return this;
  }
}
