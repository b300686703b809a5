/**
 * host-local: addresses from ranges, kept as files on this host.
 * @module
 */

import type { Attachment } from "../../core/attachment.ts";
import { definePlugin } from "../../core/cni/plugin.ts";
import type { CniResult } from "../../core/cni/result.ts";
import { attemptAll, CniError } from "../../core/errors.ts";
import { formatCidr, formatIp, parseCidr } from "../../core/net/address.ts";
import { type Owner, ownerOf } from "../../core/state/reservation-owner.ts";
import { allocate, type Wanted } from "./allocate.ts";
import { dataDirOf, hostLocalConfig } from "./config.ts";
import { type RangeSet, rangeOf, unusableAddresses } from "./range.ts";
import { rangeSets } from "./range-sets.ts";
import { assignRequests, requestedIps } from "./requested.ts";
import { Reservations } from "./reservations.ts";
import { readResolvConf } from "./resolv-conf.ts";
import { refuseUnavailable } from "./status.ts";
import { type Reservation, Store } from "./store.ts";
import { describeReservation } from "./use.ts";

/** CHECK found no reservation, or somebody else's. */
const notReserved = 101;

/** host-local: one free address of each range set, written down in a file whose name is the address. */
export const hostLocal = definePlugin({
  type: "host-local",
  config: hostLocalConfig,
  argKeys: ["IP"],

  add({ config, cniVersion, args, attachment, warn }) {
    const sets = rangeSets(config, cniVersion);
    const wanted: Wanted = {
      owner: ownerOf(attachment),
      sets,
      requests: assignRequests(sets, requestedIps(config, args), warn),
      unusable: unusableAddresses(sets),
    };
    const dns = config.ipam?.resolvConf ? readResolvConf(config.ipam.resolvConf) : {};
    const store = new Store(dataDirOf(config), attachment.network);
    store.ensure();
    const ips = store.locked(() => {
      using reservations = new Reservations(store);
      return allocate(reservations, wanted);
    });
    return { ...addresses(sets, ips), routes: config.ipam?.routes ?? [], dns };
  },

  del({ config, attachment }) {
    const store = new Store(dataDirOf(config), attachment.network);
    changing(store, (reservations) => {
      reservations.dropEarlierBoot();
      removeAll(reservations, reservations.heldBy(ownerOf(attachment)));
    });
  },

  check({ config, cniVersion, attachment, prevResult }) {
    const sets = rangeSets(config, cniVersion);
    const store = new Store(dataDirOf(config), attachment.network);
    const held = store.stat() ? new Reservations(store).heldBy(ownerOf(attachment)) : [];
    const { containerId, ifname } = attachment;
    if (held.length === 0) {
      const message = `host-local: Failed to find address added by container ${containerId}`;
      const none = `no reservation of its interface "${ifname}" in "${store.directory}"`;
      const files = ownAddresses(sets, prevResult).map((ip) => describeFile(store, ip));
      throw new CniError(notReserved, message, { details: [none, ...files].join("; ") });
    }
    const ip = ownAddresses(sets, prevResult).find((each) => !held.some(({ ip }) => ip === each));
    if (ip === undefined) return;
    const message = `host-local: ${ip} of prevResult is not reserved for container ${containerId}`;
    throw new CniError(notReserved, message, { details: describeFile(store, ip) });
  },

  gc({ config, network, validAttachments, isStale, warn }) {
    if (validAttachments === undefined) return;
    const store = new Store(dataDirOf(config), network);
    const isLeft = staleOwners(network, validAttachments, isStale);
    changing(store, (reservations) => {
      reservations.dropEarlierBoot();
      const all = [...reservations.all().values()];
      for (const { ip, problem } of all.filter(({ owner }) => owner === undefined)) {
        warn(`leaves "${store.path(ip)}" alone: it ${problem}`);
      }
      removeAll(
        reservations,
        all.filter(({ owner }) => owner !== undefined && isLeft(owner)),
      );
    });
  },

  status({ config, network, cniVersion }) {
    const sets = rangeSets(config, cniVersion);
    const store = new Store(dataDirOf(config), network);
    refuseUnavailable(store, sets);
  },
});

/** Runs `fn` under the network's lock with what is reserved; a network without a directory has nothing to change. */
function changing<T>(store: Store, fn: (reservations: Reservations) => T): T | undefined {
  if (store.stat() === undefined) return undefined;
  return store.locked(() => {
    using reservations = new Reservations(store);
    return fn(reservations);
  });
}

function removeAll(reservations: Reservations, list: readonly Reservation[]): void {
  attemptAll(
    ...list.map(
      ({ ip }) =>
        () =>
          reservations.remove(ip),
    ),
  );
}

function addresses(sets: readonly RangeSet[], ips: readonly Uint8Array[]): CniResult {
  return {
    ips: ips.map((address, index) => {
      const range = rangeOf(sets[index] ?? [], address);
      if (range === undefined) throw new Error(`${formatIp(address)} is in no range`);
      const length = range.subnet.length;
      return { address: formatCidr({ address, length }), gateway: formatIp(range.gateway) };
    }),
  };
}

/** Addresses of the result that are ours to give. */
function ownAddresses(sets: readonly RangeSet[], result: CniResult | undefined): string[] {
  const ips = (result?.ips ?? []).map(({ address }) => parseCidr(address).address);
  return ips.filter((ip) => sets.some((set) => rangeOf(set, ip) !== undefined)).map(formatIp);
}

/** What lies where the address should be reserved: `"/var/lib/cni/networks/net/10.1.0.5" is empty`. */
function describeFile(store: Store, ip: string): string {
  const path = JSON.stringify(store.path(ip));
  const found = store.stat() && store.reservation(ip);
  if (found === undefined) return `${path} is missing`;
  if (found.owner === undefined) return `${path} ${found.problem}`;
  return `${path}: ${describeReservation(found)}`;
}

/** Files of old releases name the container alone: they go when none of its interfaces is valid. */
function staleOwners(
  network: string,
  valid: readonly Attachment[],
  isStale: (attachment: Attachment) => boolean,
): (owner: Owner) => boolean {
  const containers = new Set(valid.map(({ containerId }) => containerId));
  return ({ containerId, ifname }) =>
    ifname === undefined ? !containers.has(containerId) : isStale({ network, containerId, ifname });
}
