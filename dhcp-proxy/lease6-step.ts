/**
 * One event of a DHCPv6 lease: the rules of the state machine.
 * @module
 */

import { sameBytes } from "../core/bytes.ts";
import { CniError, cniCode, explain } from "../core/errors.ts";
import { formatIp } from "../core/net/address.ts";
import { pauseAfterConflictMs, pauseMs } from "./lease-timing.ts";
import {
  givesTheSame6,
  type Lease6Info,
  readLease6,
  readOptionsLease6,
  toHex,
} from "./lease6-info.ts";
import { addressesOf, message6, serverOf } from "./lease6-messages.ts";
import {
  heldLease6,
  type Lease6Action,
  type Lease6Event,
  type Lease6State,
} from "./lease6-state.ts";
import { type Asking, firstWaitMs, nextWaitMs, retransmissions } from "./lease6-timing.ts";
import { type Dhcp6Message, messageType6 } from "./packet6/message.ts";
import {
  option6,
  optionValue,
  readIaNas,
  readStatus,
  type Status6,
  status6,
} from "./packet6/options.ts";
import { isPast, StateStep } from "./state-step.ts";

/** What is sent in a phase, and that it waits for a Reply. */
const askings: Partial<Record<Lease6State["phase"], Asking>> = {
  soliciting: "solicit",
  requesting: "request",
  confirming: "confirm",
  informing: "inform",
  renewing: "renew",
  rebinding: "rebind",
};
/** An offer with this preference is taken without waiting for others. */
const BEST_PREFERENCE = 255;

/** Takes one event. */
export class Lease6Step extends StateStep<Lease6State, Lease6Action> {
  /** Called once. */
  take(event: Lease6Event) {
    if (this.state.phase === "stopped") return;
    switch (event.type) {
      case "start":
        return this.#start(event.previous, event.resume === true);
      case "message":
        return this.#message(event.message);
      case "timer":
        return this.#timer();
      case "conflict":
        return this.#conflict(event.address);
      case "check":
        return this.#check();
      case "release":
        return this.#release();
    }
  }

  // ---- the beginning

