/**
 * Which of a container's networks owns its default route: the metrics of the default routes in the main table, one for each
 * network, so that the order of attaching and detaching decides nothing that configurations do not leave open.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { AF_INET6 } from "netlink-ts/route/family.ts";
import {
  deleteRoute,
  prependRoute,
  type RouteMessage,
  RT_SCOPE_NOWHERE,
  RT_TABLE_MAIN,
} from "netlink-ts/route/route.ts";

import { CniError, cniCode, isErrno } from "../errors.ts";
import type { RouteSocket } from "./route-socket.ts";
import { inTable, metricOf } from "./whole-route.ts";

/** The protocol of the default routes of a network that owns the default route: by it the next ADD knows them. */
export const RTPROT_OWNER = 78;
/** What the kernel has made: RTPROT_KERNEL, and RTPROT_RA, which every router advertisement makes again. */
const kernelsOwn: readonly number[] = [2, 9];
const LARGEST_U32 = 0xffff_ffff;

/** A default route that is to be added. */
export interface WantedDefault {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** Absent: whatever fits. */
  readonly metric?: number | undefined;
  /** It goes before all that do not own. */
  readonly owns: boolean;
}

/** Where a default route goes. */
export interface PlacedDefault {
  readonly metric: number;
  /** Others that have to make way, the last one first: so each finds its new place free. */
  readonly moves: readonly MovedDefault[];
}

/** A default route that is there, and its next metric. */
export interface MovedDefault {
  readonly route: RouteMessage;
  readonly metric: number;
}

/**
 * Finds the place of a default route among those that are there. One that does not own goes behind the owner, and to the next
 * free metric; one that owns stays where it wants to be, and what does not own moves behind it, in the order it has.
 * @param others default routes of that family that lead out of other links
 * @throws {CniError} 7 when another network owns the default route with the same metric
 */
export function placeDefault(
  wanted: WantedDefault,
  others: readonly RouteMessage[],
): PlacedDefault {
  return wanted.owns ? placeOwner(wanted, others) : placeBehind(wanted, others);
}

function placeBehind({ family, metric }: WantedDefault, others: readonly RouteMessage[]) {
  const behind = others.filter(isOwner).map((route) => metricOf(route) + 1);
  const taken = new Set(others.map(metricOf));
  const first = Math.max(metric ?? metricOf({ family }), ...behind);
  return { metric: nextFree(first, taken), moves: [] };
}

function placeOwner({ family, metric }: WantedDefault, others: readonly RouteMessage[]) {
  const owners = others.filter(isOwner);
  const unmovable = others.filter((route) => !isOwner(route) && isKernels(route));
  // IPv6 has no metric 0
  const first = metric ?? (family === AF_INET6 ? 1 : 0);
  const own = Math.max(0, Math.min(first, ...unmovable.map((route) => metricOf(route) - 1)));
  if (owners.some((route) => metricOf(route) === own)) throw ownedTwice(own);
  const fixed = new Set([own, ...[...owners, ...unmovable].map(metricOf)]);
  const movable = others.filter((route) => !isOwner(route) && !isKernels(route));
  return {
    metric: own,
    moves: movesBehind(Math.max(own, ...owners.map(metricOf)), movable, fixed),
  };
}

function movesBehind(
  last: number,
  movable: readonly RouteMessage[],
  fixed: ReadonlySet<number>,
): MovedDefault[] {
  const moves: MovedDefault[] = [];
  let free = last + 1;
  for (const route of movable.toSorted((a, b) => metricOf(a) - metricOf(b))) {
    const metric = nextFree(Math.max(free, metricOf(route)), fixed);
    if (metric !== metricOf(route)) moves.unshift({ route, metric });
    free = metric + 1;
  }
  return moves;
}

function nextFree(from: number, taken: ReadonlySet<number>): number {
  let metric = from;
  while (taken.has(metric)) metric++;
  if (metric <= LARGEST_U32) return metric;
  const message = "no metric is left behind the container's other default routes";
  throw new CniError(cniCode.badConfig, message, {
    details: 'give one of them a smaller "metric"',
  });
}

function ownedTwice(metric: number): CniError {
  const message = `"defaultRoute" is true, and another network of the container owns the default route with metric ${metric}`;
  const details = 'give one of them another "metric", or "defaultRoute": false';
  return new CniError(cniCode.badConfig, message, { details });
}

/** True for a default route that a network has which owns it. */
export function isOwner({ protocol }: { readonly protocol: number }): boolean {
  return protocol === RTPROT_OWNER;
}

function isKernels({ protocol }: RouteMessage): boolean {
  return kernelsOwn.includes(protocol);
}

/** Puts moved routes back, for a failing ADD; those that were not moved, or have gone with their links, are no error. */
export function moveBack(route: RouteSocket, moves: readonly MovedDefault[]): void {
  for (const { route: before, metric } of moves.toReversed()) {
    try {
      moveDefaults(route, [{ route: { ...before, priority: metric }, metric: metricOf(before) }]);
    } catch (error) {
      if (!isErrno(error, "EEXIST", "ESRCH", "ENODEV")) throw error;
    }
  }
}

/** Moves routes: each is there all the time, for a moment twice. */
export function moveDefaults(route: RouteSocket, moves: readonly MovedDefault[]): void {
  const calls = moves.flatMap(({ route: before, metric }) => [
    call(prependRoute, { ...inTable(before, RT_TABLE_MAIN), priority: metric || undefined }),
    call(deleteRoute, {
      ...inTable(before, RT_TABLE_MAIN),
      scope: RT_SCOPE_NOWHERE,
      metrics: undefined,
    }),
  ]);
  route.batch(...calls);
}
