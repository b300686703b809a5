/**
 * DEL and GC of sbr: rules and tables go, and the main table has its routes again.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import {
  deleteRoute,
  type RouteInput,
  type RouteMessage,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
} from "netlink-ts/route/route.ts";
import type { RuleMessage } from "netlink-ts/route/rule.ts";

import type { DelCall, GcCall } from "../../core/cni/plugin.ts";
import { attemptAll, isErrno } from "../../core/errors.ts";
import { parseCidr } from "../../core/net/address.ts";
import { collectRecorded } from "../../core/net/collect-recorded.ts";
import type { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import {
  inTable,
  leadsOnlyOutOf,
  putBack,
  type TakenRoute,
  tableOf,
  wholeRoutes,
} from "../../core/net/whole-route.ts";
import { isRecordedElsewhere } from "../../core/state/record.ts";
import { relevantIps, type SbrConfig } from "./config.ts";
import type { Plan } from "./plan.ts";
import { forgetApplied, readApplied, recordName } from "./record.ts";
import { allRules, deleteRules, type SourceRule, sameRule, sourceRule } from "./rules.ts";

type Warn = (text: string) => void;

/** What an attachment has, as far as it has to go again. */
export type Applied = Pick<Plan, "ifindex" | "rules" | "routes" | "taken" | "hints">;

/** DEL: by the record of the attachment or, without one, by what the kernel has. */
export function end(call: DelCall<SbrConfig>): void {
  using netns = call.openNetnsIfPresent();
  if (netns !== undefined) netns.locked(() => endInside(call, netns));
  forgetApplied(call.attachment); // last: until here another DEL finds all of it
}

function endInside(call: DelCall<SbrConfig>, netns: Netns): void {
  using route = RouteSocket.dial(netns);
  const record = readApplied(call.attachment);
  if (record === undefined) {
    if (isRecordedElsewhere(call.attachment, recordName)) return; // the link is another network's
    release(route, appliedByOthers(route, call), call.warn);
  } else if (record.netns === netns.identity()) {
    release(route, record, call.warn);
  } // else another namespace has come to lie where the attachment's was
}

/** GC: the same for stale attachments of the network. */
export function collect(call: GcCall<SbrConfig>): void {
  collectRecorded(call, recordName, readApplied, (record, _, netns) => {
    using route = RouteSocket.dial(netns);
    release(route, record, call.warn);
  });
}

/** Takes back all of it that is there. The main table comes first: so at no time there is no way at all. */
export function release(route: RouteSocket, applied: Applied, warn: Warn): void {
  const { rules, taken, hints } = applied;
  const filled = filledRoutes(route, applied);
  const isOurs = (rule: RuleMessage) => {
    const found = sourceRule(rule);
    return found !== undefined && rules.some((each) => sameRule(each, found));
  };
  attemptAll(
    () => deleteRoutes(route, hints),
    () => putBack(route, filled === undefined ? [] : taken, warn),
    () => deleteRules(route, allRules(route).filter(isOurs)),
    () => deleteRoutes(route, filled ?? []),
  );
}

/**
 * All that leads out of the link in its tables: what others have added would keep them from being used again. Undefined when the
 * link is gone, and all of it with it.
 */
function filledRoutes(route: RouteSocket, { ifindex, routes }: Applied): RouteInput[] | undefined {
  if (routes.length === 0) return [];
  const tables = new Set(routes.map(tableOf));
  try {
    return wholeRoutes(route, ifindex)
      .filter((each) => tables.has(tableOf(each)) && leadsOnlyOutOf(each, ifindex))
      .map((each) => inTable(each, tableOf(each)));
  } catch (error) {
    if (isErrno(error, "ENODEV")) return undefined;
    throw error;
  }
}

function deleteRoutes(route: RouteSocket, routes: readonly RouteInput[]): void {
  const calls = routes.map((each) => call(deleteRoute, each));
  route.settle(calls, (refusal) => isErrno(refusal, "ESRCH", "ENODEV"));
}

/**
 * What the reference has left for the link: rules from its addresses, in the table of the configuration if there is one, and
 * what lies in their tables. Routes go back to the main table; the default route does not, as it may have been added.
 */
function appliedByOthers(route: RouteSocket, call: DelCall<SbrConfig>): Applied {
  const ifindex = route.ifindexOf(call.ifName) ?? 0;
  const sources = addressesOf(route, ifindex, call);
  const rules = allRules(route)
    .flatMap((rule) => sourceRule(rule) ?? [])
    .filter((rule) => isForeign(rule, sources, call.config.table));
  const isOwnTable = ifindex !== 0 && call.config.table === undefined && rules.length > 0;
  const routes = isOwnTable ? routesIn(rules, wholeRoutes(route, ifindex), ifindex) : [];
  const taken: TakenRoute[] = routes
    .filter(({ dstLength }) => dstLength > 0)
    .map((each) => ({ route: inTable(each, RT_TABLE_MAIN), behind: true }));
  return { ifindex, rules, routes, taken, hints: [] };
}

/** Addresses of the link, and those that the runtime knows of it. */
function addressesOf(
  route: RouteSocket,
  ifindex: number,
  { ifName, prevResult = {} }: DelCall<SbrConfig>,
): Set<string> {
  const there = ifindex === 0 ? [] : route.addresses(ifindex);
  const told = relevantIps(prevResult, ifName).map(({ address }) => parseCidr(address).address);
  return new Set(
    [...there.flatMap((each) => each.local ?? each.address ?? []), ...told].map(String),
  );
}

function isForeign(
  { source, table }: SourceRule,
  sources: ReadonlySet<string>,
  wanted: number | undefined,
): boolean {
  if (!sources.has(String(source))) return false;
  return wanted === undefined ? table < 253 || table > RT_TABLE_LOCAL : table === wanted;
}

function routesIn(
  rules: readonly SourceRule[],
  routes: readonly RouteMessage[],
  ifindex: number,
): RouteMessage[] {
  const tables = new Set(rules.map(({ table }) => table));
  return routes.filter((each) => tables.has(tableOf(each)) && leadsOnlyOutOf(each, ifindex));
}
