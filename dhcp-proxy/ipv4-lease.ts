/**
 * An IPv4 lease at work: the state machine with its packets, its timer and the pod.
 *
 * The packet socket is open during an exchange alone: an open socket would keep the pod's namespace, and a macvlan link with
 * its MAC address on the wire, after the runtime has taken both away.
 * @module
 */

import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import type { CniResult } from "../core/cni/result.ts";
import type { Fields, Priority } from "../core/daemon/journal.ts";
import { bootMs, POLLIN, type Timer } from "../core/daemon/loop.ts";
import { type CniError, explain } from "../core/errors.ts";
import { probeAddress } from "./arp-probe.ts";
import { settingsOf } from "./client-settings.ts";
import { releaseFromHost } from "./host-link.ts";
import { advance } from "./lease.ts";
import { LeaseChange } from "./lease-change.ts";
import type { LeaseInfo } from "./lease-info.ts";
import { fieldsOf, type LeaseRequest } from "./lease-request.ts";
import {
  heldLease,
  type LeaseAction,
  type LeaseEvent,
  type LeaseState,
  newLease,
} from "./lease-state.ts";
import { NoteLimit } from "./note-limit.ts";
import { CLIENT_PORT, decodeFrame, encodeFrame } from "./packet/frame.ts";
import { type DhcpMessage, decodeMessage, encodeMessage } from "./packet/message.ts";
import { messageType, messageTypeOf } from "./packet/options.ts";
import { PacketSocket } from "./packet-socket.ts";
import { type Pod, PodGone } from "./pod.ts";
import type { LeaseFile } from "./store.ts";
import type { World } from "./world.ts";

/** What a lease tells its tenant. */
export interface LeaseEvents {
  /** It has something to give: for the first time, again, or something else. Written down before it returns. */
  granted(): void;
  /** There is none, and nothing more is tried. */
  failed(error: CniError): void;
  /** It was given back; nothing follows. */
  released(): void;
  /** The pod is no more. */
  gone(): void;
}

/** What a lease begins with after a restart. */
export type HeldIpv4 = LeaseFile["ipv4"];

const everybody = new Uint8Array(4).fill(255);
/** Frames that are read in one turn: others wait as well. */
const MOST_FRAMES = 16;
/** An answer to a renewal that comes later finds nobody; it is asked for again. */
const RENEWAL_WAIT_MS = 10_000;

/** One lease of one link. */
export class Ipv4Lease {
  readonly #world: World;
  readonly #request: LeaseRequest;
  readonly #pod: Pod;
  readonly #events: LeaseEvents;
  readonly #change: LeaseChange;
  readonly #notes = new NoteLimit();
  #state: LeaseState;
  #timer: Timer | undefined;
  #socket: { packets: PacketSocket; mac: Uint8Array; close(): void } | undefined;
  #closing: Timer | undefined;
  #probe: Disposable | undefined;
  /** Where the message that is looked at came from, and where the lease did. */
  #heardFrom: Uint8Array | undefined;
  #serverMac: Uint8Array | undefined;
  #isGone = false;

  /** @throws {PodGone} the namespace or the link is not there */
  constructor(world: World, request: LeaseRequest, pod: Pod, events: LeaseEvents, held?: HeldIpv4) {
    this.#world = world;
    this.#request = request;
    this.#pod = pod;
    this.#events = events;
    const link = pod.enter((found) => found);
    const mac = held === undefined ? link.mac : Uint8Array.from(held.mac);
    this.#state = newLease(settingsOf(world, request, { ...link, mac }));
    this.#change = new LeaseChange(world, request, pod);
    if (held?.serverMac !== undefined) this.#serverMac = Uint8Array.from(held.serverMac);
  }

  /** Begins: anew, with a lease that the client had before in another namespace, or with the one that the pod uses. */
  start(previous?: LeaseInfo, resume = false): void {
    this.#take(previous === undefined ? { type: "start" } : { type: "start", previous, resume });
  }

  /** Says again what it has, if it has. */
  check(): void {
    this.#take({ type: "check" });
  }

