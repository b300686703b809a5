/**
 * ADD of sbr: rules, tables and the main table, or nothing of it.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { deleteRoute, type RouteInput, replaceRoute } from "netlink-ts/route/route.ts";
import type { RuleMessage } from "netlink-ts/route/rule.ts";

import type { AddCall } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { formatIp } from "../../core/net/address.ts";
import type { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { runSteps, type Step } from "../../core/net/steps.ts";
import {
  gatewaysOf,
  placeKey,
  routeText,
  tableOf,
  wholeRoutes,
} from "../../core/net/whole-route.ts";
import { Rollback } from "../../core/rollback.ts";
import type { SbrConfig, Wanted } from "./config.ts";
import { type Plan, planOf } from "./plan.ts";
import { forgetApplied, readApplied, recordApplied } from "./record.ts";
import { release } from "./release.ts";
import { addRule, allRules, type SourceRule, sameRule, sourceRule } from "./rules.ts";

type Call = Pick<AddCall<SbrConfig>, "attachment" | "ifName" | "netnsPath" | "warn">;

/**
 * Does what is wanted. The namespace is locked, as by the reference: two networks never pick the same table.
 * @throws {CniError} that names the rule or route the kernel refused; when the link has its rules already
 */
export function apply(call: Call, wanted: Wanted, netns: Netns): void {
  using route = RouteSocket.dial(netns);
  using rollback = new Rollback();
  netns.locked(() => {
    const ifindex = requireLink(route, call);
    const rules = allRules(route);
    endEarlier(route, call, { ifindex, rules, netns: netns.identity() });
    const ruled = new Set(rules.map(tableOf));
    const plan = planOf(ifindex, wanted, { routes: wholeRoutes(route), ruled });
    const found = foundRule(rules, plan.rules);
    if (found !== undefined) throw alreadyThere(found);
    keep(call, netns, plan, rollback);
    rollback.defer(() => release(route, plan, call.warn)); // before: an answer may be lost
    carryOut(route, plan);
  });
  rollback.commit();
}

/** Index of the container's link. @throws {CniError} when there is none */
export function requireLink(
  route: RouteSocket,
  { ifName, netnsPath }: Pick<Call, "ifName" | "netnsPath">,
): number {
  const ifindex = route.ifindexOf(ifName);
  if (ifindex !== undefined) return ifindex;
  const message = `Cannot find network interface ${ifName} in "${netnsPath}"`;
  throw new CniError(cniCode.internal, message);
}

/** What is there of an earlier ADD that no DEL followed: of this link it is in use, of one that is gone it is a leftover. */
function endEarlier(
  route: RouteSocket,
  { attachment, warn }: Call,
  { ifindex, rules, netns }: { ifindex: number; rules: readonly RuleMessage[]; netns: string },
): void {
  const earlier = readApplied(attachment);
  if (earlier?.netns !== netns) return;
  const found = earlier.ifindex === ifindex ? foundRule(rules, earlier.rules) : undefined;
  if (found !== undefined) throw alreadyThere(found);
  release(route, earlier, warn);
}

function foundRule(
  rules: readonly RuleMessage[],
  wanted: readonly SourceRule[],
): SourceRule | undefined {
  const there = rules.flatMap((rule) => sourceRule(rule) ?? []);
  return wanted.find((each) => there.some((one) => sameRule(one, each)));
}

function alreadyThere({ source, table }: SourceRule): CniError {
  const message = `packets from ${formatIp(source)} have table ${table} already`;
  return new CniError(cniCode.internal, message, { details: "DEL comes before another ADD" });
}

function keep({ attachment, netnsPath }: Call, netns: Netns, plan: Plan, rollback: Rollback): void {
  rollback.defer(() => forgetApplied(attachment)); // before: the folder may be all that is made
  recordApplied(attachment, { path: netnsPath, netns: netns.identity(), plan });
}

/** The main table last: while the tables are filled, their gateways are looked up in it. */
function carryOut(route: RouteSocket, plan: Plan): void {
  const { rules, routes, taken, hints } = plan;
  runSteps(route, [
    ...rules.map((rule) => ({
      phrase: `Failed to add rule from ${formatIp(rule.source)} lookup ${rule.table}`,
      call: addRule(rule),
    })),
    ...routes.map(fillStep),
  ]);
  const replaced = new Set(hints.map(placeKey));
  const gone = taken.map((each) => each.route).filter((each) => !replaced.has(placeKey(each)));
  runSteps(route, [
    ...hints.map((hint) => ({
      phrase: `Failed to add source hint ${routeText(hint)}`,
      call: call(replaceRoute, hint),
    })),
    ...gone.map((each) => ({
      phrase: `Failed to delete route: ${routeText(each)}`,
      call: call(deleteRoute, each),
    })),
  ]);
}

function fillStep(each: RouteInput): Step {
  const phrase =
    each.dstLength === 0
      ? `Failed to add default route to ${gatewaysOf(each).map(formatIp)}`
      : `Failed to readd route: ${routeText(each)}`;
  return { phrase, call: call(replaceRoute, each) };
}
