/**
 * One event of a lease: the rules of the state machine.
 * @module
 */

import { sameBytes } from "../core/bytes.ts";
import { CniError, explain } from "../core/errors.ts";
import { formatIp, parseCidr, parseIp } from "../core/net/address.ts";
import { noMoreTries } from "./failure.ts";
import { givesTheSame, type LeaseInfo, readLease } from "./lease-info.ts";
import {
  declineMessage,
  discoverMessage,
  releaseMessage,
  requestMessage,
} from "./lease-messages.ts";
import { heldLease, type LeaseAction, type LeaseEvent, type LeaseState } from "./lease-state.ts";
import {
  answerMs,
  jittered,
  pauseAfterConflictMs,
  pauseMs,
  renewalRetryMs,
} from "./lease-timing.ts";
import { BOOTREPLY, type DhcpMessage } from "./packet/message.ts";
import { addressOption, messageType, messageTypeOf, option, textOption } from "./packet/options.ts";
import { isPast, StateStep } from "./state-step.ts";

/** Takes one event. */
export class LeaseStep extends StateStep<LeaseState, LeaseAction> {
  /** Called once. */
  take(event: LeaseEvent) {
    if (this.state.phase === "stopped") return;
    switch (event.type) {
      case "start":
        return this.#start(event.previous, event.resume === true);
      case "message":
        return this.#message(event.message);
      case "timer":
        return this.#timer();
      case "conflict":
        return this.#conflict();
      case "unused":
        return this.#unused();
      case "check":
        return this.#check();
      case "release":
        return this.#release();
    }
  }

  // ---- the beginning