  /** Gives the lease back. */
  release(): void {
    this.#take({ type: "release" });
  }

  /** Lets go of everything without a word to the server. */
  close(): void {
    this.#closeSocket();
    for (const each of [this.#timer, this.#probe, this.#change]) each?.[Symbol.dispose]();
  }

  /** The lease that may be used now. */
  get held(): LeaseInfo | undefined {
    return heldLease(this.#state);
  }

  /** The last lease there was, valid or not. */
  get last(): LeaseInfo | undefined {
    return this.#state.lease;
  }

  /** What the pod gets of it. */
  result(): CniResult | undefined {
    return this.held && this.#change.resultOf(this.held);
  }

  /** What lies in the file. */
  record(): HeldIpv4 | undefined {
    const lease = this.last;
    if (lease === undefined) return undefined;
    const serverMac = this.#serverMac === undefined ? {} : { serverMac: [...this.#serverMac] };
    return { mac: [...this.#state.settings.mac], lease, ...serverMac, ...expiryOf(lease) };
  }

  // ---- the state machine

  #take(event: LeaseEvent): void {
    const { state, actions } = advance(this.#state, event, { bootMs: bootMs() }, Math.random);
    this.#state = state;
    for (const action of actions) this.#do(action, event);
    this.#tidySocket();
    if (!this.#isGone) return;
    this.#isGone = false;
    this.#events.gone();
  }

  #do(action: LeaseAction, event: LeaseEvent) {
    switch (action.type) {
      case "send":
        return this.#send(action.message, action.to);
      case "timer":
        return this.#setTimer(action.atMs);
      case "probe":
        return this.#probeAddress(action.address);
      case "note":
        if (this.#notes.admits(this.#state.xid, action.text)) this.#log("info", action.text);
        return;
      case "bound":
        return this.#bound(action.lease, event);
      case "changed":
        return this.#changed(action.before, action.lease);
      case "expired":
        this.#log("warning", `lease lost: ${action.reason}; asks for another`, action.lease);
        return;
      case "failed":
        this.close();
        return this.#events.failed(action.error);
      case "done":
        this.close();
        return this.#events.released();
    }
  }

  #bound(lease: LeaseInfo, event: LeaseEvent) {
    if (event.type === "check") return this.#events.granted();
    this.#serverMac = this.#heardFrom ?? this.#serverMac;
    const isFirst = event.type === "start" || this.#change.isFirst;
    const what = event.type === "start" ? "lease resumed" : "lease acquired";
    this.#events.granted();
    this.#guard("set the link's MTU", () => this.#change.begin(lease));
    this.#log("info", isFirst ? what : "lease renewed", lease);
  }

  #changed(before: LeaseInfo, lease: LeaseInfo): void {
    this.#serverMac = this.#heardFrom ?? this.#serverMac;
    this.#events.granted();
    this.#guard("apply the lease to the pod", () => this.#change.apply(before, lease));
    this.#log("notice", `lease changed: was ${before.address}`, lease);
  }

  #setTimer(atMs: number | undefined): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer =
      atMs === undefined
        ? undefined
        : this.#world.loop.at(atMs, () => this.#take({ type: "timer" }));
  }

  #probeAddress(address: Uint8Array): void {
    const { probeMs } = this.#world.settings;
    const { mac } = this.#state.settings;
    const end = (isConflict: boolean) => {
      this.#probe = undefined;
      this.#take({ type: isConflict ? "conflict" : "unused" });
    };
    const begun = this.#guard("probe the address", () => {
      const socket = this.#pod.enter(({ ifindex }) => PacketSocket.forArp(ifindex, address));
      this.#probe = probeAddress(this.#world.loop, { socket, mac, address }, probeMs, end);
    });
    if (!begun) this.#world.loop.after(0, () => this.#take({ type: "unused" }));
  }

  // ---- packets

  #send(message: DhcpMessage, to: "broadcast" | Uint8Array): void {
    const step = () => {
      const { packets, mac } = this.#openSocket();
      packets.send(this.#frame(message, to, mac));
    };
    if (messageTypeOf(message.options) !== messageType.release) {
      this.#guard("send to the server", step);
      return;
    }
    try {
      step();
    } catch (error) {
      this.#releaseFromHost(error);
    }
  }

