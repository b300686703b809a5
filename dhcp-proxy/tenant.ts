/**
 * One attachment that has, or wants, addresses: who waits for them, where it is written down, and how it ends.
 * @module
 */

import type { CniDns, CniResult } from "../core/cni/result.ts";
import type { Priority } from "../core/daemon/journal.ts";
import { CniError, cniCode, explain } from "../core/errors.ts";
import { Ipv4Lease, type LeaseEvents } from "./ipv4-lease.ts";
import { Ipv6Lease } from "./ipv6-lease.ts";
import type { LeaseInfo } from "./lease-info.ts";
import { fieldsOf, type LeaseRequest } from "./lease-request.ts";
import type { Lease6Info } from "./lease6-info.ts";
import type { Pod } from "./pod.ts";
import { Slaac } from "./slaac.ts";
import type { LeaseFile } from "./store.ts";
import type { World } from "./world.ts";

/** A lease that is asked for the first time ends by itself after `resendtimeout`, and says more. */
const GRACE_MS = 1000;
/** Duplicate address detection goes before and after a DHCPv6 lease. */
const GRACE6_MS = 20_000;

/** A call that waits. */
export interface Waiter {
  answer(result: CniResult): void;
  /** With any error: the spec's error object is made of it there. */
  refuse(error: unknown): void;
}

/** What a tenant begins with. */
export interface Beginning {
  /** Held by the pod since before this program was started. */
  held?: Pick<LeaseFile, "ipv4" | "ipv6" | "slaac">;
  /** Held by the same client in a namespace that is gone: it is asked for again. */
  previous?: LeaseInfo | undefined;
  previous6?: Lease6Info | undefined;
}

/** The last leases there were, valid or not. */
export interface LastLeases {
  ipv4: LeaseInfo | undefined;
  ipv6: Lease6Info | undefined;
}

/** An attachment. */
export class Tenant {
  readonly request: LeaseRequest;
  readonly pod: Pod;
  readonly #world: World;
  readonly #lease: Ipv4Lease;
  readonly #lease6: Ipv6Lease | Slaac | undefined;
  /** Those of them that have not ended. */
  readonly #parts = new Set<{ release(): void }>();
  readonly #waiters = new Map<Waiter, Disposable>();
  readonly #ended: () => void;
  #whenReleased: (() => void)[] = [];
  /** The daemon has told somebody about an address: it is not given up for want of someone who waits. */
  #isGranted = false;
  #isReleasing = false;

