/**
 * A DHCPv6 lease at work: the state machine with its datagrams and its timer.
 *
 * The socket is open during an exchange alone: it would keep the pod's namespace after the runtime has taken that away.
 * @module
 */

import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { bootMs, POLLIN, type Timer } from "../core/daemon/loop.ts";
import { Ipv6Socket } from "./ipv6-socket.ts";
import { advance6 } from "./lease6.ts";
import {
  type Lease6Action,
  type Lease6Event,
  type Lease6Settings,
  type Lease6State,
  newLease6,
} from "./lease6-state.ts";
import {
  allServers,
  type Dhcp6Message,
  decodeMessage6,
  encodeMessage6,
  SERVER_PORT6,
} from "./packet6/message.ts";
import type { Pod } from "./pod.ts";
import type { World } from "./world.ts";

/** Datagrams that are read in one turn: others wait as well. */
const MOST_DATAGRAMS = 16;
/** An answer to a renewal that comes later finds nobody; it is asked for again. */
const RENEWAL_WAIT_MS = 10_000;

/** What a lease wants done beside talking and waiting. */
export type Lease6Decision = Exclude<Lease6Action, { type: "send" } | { type: "timer" }>;

/** Who the lease is for. */
export interface Lease6Owner {
  /** Does what the lease wants. An event for it has to wait until this has returned. */
  decided(decision: Lease6Decision, event: Lease6Event): void;
  /** A message could not be sent; unless it is a release it will be sent again. */
  notSent(message: Dhcp6Message, error: unknown): void;
}

/** One client on one link. */
export class Lease6Client implements Disposable {
  readonly #world: World;
  readonly #pod: Pod;
  readonly #owner: Lease6Owner;
  #state: Lease6State;
  #timer: Timer | undefined;
  #socket: { datagrams: Ipv6Socket; watch: Disposable } | undefined;
  #closing: Timer | undefined;

  constructor(world: World, pod: Pod, settings: Lease6Settings, owner: Lease6Owner) {
    this.#world = world;
    this.#pod = pod;
    this.#owner = owner;
    this.#state = newLease6(settings);
  }

  /** The lease as it is now. */
  get state(): Lease6State {
    return this.#state;
  }

  /** Something has happened. */
  take(event: Lease6Event): void {
    const { state, actions } = advance6(this.#state, event, { bootMs: bootMs() }, Math.random);
    this.#state = state;
    for (const action of actions) this.#do(action, event);
    this.#tidySocket();
  }

  [Symbol.dispose](): void {
    this.#closeSocket();
    this.#timer?.[Symbol.dispose]();
  }

  #do(action: Lease6Action, event: Lease6Event): void {
    if (action.type === "send") this.#send(action.message);
    else if (action.type === "timer") this.#setTimer(action.atMs);
    else this.#owner.decided(action, event);
  }

  #setTimer(atMs: number | undefined): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer =
      atMs === undefined
        ? undefined
        : this.#world.loop.at(atMs, () => this.take({ type: "timer" }));
  }

  #send(message: Dhcp6Message): void {
    try {
      this.#openSocket().send(encodeMessage6(message), allServers, SERVER_PORT6);
    } catch (error) {
      this.#owner.notSent(message, error);
    }
  }

  #openSocket(): Ipv6Socket {
    if (this.#socket !== undefined) return this.#socket.datagrams;
    const { ifname } = this.#pod;
    const datagrams = this.#pod.enter(({ ifindex }) => Ipv6Socket.forDhcp({ ifname, ifindex }));
    const watch = this.#world.loop.watch(datagrams.fd, POLLIN, () => this.#hear());
    this.#socket = { datagrams, watch };
    return datagrams;
  }

  #closeSocket(): void {
    this.#closing?.[Symbol.dispose]();
    this.#closing = undefined;
    for (const each of [this.#socket?.watch, this.#socket?.datagrams]) each?.[Symbol.dispose]();
    this.#socket = undefined;
  }

  /** Closes the socket when nobody will answer any more. */
  #tidySocket() {
    if (this.#socket === undefined) return;
    const { phase } = this.#state;
    if (phase === "bound" || phase === "waiting" || phase === "stopped") return this.#closeSocket();
    if (phase !== "renewing" && phase !== "rebinding") return;
    this.#closing ??= this.#world.loop.after(RENEWAL_WAIT_MS, () => this.#closeSocket());
  }

  #hear(): void {
    for (let left = MOST_DATAGRAMS; left > 0; left--) {
      const datagram = this.#socket?.datagrams.receive();
      if (datagram === undefined) return;
      const message = readMessage(datagram.data);
      if (message !== undefined) this.take({ type: "message", message });
    }
  }
}

/** Undefined for what is no message of a server, since anybody on the link may send anything. */
function readMessage(bytes: Uint8Array): Dhcp6Message | undefined {
  try {
    return decodeMessage6(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
