/**
 * Requests and answers over a {@link Transport}.
 * @module
 */

import { Reader } from "../wire/cursor.ts";
import { Batch } from "./batch.ts";
import { type Acknowledgement, readAcknowledgement } from "./extended-ack.ts";
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
} from "./flags.ts";
import { Frames, NLMSG_HDRLEN } from "./frame.ts";
import { NetlinkError } from "./netlink-error.ts";
import { explain } from "./refusal.ts";
import type { Call, Request } from "./request.ts";
import type { Transport } from "./transport.ts";

const EINTR = 4;
const ENODATA = 61;
/** How often a dump that changed meanwhile is read again. */
const DUMP_ATTEMPTS = 5;

/** One message on its way, decoded. */
export interface TraceEvent {
  readonly direction: "sent" | "received";
  /** Name of the request sent, or that is answered. */
  readonly name: string;
  readonly flags: number;
  readonly sequence: number;
  /** The decoded message, or an {@link Acknowledgement}. */
  readonly value: unknown;
}

/** How a {@link Connection} behaves. */
export interface ConnectionOptions {
  /** Gets every message sent and received; decoding them for it costs time. */
  readonly trace?: ((event: TraceEvent) => void) | undefined;
}

/** Answers of the calls, in order: what commands are answered with NLM_F_ECHO, and queries in any case. */
type Answers<C extends readonly Call[]> = {
  [K in keyof C]: C[K] extends Call<infer R> ? R[] : never;
};

/** Answers of {@link Connection.getAll}: of each question its answer or its refusal. */
type Replies<C extends readonly Call[]> = {
  [K in keyof C]: C[K] extends Call<infer R> ? R | NetlinkError : never;
};

/**
 * Asks the kernel, one exchange at a time. Messages that belong to none (notifications of multicast groups, rests of an
 * exchange that was given up) are stepped over.
 *
 * Every method throws {@link NetlinkError} when the kernel refuses, {@link DecodeError} when its answer cannot be read,
 * RangeError when a value does not fit, and what the transport throws.
 */
export class Connection {
  readonly #transport: Transport;
  readonly #trace: ((event: TraceEvent) => void) | undefined;
  readonly #batch = new Batch();
  #sequence = 1;

  constructor(transport: Transport, options: ConnectionOptions = {}) {
    this.#transport = transport;
    this.#trace = options.trace;
  }

