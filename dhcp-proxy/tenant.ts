/**
 * One attachment that has, or wants, addresses: who waits for them, where it is written down, and how it ends.
 * @module
 */

import type { CniResult } from "../core/cni/result.ts";
import type { Priority } from "../core/daemon/journal.ts";
import { CniError, cniCode, explain } from "../core/errors.ts";
import { Ipv4Lease } from "./ipv4-lease.ts";
import type { LeaseInfo } from "./lease-info.ts";
import { fieldsOf, type LeaseRequest } from "./lease-request.ts";
import type { Pod } from "./pod.ts";
import type { LeaseFile } from "./store.ts";
import type { World } from "./world.ts";

/** A lease that is asked for the first time ends by itself after `resendtimeout`, and says more. */
const GRACE_MS = 1000;

/** A call that waits. */
export interface Waiter {
  answer(result: CniResult): void;
  /** With any error: the spec's error object is made of it there. */
  refuse(error: unknown): void;
}

/** What a tenant begins with. */
export interface Beginning {
  /** Held by the pod since before this program was started. */
  held?: LeaseFile["ipv4"];
  /** Held by the same client in a namespace that is gone: it is asked for again. */
  previous?: LeaseInfo | undefined;
}

/** An attachment. */
export class Tenant {
  readonly request: LeaseRequest;
  readonly pod: Pod;
  readonly #world: World;
  readonly #lease: Ipv4Lease;
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
    { held, previous }: Beginning = {},
  ) {
    this.#world = world;
    this.request = request;
    this.pod = pod;
    this.#ended = ended;
    this.#isGranted = held !== undefined;
    const events = {
      granted: () => this.#granted(),
      failed: (error: CniError) => this.#failed(error),
      released: () => this.#released(),
      gone: () => this.vanish(),
    };
    this.#lease = new Ipv4Lease(world, request, pod, events, held);
    if (held !== undefined) this.#lease.start(held.lease as LeaseInfo, true);
    else this.#lease.start(previous);
  }

  /** The last lease there was, valid or not. */
  get last(): LeaseInfo | undefined {
    return this.#lease.last;
  }

  /** True while it has an address. */
  get isHolding(): boolean {
    return this.#lease.held !== undefined;
  }

  /**
   * Answers when there is an address, which may be at once.
   * @returns to be disposed by one who waits no longer
   */
  wait(waiter: Waiter): Disposable {
    const { resendTimeoutMs } = this.#world.settings;
    const limit = this.#world.loop.after(resendTimeoutMs + GRACE_MS, () => {
      if (this.#waiters.delete(waiter)) waiter.refuse(noMoreTries());
    });
    this.#waiters.set(waiter, limit);
    this.#lease.check();
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
    this.#lease.release();
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
    this.#refuseAll(new CniError(cniCode.tryAgain, "the DHCP daemon stops"));
  }

  // ---- what the lease tells

  #granted() {
    const file = this.#file();
    const result = this.#lease.result();
    if (file === undefined || result === undefined) return;
    try {
      this.#world.store.write(file);
    } catch (error) {
      return this.#notWritten(error);
    }
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

  #file(): LeaseFile | undefined {
    const ipv4 = this.#lease.record();
    const { path, identity } = this.pod;
    return ipv4 && { request: this.request, namespace: { path, ...identity }, ipv4 };
  }

  #failed(error: CniError): void {
    this.#log("warning", `no lease: ${explain(error)}`);
    this.#refuseAll(error);
    this.#released();
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
    this.#world.journal.write(priority, event, { ...about, address: this.last?.address });
  }
}

function noMoreTries(): CniError {
  const details = "the lease ended, and no server has given another yet";
  return new CniError(cniCode.tryAgain, "no more tries", { details });
}
