/**
 * All attachments of the daemon: what the calls of its service do.
 * @module
 */

import type { CniResult } from "../core/cni/result.ts";
import type { Fields, Priority } from "../core/daemon/journal.ts";
import { bootMs } from "../core/daemon/loop.ts";
import { explain } from "../core/errors.ts";
import type { AllocateArgs, CollectArgs } from "../core/rpc/dhcp-service.ts";
import { releaseFromHost, releaseFromHost6 } from "./host-link.ts";
import {
  attachmentOf,
  fieldsOf,
  type LeaseRequest,
  leaseKey,
  readLeaseRequest,
} from "./lease-request.ts";
import type { Lease6Info } from "./lease6-info.ts";
import { isSameFile } from "./namespace.ts";
import { Pod, PodGone } from "./pod.ts";
import type { LeaseFile } from "./store.ts";
import { type Beginning, Tenant, type Waiter } from "./tenant.ts";
import type { World } from "./world.ts";

/** How long a link is waited for, and how often it is looked for. */
const LINK_MS = 2000;
const LINK_RETRY_MS = 5;
/** Namespaces that are gone without a DEL are noticed within this time. */
const SWEEP_MS = 10_000;

/** The attachments by their keys. */
export class Tenants {
  readonly #world: World;
  readonly #tenants = new Map<string, Tenant>();
  readonly #changed: () => void;

  /** @param changed told when {@link counts} may be others */
  constructor(world: World, changed: () => void) {
    this.#world = world;
    this.#changed = changed;
  }

  /** How many there are, and how many of them have an address. */
  get counts(): { all: number; holding: number } {
    const all = [...this.#tenants.values()];
    return { all: all.length, holding: all.filter(({ isHolding }) => isHolding).length };
  }

  /**
   * Gives an address, or the one that is there already.
   * @returns to be disposed when nobody waits any more
   * @throws {CniError} what cannot be asked for
   */
  allocate(args: AllocateArgs, waiter: Waiter): Disposable {
    const request = readLeaseRequest(args);
    const { hostPrefix } = this.#world.settings;
    const pod = Pod.at(hostPrefix + args.netns, request.ifname, hostPrefix);
    const answer = (result: CniResult) => {
      waiter.answer(result);
      this.#changed();
    };
    return this.#admit(request, pod, { answer, refuse: (error) => waiter.refuse(error) });
  }

  /** A plugin may ask while it still makes the link, so a link that is not there is waited for. */
  #admit(request: LeaseRequest, pod: Pod, waiter: Waiter): Disposable {
    const limit = bootMs() + LINK_MS;
    let next: Disposable | undefined;
    const attempt = () => {
      try {
        next = this.#tenantOf(request, pod).wait(waiter);
      } catch (error) {
        if (!(error instanceof PodGone) || bootMs() > limit) return waiter.refuse(error);
        next = this.#world.loop.after(LINK_RETRY_MS, attempt);
      }
    };
    attempt();
    return { [Symbol.dispose]: () => next?.[Symbol.dispose]() };
  }

  #tenantOf(request: LeaseRequest, pod: Pod): Tenant {
    const there = this.#tenants.get(leaseKey(request));
    if (there !== undefined && isSamePod(there.pod, pod)) return there;
    const { ipv4: previous, ipv6: previous6 } = there?.last ?? {};
    const tenant = this.#open(request, pod, { previous, previous6 });
    // a client that goes on in another namespace: the server need not know
    there?.close();
    this.#log("info", "asks for a lease", request, { was: previous?.address });
    return tenant;
  }

  /** Gives an address back, then calls `done`; there may be none. @throws {CniError} for no configuration */
  release(args: AllocateArgs, done: () => void): void {
    const tenant = this.#tenants.get(leaseKey(attachmentOf(args)));
    if (tenant === undefined) done();
    else tenant.release(done);
  }

  /** Gives back what a network's attachments have that are not listed, then calls `done`. */
  collect({ network, valid }: CollectArgs, done: () => void) {
    const stale = [...this.#tenants.values()].filter(
      ({ request }) =>
        request.network === network && !valid.includes(`${request.containerId}/${request.ifname}`),
    );
    let left = stale.length;
    if (left === 0) return done();
    const oneDone = () => {
      left -= 1;
      if (left === 0) done();
    };
    for (const tenant of stale) tenant.release(oneDone);
  }

  /** Goes on with the leases of before; those whose pod is gone are given back. */
  resume(): void {
    const files = this.#world.store.read((path, why) => {
      this.#world.journal.write("warning", "passes over a lease file", { path, why });
    });
    for (const file of files) this.#resumeOne(file);
    this.sweep();
  }

  /** Gives back what pods have that are gone, and looks again a little later. */
  sweep(): void {
    for (const tenant of this.#tenants.values()) {
      const { path, identity } = tenant.pod;
      if (!isSameFile(path, identity) && !tenant.pod.isThere()) tenant.vanish();
    }
  }

  /** Sweeps from time to time. */
  keepSweeping(): void {
    this.#world.loop.after(SWEEP_MS, () => {
      this.keepSweeping();
      this.sweep();
      this.#changed(); // a lease may have been lost, or found again
    });
  }

  /** Lets go of everything and leaves the files. */
  close(): void {
    for (const tenant of this.#tenants.values()) tenant.close();
    this.#tenants.clear();
  }

  #resumeOne(file: LeaseFile): void {
    const { request, namespace } = file;
    const { hostPrefix } = this.#world.settings;
    const { path, ...identity } = namespace;
    const pod = Pod.find(identity, path, request.ifname, hostPrefix);
    try {
      if (pod === undefined) throw new PodGone(`namespace "${path}" is gone`);
      this.#open(request, pod, { held: file });
    } catch (error) {
      this.#dropOne(file, error);
    }
  }

  #dropOne({ request, ipv4, ipv6 }: LeaseFile, error: unknown): void {
    const { address } = ipv4.lease;
    this.#log("notice", "gives back a lease of before", request, { address, why: explain(error) });
    if (!(error instanceof PodGone)) return; // the file stays for another try
    releaseFromHost(this.#world, request, ipv4);
    if (ipv6 !== undefined) releaseFromHost6(this.#world, request, ipv6 as { lease: Lease6Info });
    this.#world.store.remove(request);
  }

  #log(priority: Priority, event: string, request: LeaseRequest, more: Fields): void {
    this.#world.journal.write(priority, event, { ...fieldsOf(request), ...more });
  }

  #open(request: LeaseRequest, pod: Pod, beginning: Beginning): Tenant {
    const key = leaseKey(request);
    let isOver = false;
    const ended = () => {
      isOver = true;
      if (this.#tenants.get(key) === tenant) this.#tenants.delete(key);
      this.#changed();
    };
    const tenant: Tenant = new Tenant(this.#world, request, pod, ended, beginning);
    if (!isOver) this.#tenants.set(key, tenant);
    this.#changed();
    return tenant;
  }
}

function isSamePod(one: Pod, other: Pod): boolean {
  const { file, cookie } = other.identity;
  return one.identity.file === file && one.identity.cookie === cookie;
}
