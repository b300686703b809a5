/**
 * Choosing and reserving one address from each range set.
 * @module
 */

import { CniError, cniCode, during } from "../../core/errors.ts";
import { formatIp, parseIp } from "../../core/net/address.ts";
import { Rollback } from "../../core/rollback.ts";
import type { Owner } from "../../core/state/reservation-owner.ts";
import { candidates, formatRangeSet, type RangeSet, rangeOf, type Unusable } from "./range.ts";
import type { RequestedIp } from "./requested.ts";
import type { Reservations } from "./reservations.ts";
import { describeReservation, describeUse } from "./use.ts";

/** This attachment has an address already, and it is in use. */
const alreadyAllocated = 100;
/** Attempts on taken addresses before the directory is read to know all that are. */
const blindAttempts = 8;

/** What is to be allocated. */
export interface Wanted {
  owner: Required<Owner>;
  sets: readonly RangeSet[];
  /** One entry a set; undefined: any address. */
  requests: readonly (RequestedIp | undefined)[];
  unusable: Unusable;
}

/**
 * Reserves one address a set, or none at all. An attachment that has addresses from an earlier boot gets them back.
 * @returns the addresses in the order of the sets
 * @throws {CniError} 100 when the attachment has addresses already, 11 when there is none to be had
 */
export function allocate(reservations: Reservations, wanted: Wanted): Uint8Array[] {
  const kept = takeOver(reservations, wanted);
  reservations.dropEarlierBoot(kept.filter((ip) => ip !== undefined));
  refuseDuplicate(reservations, wanted, kept);
  using rollback = new Rollback();
  const ips = wanted.sets.map((_, index) =>
    during(`failed to allocate for range ${index}`, () => {
      const ip = kept[index] ?? reserve(reservations, wanted, index);
      rollback.defer(() => reservations.remove(ip));
      const bytes = parseIp(ip);
      if (kept[index] === undefined) reservations.store.setLastReserved(index, bytes);
      return bytes;
    }),
  );
  rollback.commit();
  return ips;
}

/** For each set the address this attachment had in an earlier boot, unless another one is asked for. */
function takeOver(
  reservations: Reservations,
  { owner, sets, requests, unusable }: Wanted,
): (string | undefined)[] {
  const own = reservations
    .fromEarlierBoot()
    .filter((each) => each.owner?.containerId === owner.containerId)
    .filter((each) => each.owner?.ifname === owner.ifname && !unusable.has(each.ip));
  return sets.map((set, index) => {
    const request = requests[index];
    const fits = (ip: string) =>
      request === undefined ? rangeOf(set, parseIp(ip)) !== undefined : formatIp(request.ip) === ip;
    return own.find(({ ip }) => fits(ip))?.ip;
  });
}

function refuseDuplicate(
  reservations: Reservations,
  { owner, sets }: Wanted,
  kept: readonly (string | undefined)[],
): void {
  const held = reservations
    .heldInAnyForm(owner)
    .find(({ ip }) => !kept.includes(ip) && sets.some((set) => rangeOf(set, parseIp(ip))));
  if (held === undefined) return;
  const index = sets.findIndex((set) => rangeOf(set, parseIp(held.ip)));
  const what = `${held.ip} has been allocated to ${owner.containerId}, duplicate allocation is not allowed`;
  throw new CniError(alreadyAllocated, `failed to allocate for range ${index}: ${what}`, {
    details: describeReservation(held),
  });
}

function reserve(reservations: Reservations, wanted: Wanted, index: number): string {
  const set = wanted.sets[index] ?? [];
  const request = wanted.requests[index];
  if (request !== undefined) return reserveRequested(reservations, wanted, set, request);
  const last = reservations.store.lastReserved(index);
  const ip = reserveNext(reservations, wanted, candidates(set, last));
  if (ip !== undefined) return ip;
  throw new CniError(
    cniCode.tryAgain,
    `no IP addresses available in range set: ${formatRangeSet(set)}`,
    { details: describeUse(set, wanted.unusable, [...reservations.all().values()]) },
  );
}

function reserveNext(
  reservations: Reservations,
  { owner, unusable }: Wanted,
  ips: Iterable<Uint8Array>,
): string | undefined {
  let attempts = 0;
  let taken: ReadonlySet<string> | undefined;
  for (const bytes of ips) {
    const ip = formatIp(bytes);
    if (unusable.has(ip) || taken?.has(ip)) continue;
    if (reservations.add(ip, owner)) return ip;
    attempts += 1;
    if (attempts === blindAttempts) taken = reservations.takenIps();
  }
  return undefined;
}

function reserveRequested(
  reservations: Reservations,
  { owner, unusable }: Wanted,
  set: RangeSet,
  { ip: bytes, source }: RequestedIp,
): string {
  const ip = formatIp(bytes);
  const why = unusable.get(ip);
  if (why !== undefined) {
    const details = `asked for by "${source}"`;
    throw new CniError(cniCode.badConfig, `requested ip ${ip} is ${why}`, { details });
  }
  if (reservations.add(ip, owner)) return ip;
  const holder = reservations.store.reservation(ip);
  throw new CniError(
    cniCode.tryAgain,
    `requested IP address ${ip} is not available in range set ${formatRangeSet(set)}`,
    holder === undefined ? {} : { details: describeReservation(holder) },
  );
}
