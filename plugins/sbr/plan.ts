/**
 * What ADD of sbr is about to do, worked out of what there is: tables as the reference picks and fills them.
 * @module
 */

import { familyOf } from "netlink-ts/route/family.ts";
import {
  type RouteInput,
  type RouteMessage,
  RT_SCOPE_LINK,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  RTPROT_BOOT,
} from "netlink-ts/route/route.ts";

import { contains, network, type Prefix } from "../../core/net/address.ts";
import {
  gatewaysOf,
  inTable,
  leadsOnlyOutOf,
  metricOf,
  placeKey,
  type TakenRoute,
  tableFields,
  tableOf,
} from "../../core/net/whole-route.ts";
import type { Source, Wanted } from "./config.ts";
import type { SourceRule } from "./rules.ts";

/** Before it all are small numbers that people choose. */
const FIRST_TABLE = 100;

/** What is in a namespace. */
export interface Found {
  /** All routes of all tables. */
  readonly routes: readonly RouteMessage[];
  /** The tables that any rule leads to. */
  readonly ruled: ReadonlySet<number>;
}

/** What an attachment gets. */
export interface Plan {
  readonly ifindex: number;
  readonly rules: readonly SourceRule[];
  /** What goes into the tables, in order; a later one takes the place of an earlier one to the same destination. */
  readonly routes: readonly RouteInput[];
  /** What goes out of the main table. */
  readonly taken: readonly TakenRoute[];
  /** What stays there, or comes in, to keep the subnets reachable. */
  readonly hints: readonly RouteInput[];
}

/** A plan for that link. */
export function planOf(ifindex: number, wanted: Wanted, found: Found): Plan {
  const { sources, table } = wanted;
  if (table !== undefined) {
    const rules = sources.map(({ prefix }) => ({ source: prefix.address, table }));
    return { ifindex, rules, routes: [], taken: [], hints: [] };
  }
  const owned = ownedRoutes(ifindex, sources, found.routes);
  const tables = freeTables(sources.length, found);
  return {
    ifindex,
    rules: sources.map(({ prefix }, at) => ({ source: prefix.address, table: tables[at]! })),
    routes: sources.flatMap((source, at) =>
      tableRoutes(ifindex, tables[at]!, { source, sources, owned }),
    ),
    ...mainTable(ifindex, wanted, owned, found.routes),
  };
}

/**
 * The smallest numbers that no rule leads to, as the reference picks them, and that nobody has routes in, or two networks
 * would share a table.
 */
function freeTables(count: number, { ruled, routes }: Found): number[] {
  const used = new Set([...ruled, ...routes.map(tableOf)]);
  const tables: number[] = [];
  for (let table = FIRST_TABLE; tables.length < count; table++) {
    if (!used.has(table)) tables.push(table);
  }
  return tables;
}

/**
 * Routes of the main table that lead out of the link alone. Those that depend on an address of a family that none of the
 * sources is of stay: no rule would ever lead to them.
 */
function ownedRoutes(
  ifindex: number,
  sources: readonly Source[],
  routes: readonly RouteMessage[],
): RouteMessage[] {
  const families = new Set(sources.map(({ prefix }) => familyOf(prefix.address)));
  return routes.filter(
    (route) =>
      tableOf(route) === RT_TABLE_MAIN &&
      leadsOnlyOutOf(route, ifindex) &&
      (families.has(route.family) || isAnybodys(route)),
  );
}

/** Names no address of ours and no gateway, as the route to link-local addresses. */
function isAnybodys(route: RouteMessage): boolean {
  return route.prefSrc === undefined && gatewaysOf(route).length === 0;
}

interface Branch {
  readonly source: Source;
  readonly sources: readonly Source[];
  readonly owned: readonly RouteMessage[];
}

/** What the table of one address gets: a default route, then the link's routes. */
function tableRoutes(ifindex: number, table: number, branch: Branch): RouteInput[] {
  const { source, owned } = branch;
  const copies = owned.filter((route) => belongsTo(route, branch));
  return [
    ...(source.gateway ? [defaultRoute(ifindex, table, source.gateway)] : []),
    ...copies.map((route) => inTable(route, table)),
  ];
}

function defaultRoute(oif: number, table: number, gateway: Uint8Array): RouteInput {
  const made = { protocol: RTPROT_BOOT, type: RTN_UNICAST, ...tableFields(table) };
  return { family: familyOf(gateway), dstLength: 0, ...made, gateway, oif };
}

/** A route that speaks of no address of the link goes to all of its family, or it would be lost. */
function belongsTo(route: RouteMessage, { source, sources }: Branch): boolean {
  if (isAnybodys(route)) return true;
  const isOwn = speaksOf(route, source.prefix);
  const isStray = !isOwn && !sources.some(({ prefix }) => speaksOf(route, prefix));
  if (!isOwn && (!isStray || route.family !== familyOf(source.prefix.address))) return false;
  return !(isStray || source.fixed) || !wouldReplace(route, source);
}

function speaksOf(route: RouteMessage, prefix: Prefix): boolean {
  const named = [...gatewaysOf(route), ...(route.prefSrc ? [route.prefSrc] : [])];
  return named.some((address) => contains(prefix, address));
}

/** Whether the route would take the place of the default route to the gateway that was asked for. */
function wouldReplace(route: RouteMessage, { gateway }: Source): boolean {
  const { family, dstLength } = route;
  return gateway !== undefined && dstLength === 0 && metricOf(route) === metricOf({ family });
}

function mainTable(
  ifindex: number,
  { sources, addSourceHints }: Wanted,
  owned: readonly RouteMessage[],
  all: readonly RouteMessage[],
): Pick<Plan, "taken" | "hints"> {
  const hints = addSourceHints ? sources.map(({ prefix }) => hintRoute(ifindex, prefix)) : [];
  const replaced = new Set(hints.map(placeKey));
  const isTaken = (route: RouteMessage): boolean =>
    // with hints, what is on the link stays unless one of them takes its place
    !addSourceHints || route.scope !== RT_SCOPE_LINK || replaced.has(placeKey(route));
  const first = firstOfEach(all);
  const taken = owned.filter(isTaken).map((route) => ({
    route: inTable(route, RT_TABLE_MAIN),
    behind: isBehind(route, first.get(placeKey(route))),
  }));
  return { taken, hints };
}

/** Same as `ip route replace $subnet dev $link src $address scope link`. */
function hintRoute(oif: number, prefix: Prefix): RouteInput {
  const { address: dst, length } = network(prefix);
  return {
    family: familyOf(dst),
    dstLength: length,
    dst: length === 0 ? undefined : dst,
    protocol: RTPROT_BOOT,
    scope: RT_SCOPE_LINK,
    type: RTN_UNICAST,
    ...tableFields(RT_TABLE_MAIN),
    prefSrc: prefix.address,
    oif,
  };
}

/** Of routes of which one could replace the other, the one that the kernel prefers. */
function firstOfEach(routes: readonly RouteMessage[]): Map<string, RouteMessage> {
  return new Map(routes.toReversed().map((route) => [placeKey(route), route]));
}

/** Whether the kernel prefers another link's route to the same destination. */
function isBehind(route: RouteMessage, first: RouteMessage | undefined): boolean {
  return first !== undefined && first !== route && first.oif !== route.oif;
}