  #start(previous: Lease6Info | undefined, resume: boolean) {
    if (this.state.phase !== "new") return;
    if (previous !== undefined && resume) return this.#resume(previous);
    this.set({ deadlineMs: this.nowMs + this.state.settings.resendTimeoutMs });
    if (this.state.settings.mode === "stateless") return this.#begin("informing");
    if (previous === undefined || previous.addresses.length === 0) return this.#begin("soliciting");
    this.set({ lease: previous });
    this.#begin("confirming");
  }

  #resume(lease: Lease6Info) {
    this.set({ lease, phase: "bound" });
    if (isPast(lease.expiresAtMs, this.nowMs))
      return this.#lose("it ended while nobody renewed it");
    this.do({ type: "bound", lease });
    this.timerAt(lease.renewAtMs ?? undefined);
  }

  /** A new exchange with a transaction id of its own. */
  #begin(phase: Lease6State["phase"]): void {
    const xid = Math.floor(this.random() * 2 ** 24);
    this.set({ phase, xid, beganAtMs: this.nowMs, sends: 0 });
    if (phase === "soliciting") this.set({ offer: undefined });
    this.#send();
  }

  // ---- sending

  /** What belongs to the phase, the first time or again. */
  #send(): void {
    const { phase, sends, waitMs, solicits } = this.state;
    const asking = askings[phase];
    if (asking === undefined) return;
    this.do({ type: "send", message: this.#question(asking) });
    const wait =
      sends === 0 ? firstWaitMs(asking, this.random()) : nextWaitMs(asking, waitMs, this.random());
    const count = phase === "soliciting" ? 1 : 0;
    this.set({ sends: sends + 1, waitMs: wait, solicits: solicits + count });
    this.timerAt(Math.min(this.nowMs + wait, this.#endOfPhase()));
  }

  #question(asking: Asking): Dhcp6Message {
    const { settings, xid, beganAtMs, lease, offer } = this.state;
    const type = asking === "inform" ? "informationRequest" : asking;
    const isNamed = asking === "renew" || asking === "request";
    const serverId = asking === "request" ? offer?.serverId : lease && serverOf(lease);
    return message6(settings, type, {
      xid,
      elapsedMs: this.nowMs - beganAtMs,
      serverId: isNamed ? serverId : undefined,
      addresses: lease === undefined ? [] : addressesOf(lease),
    });
  }

  /** Renewing ends with T2, rebinding with the lease. */
  #endOfPhase(): number {
    const { phase, lease } = this.state;
    if (phase === "renewing") return lease?.rebindAtMs ?? Number.POSITIVE_INFINITY;
    if (phase === "rebinding") return lease?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    return Number.POSITIVE_INFINITY;
  }

  // ---- hearing

  #message(message: Dhcp6Message) {
    const { settings, xid, phase } = this.state;
    const clientId = optionValue(message.options, option6.clientId);
    if (message.xid !== xid || askings[phase] === undefined) return;
    if (phase !== "informing" && !sameBytes(clientId, settings.duid)) return;
    try {
      this.#heard(message);
    } catch (error) {
      this.note(`passes over a message: ${explain(error)}`); // anybody on the link may send anything
    }
  }

  #heard(message: Dhcp6Message) {
    const { phase } = this.state;
    const serverId = optionValue(message.options, option6.serverId);
    if (serverId === undefined || serverId.length === 0) return;
    if (message.type === messageType6.advertise && phase === "soliciting") {
      return this.#advertise(message, serverId);
    }
    if (message.type !== messageType6.reply) return;
    const isRapid = optionValue(message.options, option6.rapidCommit) !== undefined;
    if (phase === "soliciting" && !isRapid) return;
    if (phase === "requesting" && !sameBytes(serverId, this.state.offer?.serverId)) return;
    if (phase === "confirming") return this.#confirmed(message);
    if (phase === "informing") return this.#bind(readOptionsLease6(message, this.nowMs));
    return this.#reply(message);
  }

  /** The best of those that come within the first wait is taken; what comes later is taken at once. */
  #advertise(message: Dhcp6Message, serverId: Uint8Array) {
    const { settings, offers, offer, sends } = this.state;
    this.set({ offers: offers + 1 });
    const refusal = this.#refusalOf(message);
    if (refusal !== undefined) return this.#refused(refusal);
    if (readLease6(message, settings.iaid, this.nowMs) === undefined) return;
    const [preference = 0] = optionValue(message.options, option6.preference) ?? [];
    if (offer === undefined || preference > offer.preference) {
      this.set({ offer: { serverId, preference } });
    }
    if (preference === BEST_PREFERENCE || sends > 1) this.#begin("requesting");
  }

  #reply(message: Dhcp6Message) {
    const { settings, phase, lease } = this.state;
    const refusal = this.#refusalOf(message);
    const read = readLease6(message, settings.iaid, this.nowMs);
    if (refusal === undefined && read !== undefined) return this.#bind(read);
    this.#refused(refusal ?? { code: status6.noAddrsAvail, message: "" });
    // the server has forgotten us, or the network is another: RFC 8415 section 18.2.10.1
    const isLost = refusal?.code === status6.noBinding || refusal?.code === status6.notOnLink;
    if (phase === "requesting") return this.#notGranted();
    if (isLost && lease !== undefined) this.#lose("the server refused to prolong it");
  }

  /** A server that offers and then refuses would do so again at once. */
  #notGranted() {
    const failures = this.state.failures + 1;
    this.set({ failures });
    this.#solicitIn(pauseMs(failures, this.state.settings.resendMaxMs, this.random()));
  }

  /** After a pause, since a server is likely to give the same again: RFC 8415 section 14.1. */
  #solicitIn(milliseconds: number): void {
    this.set({ phase: "waiting", offer: undefined });
    this.timerAt(this.nowMs + milliseconds);
  }

  /** Success says that the addresses still fit the link; who held them goes on to renew them at once. */
  #confirmed(message: Dhcp6Message) {
    const status = readStatus(message.options);
    if (status !== undefined && status.code !== status6.success) {
      this.#refused(status);
      this.set({ lease: undefined });
      return this.#begin("soliciting");
    }
    this.#begin("rebinding");
  }

  /** The message's own, or that of the association that is ours. */
  #refusalOf({ options }: Dhcp6Message): Status6 | undefined {
    const association = readIaNas(options).find(({ iaid }) => iaid === this.state.settings.iaid);
    const found = [readStatus(options), association?.status];
    return found.find((status) => status !== undefined && status.code !== status6.success);
  }

  #refused({ code, message }: Status6): void {
    const name = Object.entries(status6).find(([, number]) => number === code)?.[0] ?? `${code}`;
    const refusal = message === "" ? name : `${name}: ${message}`;
    this.set({ refusal });
    this.note(`the server refuses: ${refusal}`);
  }

  // ---- holding

  #bind(lease: Lease6Info): void {
    const before = this.state.lease;
    const declines = heldLease6(this.state) === undefined ? this.state.declines : 0;
    this.set({
      phase: "bound",
      lease,
      offer: undefined,
      deadlineMs: undefined,
      failures: 0,
      declines,
    });
    const isSame = before === undefined || givesTheSame6(before, lease);
    this.do(isSame ? { type: "bound", lease } : { type: "changed", lease, before });
    this.timerAt(lease.renewAtMs ?? undefined);
  }

  /** Whatever took the lease, the pod needs one: it is asked for without an end. */
  #lose(reason: string): void {
    const { lease } = this.state;
    if (lease !== undefined) this.do({ type: "expired", lease, reason });
    this.set({ deadlineMs: undefined });
    this.#begin("soliciting");
  }

  /** The server has to know that the address is of no use, and is asked for others. */
  #conflict(address: Uint8Array) {
    const { lease, settings } = this.state;
    if (lease === undefined || heldLease6(this.state) === undefined) return;
    if (!addressesOf(lease).some((each) => sameBytes(each, address))) return;
    const xid = Math.floor(this.random() * 2 ** 24);
    const about = { xid, elapsedMs: 0, serverId: serverOf(lease), addresses: [address] };
    this.do({ type: "send", message: message6(settings, "decline", about) });
    this.note(`declines ${formatIp(address)}: somebody else has the address`);
    const addresses = lease.addresses.filter((each) => each.address !== formatIp(address));
    this.do({ type: "expired", lease, reason: "somebody else has the address" });
    const declines = this.state.declines + 1;
    this.set({ lease: { ...lease, addresses }, deadlineMs: undefined, declines });
    this.#solicitIn(pauseAfterConflictMs(declines, this.random()));
  }

  #check(): void {
    const lease = heldLease6(this.state);
    if (lease !== undefined) this.do({ type: "bound", lease });
  }

  // ---- time

  #timer() {
    const { timerAtMs, deadlineMs, phase, offer, lease, sends } = this.state;
    if (timerAtMs === undefined) return;
    if (this.nowMs < timerAtMs) return this.do({ type: "timer", atMs: timerAtMs });
    if (deadlineMs !== undefined && isPast(deadlineMs, this.nowMs)) return this.#fail();
    if (phase === "soliciting" && offer !== undefined) return this.#begin("requesting");
    if (phase === "waiting") return this.#begin("soliciting");
    if (phase === "bound") return this.#renew();
    if (phase === "renewing" && isPast(lease?.rebindAtMs ?? null, this.nowMs)) {
      return this.#begin("rebinding");
    }
    if (phase === "rebinding" && isPast(lease?.expiresAtMs ?? null, this.nowMs)) {
      return this.#lose("no server prolonged it");
    }
    const most = retransmissions[askings[phase] ?? "solicit"].most;
    if (most > 0 && sends >= most) return this.#giveUpAsking();
    this.#send();
  }

  #renew() {
    if (this.state.settings.mode === "stateless") return this.#begin("informing");
    return this.#begin("renewing");
  }

  /** Nobody says that old addresses are wrong, so they may be asked for; a server that is silent is passed over. */
  #giveUpAsking() {
    return this.#begin(this.state.phase === "confirming" ? "rebinding" : "soliciting");
  }

  // ---- the end

  #release(): void {
    const { settings } = this.state;
    const lease = heldLease6(this.state);
    if (lease !== undefined && lease.addresses.length > 0) {
      const xid = Math.floor(this.random() * 2 ** 24);
      const addresses = addressesOf(lease);
      const about = { xid, elapsedMs: 0, serverId: serverOf(lease), addresses };
      this.do({ type: "send", message: message6(settings, "release", about) });
    }
    this.#stop();
    this.do({ type: "done" });
  }

  #fail(): void {
    const { settings, solicits, offers, refusal } = this.state;
    const who = `interface "${settings.ifname}", DUID ${toHex(settings.duid)}`;
    const last = refusal === undefined ? "" : `, the last refusal was ${JSON.stringify(refusal)}`;
    const details = `${who}: sent ${solicits} Solicit, saw ${offers} Advertise${last}`;
    this.#stop();
    this.do({
      type: "failed",
      error: new CniError(cniCode.tryAgain, "no more tries", { details }),
    });
  }

  #stop(): void {
    this.set({ phase: "stopped", offer: undefined });
    this.timerAt(undefined);
  }
}