  #start(previous: LeaseInfo | undefined, resume: boolean) {
    if (this.state.phase !== "new") return;
    if (previous === undefined) return this.#acquire();
    if (resume) return this.#resume(previous);
    this.set({ deadlineMs: this.nowMs + this.state.settings.resendTimeoutMs });
    this.#begin("rebooting");
    const { address } = parseCidr(previous.address);
    this.set({ offer: { address, serverId: parseIp(previous.serverId), xid: this.state.xid } });
    this.#sendRequest();
  }

  #acquire(): void {
    this.set({ deadlineMs: this.nowMs + this.state.settings.resendTimeoutMs });
    this.#discover();
  }

  /** The pod has used the lease all the time. */
  #resume(lease: LeaseInfo) {
    this.set({ lease, phase: "bound" });
    if (isPast(lease.expiresAtMs, this.nowMs))
      return this.#lose("it ended while nobody renewed it");
    this.do({ type: "bound", lease });
    this.#sleep();
  }

  /** A new exchange with a transaction id of its own. */
  #begin(phase: LeaseState["phase"]): void {
    const xid = Math.floor(this.random() * 2 ** 32);
    this.set({
      phase,
      xid,
      beganAtMs: this.nowMs,
      sends: 0,
      offer: undefined,
      pending: undefined,
    });
  }

  #discover(): void {
    this.#begin("selecting");
    this.#sendDiscover();
  }

  // ---- sending

  #sendDiscover(): void {
    const { settings, lease, tally } = this.state;
    const requested = lease && parseCidr(lease.address).address;
    this.#broadcast(discoverMessage(settings, { ...this.#exchange(), requested }));
    this.set({ tally: { ...tally, discovers: tally.discovers + 1 } });
    this.#awaitAnswer();
  }

  /** For an offer, or for a lease of before, of which the server's identity must not be said. */
  #sendRequest(): void {
    const { settings, offer, tally, phase } = this.state;
    if (offer === undefined) return;
    const serverId = phase === "rebooting" ? undefined : offer.serverId;
    const content = { ...this.#exchange(), requested: offer.address, serverId };
    this.#broadcast(requestMessage(settings, content));
    this.set({ tally: { ...tally, requests: tally.requests + 1 }, requestedAtMs: this.nowMs });
    this.#awaitAnswer();
  }

  #awaitAnswer(): void {
    const { sends } = this.state;
    const wait = this.#waits()[sends] ?? 0;
    this.set({ sends: sends + 1 });
    this.timerAt(this.nowMs + jittered(wait, this.random()));
  }

  /** One for each sending of the message that this phase sends. */
  #waits(): number[] {
    const { phase, failures, lease, settings } = this.state;
    const isFirst = failures === 0 && lease === undefined && phase !== "requesting";
    return answerMs(settings.timeoutMs, { isFirst, isForKnown: phase === "rebooting" });
  }

  get #maySendAgain(): boolean {
    return this.state.sends < this.#waits().length;
  }

  /** Asks the server that gave the lease, or anybody, to prolong it. */
  #sendRenewal(lease: LeaseInfo, to: "broadcast" | Uint8Array): void {
    const { settings, tally } = this.state;
    const ciaddr = parseCidr(lease.address).address;
    const message = requestMessage(settings, { ...this.#exchange(), ciaddr });
    this.do({ type: "send", message, to });
    this.set({ tally: { ...tally, requests: tally.requests + 1 }, requestedAtMs: this.nowMs });
  }

  #exchange() {
    const { xid, beganAtMs } = this.state;
    return { xid, secs: (this.nowMs - beganAtMs) / 1000 };
  }

  #broadcast(message: DhcpMessage): void {
    this.do({ type: "send", message, to: "broadcast" });
  }

  // ---- hearing

  #message(message: DhcpMessage) {
    if (!this.#isMine(message)) return;
    const type = messageTypeOf(message.options);
    const { phase } = this.state;
    if (type === messageType.offer && phase === "selecting") return this.#offer(message);
    const isAsking = phase === "requesting" || phase === "rebooting";
    const isRenewing = phase === "renewing" || phase === "rebinding";
    if (!isAsking && !isRenewing) return;
    if (phase === "requesting" && !this.#isFromOffering(message)) return;
    if (type === messageType.ack) this.#ack(message);
    if (type === messageType.nak) this.#nak(message, isRenewing);
  }

  #isMine({ op, xid, chaddr }: DhcpMessage): boolean {
    const { settings, xid: own } = this.state;
    return op === BOOTREPLY && xid === own && sameBytes(chaddr, settings.mac);
  }

  #isFromOffering({ options }: DhcpMessage): boolean {
    const serverId = addressOption(options, option.serverId);
    const { offer } = this.state;
    return serverId !== undefined && offer !== undefined && sameBytes(serverId, offer.serverId);
  }

  /** The first offer is taken. */
  #offer({ yiaddr, options, xid }: DhcpMessage) {
    const { tally } = this.state;
    this.set({ tally: { ...tally, offers: tally.offers + 1 } });
    const serverId = addressOption(options, option.serverId);
    if (serverId === undefined || !isUsable(yiaddr)) {
      return this.note(`passes over an offer of ${formatIp(yiaddr)} without server or address`);
    }
    this.set({ phase: "requesting", sends: 0, offer: { address: yiaddr, serverId, xid } });
    this.#sendRequest();
  }

  #ack(ack: DhcpMessage) {
    if (!isUsable(ack.yiaddr)) return this.note("passes over a DHCPACK without an address");
    const { requestedAtMs } = this.state;
    let read: ReturnType<typeof readLease>;
    try {
      read = readLease(ack, requestedAtMs, this.random());
    } catch (error) {
      return this.#unusable(ack, error);
    }
    for (const problem of read.problems) this.note(problem);
    const isKnown = heldLease(this.state)?.address === read.lease.address;
    if (isKnown || !this.state.settings.detectConflicts) return this.#bind(read.lease);
    this.set({ phase: "probing", pending: read.lease });
    this.timerAt(undefined);
    this.do({ type: "probe", address: ack.yiaddr });
  }

  /** A first lease that cannot be used ends the search, as the reference has it; a renewal is as good as none. */
  #unusable(ack: DhcpMessage, error: unknown) {
    if (this.state.lease !== undefined) return this.note(explain(error));
    this.#sendRelease(ack.yiaddr, addressOption(ack.options, option.serverId));
    this.#fail(error instanceof CniError ? error : new CniError(999, explain(error)));
  }

  #nak({ options }: DhcpMessage, isRenewing: boolean) {
    const nakMessage = textOption(options, option.message);
    const tally = { ...this.state.tally, naks: this.state.tally.naks + 1 };
    this.set({ tally: nakMessage === undefined ? tally : { ...tally, nakMessage } });
    this.note(`the server refuses the address: ${nakMessage ?? "it does not say why"}`);
    if (isRenewing) return this.#lose("the server refused to prolong it");
    if (this.state.phase === "rebooting") return this.#discover();
    this.#tryLater();
  }

  // ---- the probe

  #unused(): void {
    const { pending } = this.state;
    if (this.state.phase === "probing" && pending) this.#bind(pending);
  }

  #conflict(): void {
    const { pending, settings, tally } = this.state;
    if (this.state.phase !== "probing" || pending === undefined) return;
    const requested = parseCidr(pending.address).address;
    const message = "somebody else has the address";
    const content = {
      xid: this.state.xid,
      requested,
      serverId: parseIp(pending.serverId),
      message,
    };
    this.#broadcast(declineMessage(settings, content));
    this.note(`declines ${pending.address}: ${message}`);
    const declines = tally.declines + 1;
    this.set({ phase: "waiting", pending: undefined, tally: { ...tally, declines } });
    this.timerAt(this.nowMs + pauseAfterConflictMs(declines, this.random()));
  }

  // ---- holding

  #bind(lease: LeaseInfo): void {
    const before = this.state.lease;
    this.set({
      phase: "bound",
      lease,
      failures: 0,
      pending: undefined,
      offer: undefined,
      deadlineMs: undefined,
    });
    const isSame = before === undefined || givesTheSame(before, lease);
    this.do(isSame ? { type: "bound", lease } : { type: "changed", lease, before });
    this.#sleep();
  }

  #sleep(): void {
    this.timerAt(this.state.lease?.renewAtMs ?? undefined);
  }

  #renew(lease: LeaseInfo): void {
    this.#begin("renewing");
    this.#renewAgain(lease);
  }

  #renewAgain(lease: LeaseInfo) {
    const { rebindAtMs, renewAtMs } = lease;
    if (rebindAtMs === null || renewAtMs === null) return;
    if (isPast(rebindAtMs, this.nowMs)) {
      this.set({ phase: "rebinding" });
      return this.#rebindAgain(lease);
    }
    this.#sendRenewal(lease, parseIp(lease.serverId));
    const retry = renewalRetryMs(rebindAtMs - this.nowMs, rebindAtMs - renewAtMs);
    this.timerAt(Math.min(this.nowMs + retry, rebindAtMs));
  }

  #rebindAgain(lease: LeaseInfo) {
    const { rebindAtMs, expiresAtMs } = lease;
    if (expiresAtMs === null || rebindAtMs === null) return;
    if (isPast(expiresAtMs, this.nowMs)) return this.#lose("no server prolonged it");
    this.#sendRenewal(lease, "broadcast");
    const retry = renewalRetryMs(expiresAtMs - this.nowMs, expiresAtMs - rebindAtMs);
    this.timerAt(Math.min(this.nowMs + retry, expiresAtMs));
  }

  /** Whatever took the lease, the pod needs one: it is asked for without an end. */
  #lose(reason: string): void {
    const { lease } = this.state;
    if (lease !== undefined) this.do({ type: "expired", lease, reason });
    this.set({ failures: 0, deadlineMs: undefined });
    this.#discover();
  }

  #check(): void {
    const lease = heldLease(this.state);
    if (lease !== undefined) this.do({ type: "bound", lease });
  }

  // ---- time

  #timer() {
    const { timerAtMs, deadlineMs, lease } = this.state;
    if (timerAtMs === undefined) return;
    if (this.nowMs < timerAtMs) return this.do({ type: "timer", atMs: timerAtMs });
    if (deadlineMs !== undefined && isPast(deadlineMs, this.nowMs)) {
      return this.#fail(noMoreTries(this.state.tally, this.state.settings));
    }
    switch (this.state.phase) {
      case "selecting":
        return this.#maySendAgain ? this.#sendDiscover() : this.#tryLater();
      case "requesting":
        return this.#maySendAgain ? this.#sendRequest() : this.#tryLater();
      case "rebooting":
        return this.#maySendAgain ? this.#sendRequest() : this.#discover();
      case "waiting":
        return this.#discover();
      case "bound":
        return lease && this.#renew(lease);
      case "renewing":
        return lease && this.#renewAgain(lease);
      case "rebinding":
        return lease && this.#rebindAgain(lease);
    }
  }

  #tryLater(): void {
    const failures = this.state.failures + 1;
    this.set({ phase: "waiting", failures, offer: undefined });
    const pause = pauseMs(failures, this.state.settings.resendMaxMs, this.random());
    this.timerAt(this.nowMs + pause);
  }

  // ---- the end

  #release(): void {
    const lease = heldLease(this.state) ?? this.state.pending;
    if (lease !== undefined) {
      this.#sendRelease(parseCidr(lease.address).address, parseIp(lease.serverId));
    }
    this.#stop();
    this.do({ type: "done" });
  }

  #sendRelease(address: Uint8Array, serverId: Uint8Array | undefined): void {
    if (serverId === undefined) return;
    const xid = Math.floor(this.random() * 2 ** 32);
    const message = releaseMessage(this.state.settings, { xid, ciaddr: address, serverId });
    this.do({ type: "send", message, to: serverId });
  }

  #fail(error: CniError): void {
    this.#stop();
    this.do({ type: "failed", error });
  }

  #stop(): void {
    this.set({ phase: "stopped", pending: undefined, offer: undefined });
    this.timerAt(undefined);
  }
}

/** Neither none, nor everybody, nor a group. */
function isUsable(address: Uint8Array): boolean {
  const [first = 0] = address;
  return first !== 0 && first < 224 && first !== 127;
}
