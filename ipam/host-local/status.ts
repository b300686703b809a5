/**
 * Whether an ADD could be served, found out without a lock and without leaving anything.
 * @module
 */

import { CniError, cniCode } from "../../core/errors.ts";
import { probeDirectory } from "./probe.ts";
import { formatRangeSet, type RangeSet, unusableAddresses } from "./range.ts";
import { Reservations } from "./reservations.ts";
import type { Store } from "./store.ts";
import { capacity, describeUse, inSet } from "./use.ts";

/** @throws {CniError} 50 when a range set is full or nothing can be written */
export function refuseUnavailable(store: Store, sets: readonly RangeSet[]): void {
  try {
    refuseFull(store, sets);
    probeDirectory(store.directory);
  } catch (cause) {
    if (cause instanceof CniError && cause.code === cniCode.notAvailable) throw cause;
    const message = `host-local: ${JSON.stringify(store.directory)} cannot be used`;
    throw new CniError(cniCode.notAvailable, message, { cause });
  }
}

function refuseFull(store: Store, sets: readonly RangeSet[]): void {
  if (store.stat() === undefined) return;
  const names = store.reservedIps().map((ip) => ({ ip }));
  const unusable = unusableAddresses(sets);
  const isFull = (set: RangeSet, taken: readonly { ip: string }[]) =>
    BigInt(taken.length) >= capacity(set, unusable) &&
    BigInt(inSet(set, unusable, taken).length) >= capacity(set, unusable);
  const suspects = sets.filter((set) => isFull(set, names));
  if (suspects.length === 0) return;
  const reservations = new Reservations(store);
  const free = new Set(reservations.fromEarlierBoot().map(({ ip }) => ip));
  const held = [...reservations.all().values()].filter(({ ip }) => !free.has(ip));
  const full = suspects.find((set) => isFull(set, held));
  if (full === undefined) return;
  const message = `no IP addresses available in range set: ${formatRangeSet(full)}`;
  throw new CniError(cniCode.notAvailable, message, { details: describeUse(full, unusable, held) });
}
