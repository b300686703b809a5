/**
 * A DHCPv6 lease of a pod's link: what the state machine decides, done in the pod.
 *
 * The addresses are given to the pod here and not by the plugin that asked: duplicate address detection has to end before a
 * result tells of them. The plugin finds them there.
 * @module
 */

import type { CniResult } from "../core/cni/result.ts";
import type { Fields, Priority } from "../core/daemon/journal.ts";
import { bootMs, type Timer } from "../core/daemon/loop.ts";
import { CniError, cniCode, explain } from "../core/errors.ts";
import { releaseFromHost6 } from "./host-link.ts";
import type { LeaseEvents } from "./ipv4-lease.ts";
import {
  AddressWatch,
  addressesOfPod,
  allowAdvertisements,
  exchangeAddresses,
  type PodAddress,
} from "./ipv6-link.ts";
import { fieldsOf, type LeaseRequest } from "./lease-request.ts";
import { Lease6Client, type Lease6Decision } from "./lease6-client.ts";
import type { Lease6Info } from "./lease6-info.ts";
import { heldLease6, type Lease6Event } from "./lease6-state.ts";
import { LinkLocalWait } from "./link-local.ts";
import { NoteLimit } from "./note-limit.ts";
import { duidOf, IAID } from "./packet6/duid.ts";
import { type Dhcp6Message, messageType6 } from "./packet6/message.ts";
import { type Pod, PodGone } from "./pod.ts";
import type { LeaseFile } from "./store.ts";
import type { World } from "./world.ts";

/** What a lease begins with after a restart. */
export type HeldIpv6 = NonNullable<LeaseFile["ipv6"]>;

/** A second for duplicate address detection, one before it begins, and time for a busy machine. */
const DAD_MS = 10_000;

/** One lease of one link. */
export class Ipv6Lease {
  readonly #world: World;
  readonly #request: LeaseRequest;
  readonly #pod: Pod;
  readonly #events: LeaseEvents;
  readonly #client: Lease6Client;
  readonly #notes = new NoteLimit();
  readonly #held: HeldIpv6 | undefined;
  #waiting: Disposable | undefined;
  #settling: { watch: Disposable; first: Timer; limit: Timer } | undefined;
  /** What the pod has of us, with prefix lengths. */
  #inPod: string[] = [];
  /** Everything the lease has can be used in the pod. */
  #isSettled = false;
  #wasSettled = false;
  /** A first lease is tried for until then. */
  readonly #deadlineMs: number;
  #failure: CniError | undefined;
  #problem: string | undefined;
  #isClosed = false;

