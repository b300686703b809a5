/**
 * A kernel for tests: a {@link Transport} that answers as the kernel does, with messages the test provides.
 * @module
 */

import { type ExtendedAck, extendedAck } from "../netlink/extended-ack.ts";
import {
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../netlink/flags.ts";
import { Frames, finishFrame, NLMSG_HDRLEN, startFrame } from "../netlink/frame.ts";
import type { Transport } from "../netlink/transport.ts";
import { Writer } from "../wire/cursor.ts";
import { i32 } from "../wire/scalars.ts";

/** A request as it reached the fake kernel. */
export interface FakeRequest {
  type: number;
  flags: number;
  sequence: number;
  payload: Uint8Array;
  /** Struct nlmsghdr and payload. */
  frame: Uint8Array;
}

/** How the fake kernel answers one request; what is left out is success without an answer. */
export interface FakeAnswer {
  /** Refuses the request with this positive errno. */
  errno?: number;
  extendedAck?: ExtendedAck;
  /** Payloads of the messages it answers with. To a dump request they are multipart, closed by NLMSG_DONE. */
  payloads?: readonly Uint8Array[];
  /** Type of those messages; the request's own less 2 (RTM_GET* to RTM_NEW*) unless given. */
  type?: number;
  /** The dump changed while it was read. */
  interrupted?: boolean;
  /** The kernel says nothing at all, not even on NLM_F_ACK. */
  silent?: boolean;
}

/** One message to be put into a datagram. */
interface Outgoing {
  type: number;
  flags: number;
  sequence: number;
  payload: Uint8Array;
}

/** How a {@link FakeKernel} behaves. */
export interface FakeKernelOptions {
  /** Messages of a dump in one datagram, 2 unless given. */
  messagesPerDatagram?: number;
  /** Acknowledgements do not repeat the request (NETLINK_CAP_ACK); true unless given. */
  capsAcknowledgements?: boolean;
}

/** Answers each request with what `answer` says, keeps all requests, and like the kernel does its work inside `send`. */
export class FakeKernel implements Transport {
  /** Every request so far, one datagram an entry. */
  readonly sent: FakeRequest[][] = [];
  /** Datagrams not yet received; a test may put its own there. */
  readonly queue: Uint8Array[] = [];
  isClosed = false;
  readonly #answer: (request: FakeRequest) => FakeAnswer | undefined;
  readonly #messagesPerDatagram: number;
  readonly #caps: boolean;

  constructor(
    answer: (request: FakeRequest) => FakeAnswer | undefined = () => undefined,
    { messagesPerDatagram = 2, capsAcknowledgements = true }: FakeKernelOptions = {},
  ) {
    this.#answer = answer;
    this.#messagesPerDatagram = messagesPerDatagram;
    this.#caps = capsAcknowledgements;
  }

  /** All requests of all datagrams. */
  get requests(): FakeRequest[] {
    return this.sent.flat();
  }

  send(datagram: Uint8Array): void {
    const requests = readRequests(datagram.slice());
    this.sent.push(requests);
    for (const request of requests) {
      const answer = this.#answer(request) ?? {};
      if (answer.silent !== true) {
        this.#reply(request, answer);
      }
    }
  }

  /** @throws {Error} where a real socket would wait forever */
  receive(): Uint8Array {
    const datagram = this.queue.shift();
    if (datagram === undefined) {
      throw new Error(
        "the fake kernel has nothing to say: a real one would keep the caller waiting",
      );
    }
    return datagram;
  }

  receiveIfAny(): Uint8Array | undefined {
    return this.queue.shift();
  }

  close(): void {
    this.isClosed = true;
  }

  #reply(request: FakeRequest, answer: FakeAnswer): void {
    const { flags, sequence } = request;
    if (answer.errno !== undefined) {
      this.queue.push(datagramOf([this.#acknowledgement(request, answer)]));
      return;
    }
    const type = answer.type ?? request.type - 2;
    const isDump = (flags & NLM_F_DUMP) === NLM_F_DUMP && answer.payloads !== undefined;
    if (isDump) {
      this.#dump(sequence, type, answer);
      return;
    }
    for (const payload of answer.payloads ?? []) {
      this.queue.push(datagramOf([{ type, flags: 0, sequence, payload }]));
    }
    if ((flags & NLM_F_ACK) !== 0) {
      this.queue.push(datagramOf([this.#acknowledgement(request, answer)]));
    }
  }

  #dump(sequence: number, type: number, { payloads = [], interrupted }: FakeAnswer): void {
    const flags = NLM_F_MULTI | (interrupted === true ? NLM_F_DUMP_INTR : 0);
    const messages: Outgoing[] = payloads.map((payload) => ({ type, flags, sequence, payload }));
    for (let start = 0; start < messages.length; start += this.#messagesPerDatagram) {
      this.queue.push(datagramOf(messages.slice(start, start + this.#messagesPerDatagram)));
    }
    const done = { type: NLMSG_DONE, flags, sequence, payload: new Uint8Array(4) };
    this.queue.push(datagramOf([done]));
  }

  #acknowledgement({ sequence, frame }: FakeRequest, answer: FakeAnswer): Outgoing {
    const { errno = 0 } = answer;
    const capped = errno === 0 || this.#caps;
    const writer = new Writer();
    i32.write(writer, -errno);
    writer.put(capped ? frame.subarray(0, NLMSG_HDRLEN) : frame);
    let flags = capped ? NLM_F_CAPPED : 0;
    if (answer.extendedAck !== undefined) {
      flags |= NLM_F_ACK_TLVS;
      writer.pad();
      extendedAck.write(writer, answer.extendedAck);
    }
    return { type: NLMSG_ERROR, flags, sequence, payload: writer.finish() };
  }
}

/** A datagram with one message, for a test that plays the kernel itself. */
export function datagram(
  type: number,
  flags: number,
  sequence: number,
  payload: Uint8Array,
): Uint8Array {
  return datagramOf([{ type, flags, sequence, payload }]);
}

function datagramOf(messages: readonly Outgoing[]): Uint8Array {
  const writer = new Writer();
  for (const { type, flags, sequence, payload } of messages) {
    const at = startFrame(writer, type, flags, sequence);
    writer.put(payload);
    finishFrame(writer, at);
  }
  return writer.finish();
}

function readRequests(datagram: Uint8Array): FakeRequest[] {
  const requests: FakeRequest[] = [];
  const frames = new Frames(datagram);
  while (frames.next()) {
    const { type, flags, sequence, start, reader } = frames;
    const frame = datagram.subarray(start, reader.end);
    const payload = frame.subarray(NLMSG_HDRLEN);
    requests.push({ type, flags, sequence, payload, frame });
  }
  return requests;
}