  /** Sends a request and waits until the kernel says it is done. */
  execute<I>(request: Request<I>, value: I): void {
    this.exchange(this.#batch.clear().add(request, value));
  }

  /**
   * Sends several requests in one datagram; only the last is acknowledged. rtnetlink works on every one even if an
   * earlier one failed; an nfnetlink batch takes effect as a whole or not at all.
   * @returns what each request was answered with, in order
   * @throws {NetlinkError} the first refusal, naming its request
   */
  executeAll<const C extends readonly Call[]>(...calls: C): Answers<C> {
    const batch = this.#batch.clear();
    for (let index = 0; index < calls.length; index++) {
      batch.addCall(calls[index] as Call);
    }
    return this.exchange(batch) as Answers<C>;
  }

  /** As {@link executeAll}, with requests encoded before. */
  exchange(batch: Batch): unknown[][] {
    const last = batch.lastAcknowledged();
    const base = this.#send(batch, last, NLM_F_ACK);
    const answers: unknown[][] = [];
    for (let index = 0; index < batch.count; index++) {
      answers.push([]);
    }
    return last < 0 ? answers : this.#collect(batch, base, last, answers);
  }

  /** Asks for one object. @throws {NetlinkError} ENODATA when the kernel has no answer but success */
  get<I, R>(request: Request<I, R>, value: I): R {
    const batch = this.#batch.clear().add(request, value);
    const base = this.#send(batch, -1, 0);
    for (;;) {
      const frames = new Frames(this.#transport.receive());
      while (frames.next()) {
        if (frames.sequence !== base) {
          continue;
        }
        const reply = this.#reply(frames, batch, 0);
        if (reply instanceof NetlinkError) {
          throw reply;
        }
        if (reply !== undefined) {
          return reply as R;
        }
      }
    }
  }

  /**
   * Asks for several objects in one datagram, one answer each. Not for more than some 16 at once: what the kernel cannot
   * queue is lost.
   * @returns answers in order; in place of one that was refused, the refusal
   */
  getAll<const C extends readonly Call[]>(...calls: C): Replies<C> {
    const batch = this.#batch.clear();
    for (const each of calls) {
      batch.addCall(each);
    }
    const base = this.#send(batch, -1, 0);
    const replies: unknown[] = [];
    let awaited = batch.count;
    while (awaited > 0) {
      const frames = new Frames(this.#transport.receive());
      while (frames.next()) {
        const index = (frames.sequence - base) >>> 0;
        if (index >= batch.count) {
          continue;
        }
        const reply = this.#reply(frames, batch, index);
        if (reply !== undefined) {
          replies[index] = reply;
          awaited--;
        }
      }
    }
    return replies as Replies<C>;
  }

  /**
   * Asks for all objects, or for those the request's fields filter. A dump that changed while it was read (NLM_F_DUMP_INTR)
   * is read again, five times at most.
   * @throws {NetlinkError} EINTR when it changed every time
   */
  dump<I, R>(request: Request<I, R>, value: I): R[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const answers = this.#dumpOnce(request, value);
      if (answers !== undefined) {
        return answers;
      }
    }
    const message = `dump changed while it was read, ${DUMP_ATTEMPTS} times`;
    throw new NetlinkError(request.name, EINTR, { message });
  }

  /** Closes the transport. */
  close(): void {
    this.#transport.close();
  }

  #dumpOnce<I, R>(request: Request<I, R>, value: I): R[] | undefined {
    const batch = this.#batch.clear().add(request, value);
    const base = this.#send(batch, 0, NLM_F_DUMP);
    const answers: R[] = [];
    let interrupted = false;
    for (;;) {
      const frames = new Frames(this.#transport.receive());
      while (frames.next()) {
        if (frames.sequence !== base) {
          continue;
        }
        interrupted ||= (frames.flags & NLM_F_DUMP_INTR) !== 0;
        if (frames.type >= NLMSG_MIN_TYPE) {
          answers.push(this.#answer(frames, request) as R);
        } else if (frames.type === NLMSG_DONE || frames.type === NLMSG_ERROR) {
          const ack = this.#acknowledgement(frames, request);
          if (ack.errno !== 0) {
            throw this.#refusal(batch, 0, ack);
          }
          return interrupted ? undefined : answers;
        }
      }
    }
  }

  /** Sends a batch and returns the sequence number of its first request. */
  #send(batch: Batch, index: number, flags: number): number {
    const base = this.#sequence;
    this.#sequence = (base + batch.count) >>> 0;
    const datagram = batch.stamp(base, index, flags);
    if (this.#trace !== undefined) {
      traceSent(this.#trace, batch, datagram);
    }
    this.#transport.send(datagram);
    return base;
  }

  /**
   * Reads until the last request is acknowledged. Netlink works inside send(2), so after a refusal all there will ever be
   * is queued: a batch refused as a whole ends without that acknowledgement.
   */
  #collect(batch: Batch, base: number, last: number, answers: unknown[][]): unknown[][] {
    let refusal: NetlinkError | undefined;
    for (;;) {
      const datagram =
        refusal === undefined ? this.#transport.receive() : this.#transport.receiveIfAny();
      if (datagram === undefined) {
        throw refusal;
      }
      const frames = new Frames(datagram);
      while (frames.next()) {
        const index = (frames.sequence - base) >>> 0;
        if (index >= batch.count) {
          continue;
        }
        const request = batch.request(index);
        if (frames.type >= NLMSG_MIN_TYPE) {
          answers[index]?.push(this.#answer(frames, request));
        } else if (frames.type === NLMSG_ERROR) {
          const ack = this.#acknowledgement(frames, request);
          if (ack.errno !== 0) {
            refusal ??= this.#refusal(batch, index, ack);
          }
          if (index === last) {
            return finished(answers, refusal);
          }
        }
      }
    }
  }

  /** The answer to a question, or its refusal: success without an answer is one too. Undefined for neither. */
  #reply(frames: Frames, batch: Batch, index: number): unknown {
    const request = batch.request(index);
    if (frames.type >= NLMSG_MIN_TYPE) {
      return this.#answer(frames, request);
    }
    if (frames.type !== NLMSG_ERROR) {
      return undefined;
    }
    const ack = this.#acknowledgement(frames, request);
    return this.#refusal(batch, index, ack.errno === 0 ? { ...ack, errno: ENODATA } : ack);
  }

  #answer<R>(frames: Frames, request: Request<never, R>): R {
    const value = request.reply.read(frames.reader);
    this.#traceReceived(frames, request.name, value);
    return value;
  }

  #acknowledgement(frames: Frames, request: Request<never>): Acknowledgement {
    const ack = readAcknowledgement(frames);
    this.#traceReceived(frames, request.name, ack);
    return ack;
  }

  #traceReceived({ flags, sequence }: Frames, name: string, value: unknown): void {
    this.#trace?.({ direction: "received", name, flags, sequence, value });
  }

  #refusal(batch: Batch, index: number, { errno, extendedAck }: Acknowledgement): NetlinkError {
    const { name, message } = batch.request(index);
    if (extendedAck === undefined) {
      return new NetlinkError(name, errno, undefined, index);
    }
    const frame = batch.frame(index).slice(); // the batch is used again
    return new NetlinkError(name, errno, () => explain(extendedAck, message, frame), index);
  }
}

function finished(answers: unknown[][], refusal: NetlinkError | undefined): unknown[][] {
  if (refusal !== undefined) {
    throw refusal;
  }
  return answers;
}

function traceSent(trace: (event: TraceEvent) => void, batch: Batch, datagram: Uint8Array): void {
  const frames = new Frames(datagram);
  for (let index = 0; frames.next(); index++) {
    const { name, message } = batch.request(index);
    const value = message.read(new Reader(batch.frame(index).subarray(NLMSG_HDRLEN)));
    const { flags, sequence } = frames;
    trace({ direction: "sent", name, flags, sequence, value });
  }
}