  /** The plugin that made the link may have taken it away before it asked for this. */
  #releaseFromHost(error: unknown): void {
    const held = this.record();
    if (error instanceof PodGone && held !== undefined) {
      releaseFromHost(this.#world, this.#request, held);
    } else {
      this.#log("warning", `the server keeps the lease: ${explain(error)}`);
    }
  }

  #frame(message: DhcpMessage, to: "broadcast" | Uint8Array, sourceMac: Uint8Array): Uint8Array {
    const toServer = to !== "broadcast" && this.#serverMac !== undefined;
    return encodeFrame({
      sourceMac,
      ...(toServer ? { destinationMac: this.#serverMac as Uint8Array } : {}),
      source: message.ciaddr,
      destination: to === "broadcast" ? everybody : to,
      payload: encodeMessage(message),
    });
  }

  #openSocket() {
    if (this.#socket !== undefined) return this.#socket;
    const opened = this.#pod.enter((link) => ({
      mac: link.mac,
      packets: PacketSocket.forDhcp(link.ifindex),
    }));
    const watch = this.#world.loop.watch(opened.packets.fd, POLLIN, () => this.#hear());
    const close = () => {
      watch[Symbol.dispose]();
      opened.packets[Symbol.dispose]();
    };
    this.#socket = { ...opened, close };
    return this.#socket;
  }

  #closeSocket(): void {
    this.#closing?.[Symbol.dispose]();
    this.#closing = undefined;
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Closes the socket when nobody will answer any more. */
  #tidySocket() {
    if (this.#socket === undefined) return;
    const { phase } = this.#state;
    if (phase === "bound" || phase === "stopped" || phase === "waiting" || phase === "probing")
      return this.#closeSocket();
    if (phase !== "renewing" && phase !== "rebinding") return;
    this.#closing ??= this.#world.loop.after(RENEWAL_WAIT_MS, () => this.#closeSocket());
  }

  #hear(): void {
    for (let left = MOST_FRAMES; left > 0; left--) {
      const frame = this.#socket?.packets.receive();
      if (frame === undefined) return;
      const heard = readFrame(frame);
      if (heard === undefined) continue;
      this.#heardFrom = heard.sourceMac;
      this.#take({ type: "message", message: heard.message });
      this.#heardFrom = undefined;
    }
  }

  // ---- the rest

  /** Does a step that may fail without an end to the lease. @returns whether it went well */
  #guard(what: string, step: () => void): boolean {
    try {
      step();
      return true;
    } catch (error) {
      if (error instanceof PodGone) this.#isGone = true;
      this.#log("warning", `cannot ${what}: ${explain(error)}`);
      return false;
    }
  }

  #log(priority: Priority, event: string, lease?: LeaseInfo): void {
    const about = fieldsOf(this.#request);
    this.#world.journal.write(priority, event, { ...about, ...(lease && leaseFields(lease)) });
  }
}

function leaseFields({ address, serverId, gateway, acquiredAtMs, expiresAtMs }: LeaseInfo): Fields {
  const seconds =
    expiresAtMs === null ? "infinite" : Math.round((expiresAtMs - acquiredAtMs) / 1000);
  return { address, gateway, server: serverId, lease: `${seconds}s` };
}

function expiryOf({ expiresAtMs }: LeaseInfo): { expires?: string } {
  if (expiresAtMs === null) return {};
  return { expires: new Date(Date.now() + expiresAtMs - bootMs()).toISOString() };
}

/** What a frame says; undefined for what is no DHCP message, since anybody on the link may send anything. */
function readFrame(bytes: Uint8Array): { sourceMac: Uint8Array; message: DhcpMessage } | undefined {
  try {
    const frame = decodeFrame(bytes);
    if (frame?.destinationPort !== CLIENT_PORT) return undefined;
    return { sourceMac: frame.sourceMac, message: decodeMessage(frame.payload) };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