  /** @throws {PodGone} the namespace or the link is not there */
  constructor(world: World, request: LeaseRequest, pod: Pod, events: LeaseEvents, held?: HeldIpv6) {
    this.#world = world;
    this.#request = request;
    this.#pod = pod;
    this.#events = events;
    this.#held = held;
    if (held === undefined) pod.enter(() => allowAdvertisements(request.ifname, false));
    const { resendTimeoutMs, resendMaxMs } = world.settings;
    this.#deadlineMs = bootMs() + resendTimeoutMs;
    const identity = { duid: duidOf(request), iaid: IAID, mode: "stateful" as const };
    const settings = { ifname: request.ifname, resendTimeoutMs, resendMaxMs, ...identity };
    this.#client = new Lease6Client(world, pod, settings, {
      decided: (decision, event) => this.#decided(decision, event),
      notSent: (message, error) => this.#notSent(message, error),
    });
  }

  /** Begins: anew, with a lease that the client had before in another namespace, or with the one that the pod uses. */
  start(previous?: Lease6Info) {
    if (this.#held !== undefined) {
      return this.#client.take({
        type: "start",
        previous: this.#held.lease as Lease6Info,
        resume: true,
      });
    }
    const ready = () =>
      this.#client.take(previous === undefined ? { type: "start" } : { type: "start", previous });
    this.#guard("look at the link", () => {
      this.#waiting = new LinkLocalWait(this.#world, this.#pod, ready, (error) =>
        this.#fail(error),
      );
    });
  }

  /** Says again what it has, if it has. */
  check(): void {
    if (this.#isSettled) this.#client.take({ type: "check" });
  }

  /** Gives the lease back. */
  release(): void {
    this.#client.take({ type: "release" });
  }

  /** Lets go of everything without a word to the server. */
  close(): void {
    this.#isClosed = true;
    this.#stopSettling();
    this.#waiting?.[Symbol.dispose]();
    this.#client[Symbol.dispose]();
  }

  /** The last lease there was, valid or not. */
  get last(): Lease6Info | undefined {
    return this.#client.state.lease;
  }

  /** What the pod gets of it; its routes are those that routers advertise. */
  result(): CniResult | undefined {
    const lease = this.#isSettled ? heldLease6(this.#client.state) : undefined;
    if (lease === undefined) return undefined;
    const ips = textsOf(lease).map((address) => ({ address }));
    return { ips, ...(lease.dns === undefined ? {} : { dns: lease.dns }) };
  }

  /** What lies in the file. */
  record(): Pick<LeaseFile, "ipv6"> | undefined {
    return this.last && { ipv6: { lease: this.last } };
  }

  // ---- what the state machine decides

  #decided(decision: Lease6Decision, event: Lease6Event) {
    switch (decision.type) {
      case "note":
        if (this.#notes.admits(this.#client.state.xid, decision.text))
          this.#log("info", decision.text);
        return;
      case "bound":
        return this.#bound(decision.lease, event);
      case "changed":
        return this.#give(decision.lease);
      case "expired":
        return this.#log(
          "warning",
          `lease lost: ${decision.reason}; asks for another`,
          decision.lease,
        );
      case "failed":
        this.#failure = noLease(this.#request.ifname, decision.error, this.#problem);
        return this.#over();
      case "done":
        return this.#over();
    }
  }

  #bound(lease: Lease6Info, event: Lease6Event) {
    if (event.type === "check") return this.#events.granted();
    if (event.type === "start") {
      this.#inPod = textsOf(lease);
      this.#isSettled = this.#wasSettled = true;
    }
    if (!this.#isSettled) return this.#give(lease);
    this.#events.granted();
    this.#log("info", event.type === "start" ? "lease resumed" : "lease renewed", lease);
  }

  #over() {
    this.close();
    if (this.#failure === undefined) this.#events.released();
    else this.#events.failed(this.#failure);
  }

  /** Gives up, and gives back what the server has given. */
  #fail(error: CniError): void {
    this.#failure = error;
    this.release();
  }

  // ---- addresses

  /** Puts the lease's addresses in the place of those that the pod has of us. */
  #give(lease: Lease6Info) {
    this.#isSettled = false;
    this.#events.granted(); // written down before it is used
    const wanted = textsOf(lease);
    this.#guard("give the pod its addresses", () => {
      const leaving = this.#inPod.filter((text) => !wanted.includes(text));
      exchangeAddresses(this.#pod, leaving, wanted);
      this.#inPod = wanted;
      this.#stopSettling();
      const { loop } = this.#world;
      this.#settling = {
        watch: new AddressWatch(loop, this.#pod, () => this.#look(lease, false)),
        first: loop.after(0, () => this.#look(lease, false)),
        limit: loop.after(DAD_MS, () => this.#look(lease, true)),
      };
    });
  }

  #look(lease: Lease6Info, isLast: boolean) {
    const own = this.#ownAddresses();
    const taken = own.find(({ dad }) => dad === "duplicate");
    if (taken !== undefined) {
      return this.#decline(taken);
    }
    const usable = own.filter(({ dad }) => dad === "usable");
    if (usable.length === lease.addresses.length) return this.#settled(lease);
    if (!isLast) return;
    this.#stopSettling();
    const text = `no DHCPv6 lease for "${this.#pod.ifname}": its addresses cannot be used`;
    const details = `duplicate address detection of ${textsOf(lease).join(", ")} has not ended: the link may have no carrier`;
    if (!this.#wasSettled) this.#fail(new CniError(cniCode.tryAgain, text, { details }));
    else this.#log("warning", details, lease);
  }

  /** The server is told, and asked for another; a first lease is not asked for without end. */
  #decline({ address, text }: PodAddress): void {
    this.#stopSettling();
    this.#client.take({ type: "conflict", address });
    if (this.#wasSettled || bootMs() < this.#deadlineMs) return;
    const message = `no DHCPv6 lease for "${this.#pod.ifname}": the server offers addresses that are in use`;
    const details = `somebody else on the link has ${text}: look at the server's pool`;
    this.#fail(new CniError(cniCode.tryAgain, message, { details }));
  }

  #ownAddresses(): PodAddress[] {
    let all: PodAddress[] = [];
    this.#guard("look at the pod's addresses", () => {
      all = addressesOfPod(this.#pod).global;
    });
    return all.filter(({ text }) => this.#inPod.includes(text));
  }

  #settled(lease: Lease6Info): void {
    this.#stopSettling();
    const what = this.#wasSettled ? "lease changed" : "lease acquired";
    this.#isSettled = this.#wasSettled = true;
    this.#events.granted();
    this.#log(what === "lease changed" ? "notice" : "info", what, lease);
  }

  #stopSettling(): void {
    const { watch, first, limit } = this.#settling ?? {};
    for (const each of [watch, first, limit]) each?.[Symbol.dispose]();
    this.#settling = undefined;
  }

  // ---- the rest

  #notSent(message: Dhcp6Message, error: unknown) {
    if (message.type === messageType6.release) return this.#notReleased(error);
    this.#problem = explain(error);
    this.#noticed("send to the server", error);
  }

  /** The plugin that made the link may have taken it away before it asked for this. */
  #notReleased(error: unknown): void {
    const { last } = this;
    if (error instanceof PodGone && last !== undefined) {
      releaseFromHost6(this.#world, this.#request, { lease: last });
    } else {
      this.#log("warning", `the server keeps the lease: ${explain(error)}`);
    }
  }

  /** Does a step that may fail without an end to the lease. */
  #guard(what: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#noticed(what, error);
    }
  }

  #noticed(what: string, error: unknown): void {
    this.#log("warning", `cannot ${what}: ${explain(error)}`);
    if (!(error instanceof PodGone)) return;
    // not from within the event that the lease is at
    this.#world.loop.after(0, () => {
      if (!this.#isClosed) this.#events.gone();
    });
  }

  #log(priority: Priority, event: string, lease?: Lease6Info): void {
    const about = fieldsOf(this.#request);
    this.#world.journal.write(priority, event, { ...about, ...(lease && leaseFields(lease)) });
  }
}

/** RFC 8415 section 18.2.10.1: a lease says nothing of what is on the link, so an address stands alone. */
function textsOf({ addresses }: Lease6Info): string[] {
  return addresses.map(({ address }) => `${address}/128`);
}

function leaseFields({ addresses, serverId, acquiredAtMs, expiresAtMs }: Lease6Info): Fields {
  const lasts =
    expiresAtMs === null ? "infinite" : `${Math.round((expiresAtMs - acquiredAtMs) / 1000)}s`;
  const address = addresses.map((each) => each.address).join(",");
  return { address, server: serverId, lease: lasts };
}

function noLease(ifname: string, { code, details = "" }: CniError, problem?: string): CniError {
  const last = problem === undefined ? "" : `; the last problem was: ${problem}`;
  const text = `no DHCPv6 lease for "${ifname}"`;
  return new CniError(code, text, { details: `${details}${last}` });
}
