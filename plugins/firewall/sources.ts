/**
 * A pod's addresses as sources of a zone of firewalld, beside what our table lets through.
 *
 * They are in firewalld's running configuration alone: a reload or restart forgets them, as it forgets all that was not made
 * permanent.
 * @module
 */

import { type Attachment, ownerText } from "../../core/attachment.ts";
import { attemptAll, during, explain } from "../../core/errors.ts";
import { formatIp, isIpv4, parseCidr } from "../../core/net/address.ts";
import { podElements } from "../../core/nft/masquerade.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import type { Rollback } from "../../core/rollback.ts";
import { type FirewallConfig, firewalldIsTold } from "./config.ts";
import { Firewalld } from "./firewalld.ts";

/** A source of a zone. */
export interface ZoneSource {
  readonly zone: string;
  /** An address with its whole length, as `10.0.0.2/32`. */
  readonly source: string;
}

const defaultZone = "trusted";

/** The sources of these addresses, 4 or 16 bytes each, in the zone that is configured. */
export function sourcesOf(
  { firewalldZone }: Partial<FirewallConfig>,
  addresses: readonly Uint8Array[],
): ZoneSource[] {
  return addresses.map((address) => ({
    zone: firewalldZone || defaultZone,
    source: `${formatIp(address)}/${isIpv4(address) ? "32" : "128"}`,
  }));
}

/**
 * firewalld, if it is to be told: where it is asked for and, without a back end, where it runs. A bus that does not answer
 * when firewalld is not asked for is said on stderr.
 * @throws {CniError} it is asked for and does not run
 */
export function openFirewalld(
  config: Partial<FirewallConfig>,
  warn: (text: string) => void,
): Firewalld | undefined {
  const told = firewalldIsTold(config);
  if (told === "never") return undefined;
  if (told === "always") return Firewalld.open();
  try {
    return Firewalld.openIfRunning();
  } catch (error) {
    warn(`whether firewalld runs is not known: ${explain(error)}`);
    return undefined;
  }
}

/** Puts sources into their zones; `rollback` takes out those that were not there. */
export function trust(
  firewalld: Firewalld,
  sources: readonly ZoneSource[],
  rollback: Rollback,
): void {
  for (const { zone, source } of sources) {
    let isNew = true; // the answer may be lost
    rollback.defer(() => {
      if (isNew) firewalld.removeSource(zone, source);
    });
    isNew = during(`failed to add the address ${source} to ${zone} zone`, () =>
      firewalld.addSource(zone, source),
    );
  }
}

/** Sources that their zone does not have, each as a sentence with what it takes. */
export function missingSources(firewalld: Firewalld, sources: readonly ZoneSource[]): string[] {
  return sources
    .filter(({ zone, source }) => !firewalld.hasSource(zone, source))
    .map(({ zone, source }) => {
      const remedy = `firewall-cmd --zone=${zone} --add-source=${source}`;
      return `failed to find the address ${source} in ${zone} zone of firewalld; it takes: ${remedy}`;
    });
}

/** TEST-NET-1, which nobody has. */
const anyAddress = new Uint8Array([192, 0, 2, 1]);

/** Asks for the zone that is configured. @throws {CniError} 7 when firewalld does not have it */
export function requireZone(firewalld: Firewalld, config: FirewallConfig): void {
  missingSources(firewalld, sourcesOf(config, [anyAddress]));
}

/** What firewalld was told of an attachment. */
export interface Trusted {
  readonly attachment: Attachment;
  readonly sources: readonly ZoneSource[];
}

/**
 * Takes sources of pods out of their zones, but for addresses that other pods have by now. Nothing is left to do where
 * firewalld does not run.
 */
export function withdraw(...trusted: readonly Trusted[]): void {
  if (trusted.every(({ sources }) => sources.length === 0)) return;
  using firewalld = Firewalld.openIfRunning();
  if (firewalld === undefined) return;
  using nft = NftSocket.openIfSupported();
  const steps = trusted.flatMap(({ attachment, sources }) =>
    sources.map((one) => () => {
      const isTaken = () => isOfAnother(nft, attachment, one);
      if (!isTaken()) withdrawOne(firewalld, one, isTaken);
    }),
  );
  attemptAll(...steps);
}

function withdrawOne(
  firewalld: Firewalld,
  { zone, source }: ZoneSource,
  isTaken: () => boolean,
): void {
  during(`take the address ${source} out of ${zone} zone`, () => {
    firewalld.removeSource(zone, source);
    // its element goes in before its source: a pod that was given the address meanwhile found the source in its place
    if (isTaken()) firewalld.addSource(zone, source);
  });
}

/** By its element, which every pod has whatever firewalld is told. */
function isOfAnother(nft: NftSocket | undefined, pod: Attachment, { source }: ZoneSource): boolean {
  const { address } = parseCidr(source);
  const there = podElements(pod, [address]).map((element) => nft?.find(element));
  return there.some((found) => found !== undefined && found.owner !== ownerText(pod));
}
