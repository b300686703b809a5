/**
 * Waiting for a pod's link-local address, from which everything of IPv6 on a link is asked.
 * @see RFC 4862 section 5.3
 * @module
 */

import type { Timer } from "../core/daemon/loop.ts";
import { CniError, cniCode } from "../core/errors.ts";
import { AddressWatch, addressesOfPod } from "./ipv6-link.ts";
import type { Pod } from "./pod.ts";
import type { World } from "./world.ts";

/** A second for duplicate address detection, one before it begins, and time for a busy machine. */
const PATIENCE_MS = 10_000;

/** Calls `ready` once when the link has a link-local address that may be used, or `failed` when it gets none. */
export class LinkLocalWait implements Disposable {
  readonly #pod: Pod;
  readonly #ready: () => void;
  readonly #failed: (error: CniError) => void;
  readonly #watch: AddressWatch;
  readonly #limit: Timer;
  readonly #first: Timer;

  /** @throws {PodGone} */
  constructor(world: World, pod: Pod, ready: () => void, failed: (error: CniError) => void) {
    this.#pod = pod;
    this.#ready = ready;
    this.#failed = failed;
    const { loop, settings } = world;
    this.#watch = new AddressWatch(loop, pod, () => this.#look(false));
    this.#first = loop.after(0, () => this.#look(false));
    const patienceMs = Math.min(PATIENCE_MS, settings.resendTimeoutMs);
    this.#limit = loop.after(patienceMs, () => this.#look(true));
  }

  #look(isLast: boolean) {
    const states = this.#states();
    if (states.includes("usable")) return this.#end(this.#ready);
    const isTaken = states.length > 0 && states.every((dad) => dad === "duplicate");
    if (isTaken || isLast) this.#end(() => this.#failed(noLinkLocal(this.#pod.ifname, states)));
  }

  /** A pod that is gone is noticed by others. */
  #states() {
    try {
      return addressesOfPod(this.#pod).linkLocal.map(({ dad }) => dad);
    } catch (error) {
      if (error instanceof CniError) return [];
      throw error;
    }
  }

  #end(tell: () => void): void {
    this[Symbol.dispose]();
    tell();
  }

  [Symbol.dispose](): void {
    for (const each of [this.#watch, this.#limit, this.#first]) each[Symbol.dispose]();
  }
}

function noLinkLocal(ifname: string, states: readonly string[]): CniError {
  const text = `no IPv6 address for "${ifname}": its link-local address cannot be used`;
  const [state] = states;
  const reasons: Record<string, string> = {
    tentative: "duplicate address detection has not ended: the link may have no carrier",
    duplicate: "somebody else on the link has it: two links may have one MAC address",
  };
  const details =
    reasons[state ?? ""] ?? `it has none: look at net.ipv6.conf.${ifname}.addr_gen_mode`;
  return new CniError(cniCode.tryAgain, text, { details });
}
