/**
 * CHECK of sbr.
 * @module
 */

import { AF_INET } from "netlink-ts/route/family.ts";
import type { RouteMessage } from "netlink-ts/route/route.ts";

import type { CheckCall } from "../../core/cni/plugin.ts";
import { CniError } from "../../core/errors.ts";
import { compareIp, formatIp } from "../../core/net/address.ts";
import type { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import {
  leadsOnlyOutOf,
  missingRoutes,
  placeKey,
  routeText,
  tableOf,
  wholeRoutes,
} from "../../core/net/whole-route.ts";
import { usableRecord } from "../../core/state/record.ts";
import { requireLink } from "./apply.ts";
import type { SbrConfig, Source, Wanted } from "./config.ts";
import { readApplied, recordName, type SbrRecord } from "./record.ts";
import { allRules, type SourceRule, sourceRule } from "./rules.ts";

/** CHECK found something missing. */
const notAsApplied = 100;

/** What there is, and what there was after ADD. */
interface Situation {
  readonly ifindex: number;
  readonly rules: readonly SourceRule[];
  readonly routes: readonly RouteMessage[];
  /** Undefined when the reference's ADD made it. */
  readonly record: SbrRecord | undefined;
  readonly wanted: Wanted;
}

/** @throws {CniError} 100 that names what is missing; 999 when the link is gone */
export function checkApplied(call: CheckCall<SbrConfig>, wanted: Wanted, netns: Netns): void {
  using route = RouteSocket.dial(netns);
  const record = usableRecord(call.attachment, recordName, readApplied);
  const situation: Situation = {
    ifindex: requireLink(route, call),
    rules: allRules(route).flatMap((rule) => sourceRule(rule) ?? []),
    routes: wholeRoutes(route),
    record: record?.netns === netns.identity() ? record : undefined,
    wanted,
  };
  const faults = [
    ...wanted.sources.flatMap((source) => sourceFaults(source, situation)),
    ...routeFaults(situation),
  ];
  const [first, ...others] = [...new Set(faults)];
  if (first === undefined) return;
  const details = others.slice(0, 8).join("; ");
  throw new CniError(notAsApplied, first, details === "" ? {} : { details });
}

/** The rule of an address, and the default route behind it. */
function sourceFaults(source: Source, situation: Situation): string[] {
  const { rules, record, wanted } = situation;
  const { address } = source.prefix;
  const isOwn = (rule: SourceRule) => compareIp(rule.source, address) === 0;
  const table = wanted.table ?? record?.rules.find(isOwn)?.table;
  const found = rules.find((rule) => isOwn(rule) && (table === undefined || rule.table === table));
  if (found === undefined) {
    const other = rules.find(isOwn);
    const place = table === undefined ? "any table" : `table ${table}`;
    const instead = other === undefined ? "" : `, but one to table ${other.table}`;
    return [`there is no rule that leads packets from ${formatIp(address)} to ${place}${instead}`];
  }
  if (wanted.table !== undefined) return [];
  return defaultFaults(source, found.table, situation);
}

function defaultFaults({ gateway, prefix }: Source, table: number, situation: Situation): string[] {
  const { ifindex, routes } = situation;
  const inside = routes.filter(
    (each) =>
      tableOf(each) === table &&
      leadsOnlyOutOf(each, ifindex) &&
      (each.family === AF_INET) === (prefix.address.length === 4),
  );
  if (gateway !== undefined && !inside.some(({ dstLength }) => dstLength === 0)) {
    return [`table ${table} has no default route: the one to ${formatIp(gateway)} is missing`];
  }
  return [];
}

/** Routes that ADD has put somewhere; of those that replaced each other the last one. */
function routeFaults({ routes, record, ifindex }: Situation): string[] {
  const all = record === undefined ? [] : [...record.routes, ...record.hints];
  const wanted = [...new Map(all.map((each) => [placeKey(each), each])).values()];
  return missingRoutes(wanted, routes, ifindex).map(
    (each) => `the route to ${routeText(each)} is missing`,
  );
}
