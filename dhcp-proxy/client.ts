/**
 * One connection of the daemon's socket. Who is at the other end is root, and may still be slow, broken or in no hurry: what
 * is kept for a connection, and how long it may take, is bounded.
 * @module
 */

import { joinBytes } from "../core/bytes.ts";
import {
  type EventLoop,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  type Timer,
  type Watch,
} from "../core/daemon/loop.ts";
import { type CniError, explain, isErrno } from "../core/errors.ts";
import { host } from "../core/host.ts";
import { errorText } from "../core/rpc/dhcp-service.ts";
import type { GobFields } from "../core/rpc/gob-encoder.ts";
import { type RpcRequest, RpcServerConnection, type StructShape } from "../core/rpc/net-rpc.ts";

const MSG_DONTWAIT = 0x40;
const READ_SIZE = 65_536;
/** Bytes that may come while nothing is whole, and that may wait to be sent. */
const MOST_BYTES = 1 << 20;
/** Calls of one connection that wait at once. */
const MOST_CALLS = 64;
/** A call has to be whole after this long, and a connection without one ends. */
const PATIENCE_MS = 30_000;

/** A call, and the way to answer it once. */
export interface Call {
  request: RpcRequest;
  answer(shape: StructShape, fields: GobFields): void;
  refuse(error: CniError, wantsDetails: boolean): void;
  /** As {@link refuse}, with a text that is no error of ours. */
  refuseText(text: string): void;
}

/** What a client is made with. */
export interface ClientOwner {
  loop: EventLoop;
  /** @returns to be disposed when the client is gone; undefined when it has been answered */
  handle(call: Call): Disposable | undefined;
  /** Told once, with a reason when it was not the client who ended it. */
  ended(client: Client, reason?: string): void;
}

/** A connection. */
export class Client {
  readonly #fd: number;
  readonly #owner: ClientOwner;
  readonly #connection = new RpcServerConnection();
  readonly #watch: Watch;
  readonly #calls = new Set<{ cancel?: Disposable | undefined }>();
  #patience: Timer | undefined;
  #unsent: Uint8Array<ArrayBuffer> = new Uint8Array();
  #received = 0;
  /** It sends nothing more. */
  #isDeaf = false;
  #isOpen = true;

  /** @param fd of the accepted connection, closed at its end */
  constructor(fd: number, owner: ClientOwner) {
    this.#fd = fd;
    this.#owner = owner;
    this.#watch = owner.loop.watch(fd, POLLIN, (events) => this.#ready(events));
    this.#wait();
  }

  /** Ends the connection; calls that wait are given up. */
  close(reason?: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch[Symbol.dispose]();
    this.#patience?.[Symbol.dispose]();
    host.close(this.#fd);
    this.#owner.ended(this, reason);
    for (const call of this.#calls) call.cancel?.[Symbol.dispose]();
    this.#calls.clear();
  }

  #ready(events: number): void {
    try {
      if ((events & POLLOUT) !== 0) this.#flush();
      if (this.#isOpen && (events & POLLIN) !== 0) this.#read();
      if (this.#isOpen && (events & (POLLHUP | POLLERR)) !== 0) this.close();
    } catch (error) {
      this.close(explain(error));
    }
  }

  #read() {
    const bytes = this.#receive();
    if (bytes === undefined) return;
    if (bytes.length === 0) return this.#finished();
    this.#received += bytes.length;
    if (this.#received > MOST_BYTES) return this.close(`more than ${MOST_BYTES} bytes in one call`);
    const { requests, send } = this.#connection.feed(bytes);
    if (requests.length > 0) this.#received = 0;
    this.#send(send);
    for (const request of requests) this.#take(request);
  }

  #receive(): Uint8Array | undefined {
    try {
      return host.recv(this.#fd, READ_SIZE, MSG_DONTWAIT);
    } catch (error) {
      if (isErrno(error, "EAGAIN")) return undefined;
      throw error;
    }
  }

  /** The client has said all it wanted; what it asked for is answered still. A client that is gone shows as POLLHUP. */
  #finished(): void {
    this.#isDeaf = true;
    if (this.#calls.size === 0 && this.#unsent.length === 0) this.close();
    else this.#listen();
  }

  #take(request: RpcRequest) {
    if (!this.#isOpen) return;
    if (this.#calls.size >= MOST_CALLS) return this.close(`more than ${MOST_CALLS} calls at once`);
    const entry: { cancel?: Disposable | undefined } = {};
    this.#calls.add(entry);
    this.#wait();
    const end = (bytes: Uint8Array) => {
      if (this.#calls.delete(entry)) this.#answer(bytes);
    };
    entry.cancel = this.#owner.handle({
      request,
      answer: (shape, fields) => end(this.#connection.reply(request, shape, fields)),
      refuse: (error, wantsDetails) =>
        end(this.#connection.refuse(request, errorText(error, wantsDetails))),
      refuseText: (text) => end(this.#connection.refuse(request, text)),
    });
  }

  #answer(bytes: Uint8Array) {
    if (!this.#isOpen) return;
    this.#wait();
    try {
      this.#send(bytes);
    } catch (error) {
      return this.close(explain(error));
    }
    if (this.#isDeaf && this.#calls.size === 0 && this.#unsent.length === 0) this.close();
  }

  #send(bytes: Uint8Array) {
    if (bytes.length === 0) return;
    this.#unsent = joinBytes(this.#unsent, bytes);
    if (this.#unsent.length > MOST_BYTES) return this.close("does not read its answers");
    this.#flush();
  }

  #flush(): void {
    try {
      while (this.#unsent.length > 0) {
        this.#unsent = this.#unsent.slice(host.send(this.#fd, this.#unsent, MSG_DONTWAIT));
      }
    } catch (error) {
      if (!isErrno(error, "EAGAIN")) throw error;
    }
    this.#listen();
    if (this.#isDeaf && this.#calls.size === 0 && this.#unsent.length === 0) this.close();
  }

  #listen(): void {
    const reads = this.#isDeaf ? 0 : POLLIN;
    this.#watch.events = reads | (this.#unsent.length > 0 ? POLLOUT : 0);
  }

  /** Patience begins anew with each call and each answer, and is not needed while a call waits for us. */
  #wait(): void {
    this.#patience?.[Symbol.dispose]();
    const waitsForUs = this.#calls.size > 0 && this.#unsent.length === 0;
    this.#patience = waitsForUs
      ? undefined
      : this.#owner.loop.after(PATIENCE_MS, () => this.close(`silent for ${PATIENCE_MS / 1000} s`));
  }
}