  /**
   * @param ended called once, when it has nothing any more
   * @throws {PodGone} the namespace or the link is not there
   */
  constructor(
    world: World,
    request: LeaseRequest,
    pod: Pod,
    ended: () => void,
    { held, previous, previous6 }: Beginning = {},
  ) {
    this.#world = world;
    this.request = request;
    this.pod = pod;
    this.#ended = ended;
    this.#isGranted = held !== undefined;
    this.#lease = new Ipv4Lease(
      world,
      request,
      pod,
      this.#eventsOf(() => this.#lease),
      held?.ipv4,
    );
    this.#lease6 = this.#openIpv6(held);
    for (const part of [this.#lease, this.#lease6]) if (part !== undefined) this.#parts.add(part);
    if (held !== undefined) this.#lease.start(held.ipv4.lease as LeaseInfo, true);
    else this.#lease.start(previous);
    this.#lease6?.start(previous6);
  }

  #openIpv6(held: Beginning["held"]): Ipv6Lease | Slaac | undefined {
    const [world, request, pod] = [this.#world, this.request, this.pod];
    const events = this.#eventsOf(() => this.#lease6);
    if (request.ipv6 === "dhcp") return new Ipv6Lease(world, request, pod, events, held?.ipv6);
    if (request.ipv6 === "slaac") return new Slaac(world, request, pod, events, held?.slaac);
    return undefined;
  }

  #eventsOf(part: () => { release(): void } | undefined): LeaseEvents {
    const over = () => this.#parts.delete(part() as { release(): void });
    return {
      granted: () => this.#granted(),
      failed: (error) => {
        over();
        this.#failed(error);
      },
      released: () => {
        over();
        if (this.#parts.size === 0) this.#released();
      },
      gone: () => this.vanish(),
    };
  }

  /** The last leases there were, valid or not. */
  get last(): LastLeases {
    const ipv6 = this.#lease6 instanceof Ipv6Lease ? this.#lease6.last : undefined;
    return { ipv4: this.#lease.last, ipv6 };
  }

  /** True while it has all addresses that were asked for. */
  get isHolding(): boolean {
    if (this.#lease.held === undefined) return false;
    return this.#lease6 === undefined || this.#lease6.result() !== undefined;
  }

  /**
   * Answers when there is an address, which may be at once.
   * @returns to be disposed by one who waits no longer
   */
  wait(waiter: Waiter): Disposable {
    const { resendTimeoutMs } = this.#world.settings;
    const graceMs = this.#lease6 === undefined ? GRACE_MS : GRACE6_MS;
    const limit = this.#world.loop.after(resendTimeoutMs + graceMs, () => {
      if (this.#waiters.delete(waiter)) waiter.refuse(noMoreTries());
    });
    this.#waiters.set(waiter, limit);
    this.#lease.check();
    this.#lease6?.check();
    return {
      [Symbol.dispose]: () => {
        limit[Symbol.dispose]();
        if (this.#waiters.delete(waiter)) this.#giveUp();
      },
    };
  }

  /** Nobody waits any more for an address that nobody knows of. */
  #giveUp(): void {
    if (this.#isGranted || this.#waiters.size > 0 || this.#isReleasing) return;
    this.#log("info", "nobody waits for the lease any more");
    this.release(() => {});
  }

  /** Gives all back, then calls `done`. */
  release(done: () => void): void {
    this.#whenReleased.push(done);
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    for (const part of [...this.#parts]) part.release();
  }

  /** Its namespace is gone without a DEL. */
  vanish(): void {
    if (this.#isReleasing) return;
    this.#log("notice", "the pod is gone: gives its lease back");
    this.release(() => {});
  }

  /** Lets go of everything, and leaves the file for who comes next. */
  close(): void {
    this.#lease.close();
    this.#lease6?.close();
    this.#refuseAll(new CniError(cniCode.tryAgain, "the DHCP daemon stops"));
  }

  // ---- what the lease tells

  #granted() {
    const file = this.#file();
    if (file === undefined) return;
    try {
      this.#world.store.write(file);
    } catch (error) {
      return this.#notWritten(error);
    }
    const result = this.#result();
    if (result === undefined) return;
    this.#isGranted = true;
    for (const [waiter, limit] of this.#waiters) {
      limit[Symbol.dispose]();
      waiter.answer(result);
    }
    this.#waiters.clear();
  }

  /** An address that a restart would forget is not given; one that is in use stays in use. */
  #notWritten(cause: unknown) {
    this.#log("error", `cannot write the lease file: ${explain(cause)}`);
    if (this.#isGranted) return;
    this.#refuseAll(new CniError(cniCode.io, "cannot write the lease file", { cause }));
    // not from within the event that the lease is at
    this.#world.loop.after(0, () => this.release(() => {}));
  }

  /** Undefined until there is something of everything that was asked for. */
  #file(): LeaseFile | undefined {
    const ipv4 = this.#lease.record();
    const ipv6 = this.#lease6 === undefined ? {} : this.#lease6.record();
    if (ipv4 === undefined || ipv6 === undefined) return undefined;
    const { path, identity } = this.pod;
    return { request: this.request, namespace: { path, ...identity }, ipv4, ...ipv6 };
  }

  #result(): CniResult | undefined {
    const ipv4 = this.#lease.result();
    if (this.#lease6 === undefined || ipv4 === undefined) return ipv4;
    const ipv6 = this.#lease6.result();
    return ipv6 && joined(ipv4, ipv6);
  }

  /** What is asked for and not had is an error, whatever else there is. */
  #failed(error: CniError): void {
    this.#log("warning", `no lease: ${explain(error)}`);
    this.#refuseAll(error);
    if (this.#parts.size === 0) this.#released();
    else this.release(() => {});
  }

  #released(): void {
    try {
      this.#world.store.remove(this.request);
    } catch (error) {
      this.#log("error", `cannot remove the lease file: ${explain(error)}`);
    }
    this.#refuseAll(new CniError(cniCode.tryAgain, "the lease was given back meanwhile"));
    this.#ended();
    if (this.#isReleasing) this.#log("info", "lease released");
    for (const done of this.#whenReleased.splice(0)) done();
  }

  #refuseAll(error: CniError): void {
    for (const [waiter, limit] of this.#waiters) {
      limit[Symbol.dispose]();
      waiter.refuse(error);
    }
    this.#waiters.clear();
  }

  #log(priority: Priority, event: string): void {
    const about = fieldsOf(this.request);
    this.#world.journal.write(priority, event, { ...about, address: this.last.ipv4?.address });
  }
}

/** Both families in one result: resolvers of IPv4 first. */
function joined(ipv4: CniResult, ipv6: CniResult): CniResult {
  const [old = {}, more = {}] = [ipv4.dns, ipv6.dns];
  const both = (key: "nameservers" | "search"): CniDns => {
    const all = new Set([...(old[key] ?? []), ...(more[key] ?? [])]);
    return all.size === 0 ? {} : { [key]: [...all] };
  };
  const dns = { ...old, ...both("nameservers"), ...both("search") };
  return {
    ...ipv4,
    ips: [...(ipv4.ips ?? []), ...(ipv6.ips ?? [])],
    ...(Object.keys(dns).length === 0 ? {} : { dns }),
  };
}

function noMoreTries(): CniError {
  const details = "the lease ended, and no server has given another yet";
  return new CniError(cniCode.tryAgain, "no more tries", { details });
}
