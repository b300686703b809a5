/**
 * Addresses for an attachment: asked for while its link is made, given back when it goes.
 * @module
 */

import type { AddCall, AskedIpam, Ipam } from "../cni/plugin.ts";
import type { Rollback } from "../rollback.ts";

/** Asks IPAM, if one is configured; a failing ADD gives back what it answered. */
export function askIpam(
  { ipam }: Pick<AddCall<unknown>, "ipam">,
  rollback: Rollback,
): AskedIpam | undefined {
  if (!ipam.configured) return undefined;
  const asked = ipam.ask();
  rollback.defer(() => asked.release());
  return asked;
}

/** To be said when the undo of the link has been deferred: an IPAM that needs the link gives back before that goes. */
export function releaseBeforeLink(
  { ipam }: Pick<AddCall<unknown>, "ipam">,
  asked: AskedIpam | undefined,
  rollback: Rollback,
): void {
  if (asked !== undefined && ipam.needsLink) rollback.defer(() => asked.release());
}

/**
 * When in a DEL or GC addresses go back: last, when nothing uses them, since IPAM hands them out again; but while the link is there
 * if IPAM needs it for that.
 */
export class AddressReturn {
  readonly #needsLink: boolean;
  readonly #give: () => void;
  #failure: { error: unknown } | undefined;

  /** @param verb what gives them back */
  constructor(ipam: Ipam, verb: "del" | "gc") {
    this.#needsLink = ipam.needsLink;
    this.#give = () => ipam[verb]();
  }

  /** The step before the link goes. Never throws: {@link last} tells of a failure, so that the link goes whatever comes of it. */
  beforeLink(): void {
    if (!this.#needsLink) return;
    try {
      this.#give();
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** The step behind all others. @throws {CniError} as the delegate's, for the step before the link as well */
  last(): void {
    if (!this.#needsLink) this.#give();
    else if (this.#failure !== undefined) throw this.#failure.error;
  }
}
