/**
 * What a link has beside its IPv4 addresses: the kernel takes it away when the link gets another master.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import {
  type AddressInput,
  type AddressMessage,
  getAddress,
  IFA_F_MANAGETEMPADDR,
  IFA_F_MCAUTOJOIN,
  IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE,
  newAddress,
} from "netlink-ts/route/address.ts";
import { AF_INET6 } from "netlink-ts/route/family.ts";
import {
  type RouteMessage,
  RT_SCOPE_UNIVERSE,
  RTN_LOCAL,
  RTN_UNICAST,
} from "netlink-ts/route/route.ts";

import { during, isErrno } from "../../core/errors.ts";
import { formatCidr, type Prefix } from "../../core/net/address.ts";
import { ChangeWatch, RTNLGRP_IPV6_ROUTE } from "../../core/net/change-watch.ts";
import type { Netns } from "../../core/net/netns.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";
import { leadsOnlyOutOf, missingRoutes, tableOf, wholeRoutes } from "../../core/net/whole-route.ts";

/** As long as the reference looks for it. */
const patienceMs = 2550;
/** What an address was given, not what has become of it. */
const lasting = IFA_F_NOPREFIXROUTE | IFA_F_MANAGETEMPADDR | IFA_F_MCAUTOJOIN;

/** What is taken away. */
export interface Belongings {
  /** IPv6, of global scope. */
  readonly addresses: readonly AddressMessage[];
  /** Of both families; what is on the link the kernel makes again, of IPv4. */
  readonly routes: readonly RouteMessage[];
}

/** What the link has in that table. */
export function belongingsOf(route: RouteSocket, ifindex: number, table: number): Belongings {
  const routes = wholeRoutes(route, ifindex).filter(
    (each) =>
      tableOf(each) === table &&
      each.type === RTN_UNICAST &&
      each.scope === RT_SCOPE_UNIVERSE &&
      leadsOnlyOutOf(each, ifindex),
  );
  return { addresses: globalAddresses(route, ifindex), routes };
}

/** IPv6 addresses of global scope of a link. */
export function globalAddresses(route: RouteSocket, ifindex: number): AddressMessage[] {
  const all = route.dump(getAddress, { family: AF_INET6, ifindex });
  return all.filter((each) => each.ifindex === ifindex && each.scope === RT_SCOPE_UNIVERSE);
}

/** What ADD has recorded beside what the link has: a call that was killed may have taken it away and not given it back. */
export function withRecorded(
  found: Belongings,
  recorded: { addresses: readonly Prefix[]; routes: readonly RouteMessage[] },
  ifindex: number,
): Belongings {
  const there = new Set(found.addresses.map(addressKey));
  const lost = recorded.addresses.filter((each) => !there.has(formatCidr(each)));
  const addresses = lost.map(({ address, length: prefixLength }) => ({
    ...{ family: AF_INET6, prefixLength, headerFlags: 0, scope: RT_SCOPE_UNIVERSE },
    ...{ ifindex, address },
  }));
  const missing = missingRoutes(recorded.routes, found.routes, ifindex) as RouteMessage[];
  return {
    addresses: [...found.addresses, ...addresses],
    routes: [...found.routes, ...missing],
  };
}

/** An address with its prefix length. */
export function prefixOf({ local, address, prefixLength }: AddressMessage): Prefix {
  return { address: local ?? address ?? new Uint8Array(), length: prefixLength };
}

/**
 * Gives the link those addresses that it does not have any more, and waits until the kernel has its routes to them, which is
 * later: routes with such an address as source are refused before.
 * @param table where the kernel keeps routes to the link's own addresses
 * @returns the addresses that it still does not have a route to
 */
export function giveAddresses(
  { netns, route }: { netns: Netns; route: RouteSocket },
  { ifindex, table }: { ifindex: number; table: number },
  addresses: readonly AddressMessage[],
): AddressMessage[] {
  const there = new Set(globalAddresses(route, ifindex).map(addressKey));
  const missing = addresses.filter((each) => !there.has(addressKey(each)));
  if (missing.length === 0) return [];
  using watch = netns.run(() => new ChangeWatch(RTNLGRP_IPV6_ROUTE));
  during(`could not restore address ${missing.map(addressKey).join(", ")}`, () =>
    route.settle(
      missing.map((each) => call(newAddress, renewed(each, ifindex))),
      (refusal) => isErrno(refusal, "EEXIST"),
    ),
  );
  let left: AddressMessage[] = missing;
  watch.waitUntil(() => {
    left = withoutRoute(route, { ifindex, table }, missing);
    return left.length === 0;
  }, patienceMs);
  return left;
}

/** As text, with its prefix length. */
export function addressKey(address: AddressMessage): string {
  return formatCidr(prefixOf(address));
}

/** It was this link's, so nobody else has it: no duplicate is looked for. */
function renewed(message: AddressMessage, ifindex: number): AddressInput {
  const { flags = 0, headerFlags: _, unknown: __, ...rest } = message;
  return { ...rest, ifindex, flags: (flags & lasting) | IFA_F_NODAD };
}

function withoutRoute(
  route: RouteSocket,
  { ifindex, table }: { ifindex: number; table: number },
  addresses: readonly AddressMessage[],
): AddressMessage[] {
  const local = wholeRoutes(route, ifindex)
    .filter((each) => tableOf(each) === table && each.type === RTN_LOCAL)
    .map(({ dst }) => String(dst));
  return addresses.filter((each) => !local.includes(String(prefixOf(each).address)));
}
