/**
 * The rules of sbr: `ip rule add from 10.1.0.5 lookup 100`.
 * @see ip-rule(8)
 * @module
 */

import { type Call, call } from "netlink-ts/netlink/request.ts";
import { AF_INET, AF_INET6, AF_UNSPEC, familyOf } from "netlink-ts/route/family.ts";
import {
  deleteRule,
  FIB_RULE_INVERT,
  FR_ACT_TO_TBL,
  getRule,
  newRule,
  type RuleMessage,
} from "netlink-ts/route/rule.ts";

import { isErrno } from "../../core/errors.ts";
import { compareIp, formatIp, parseIp } from "../../core/net/address.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";
import { tableFields, tableOf } from "../../core/net/whole-route.ts";

/** Packets from that address look into that table. */
export interface SourceRule {
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly table: number;
}

/** Rules of IPv4 and IPv6 of a namespace. */
export function allRules(route: RouteSocket): RuleMessage[] {
  const rules = route.dump(getRule, { family: AF_UNSPEC });
  return rules.filter(({ family }) => family === AF_INET || family === AF_INET6);
}

/** The rule, if that is all it says: so it may be ours. */
export function sourceRule(rule: RuleMessage): SourceRule | undefined {
  const { src, srcLength, action } = rule;
  if (src === undefined || srcLength !== 8 * src.length || action !== FR_ACT_TO_TBL) {
    return undefined;
  }
  return saysMore(rule) ? undefined : { source: src, table: tableOf(rule) };
}

function saysMore(rule: RuleMessage): boolean {
  const { dstLength, tos, flags, iifname, oifname, fwmark, tunId, uidRange } = rule;
  if (dstLength !== 0 || tos !== 0 || (flags & FIB_RULE_INVERT) !== 0) return true;
  const { ipProto, sportRange, dportRange, dscp, flowlabel } = rule;
  const further = [iifname, oifname, fwmark, tunId, uidRange, ipProto, sportRange, dportRange];
  return [...further, dscp, flowlabel].some((value) => value !== undefined);
}

/** Whether both say the same. */
export function sameRule(one: SourceRule, other: SourceRule): boolean {
  return one.table === other.table && compareIp(one.source, other.source) === 0;
}

/** Same as `ip rule add from $source lookup $table`. */
export function addRule({ source, table }: SourceRule): Call {
  return call(newRule, {
    family: familyOf(source),
    srcLength: 8 * source.length,
    src: source,
    action: FR_ACT_TO_TBL,
    ...tableFields(table),
  });
}

/** Deletes rules as they were found. One that is gone is no error. */
export function deleteRules(route: RouteSocket, rules: readonly RuleMessage[]): void {
  route.settle(
    rules.map((rule) => call(deleteRule, rule)),
    (refusal) => isErrno(refusal, "ENOENT"),
  );
}

/** A rule as text for messages and records: `10.1.0.5 100`. */
export function encodeRule({ source, table }: SourceRule): string {
  return `${formatIp(source)} ${table}`;
}

/** The rule of {@link encodeRule}'s text. @throws Error for any other */
export function decodeRule(text: string): SourceRule {
  const [, address = "", table = ""] = /^(\S+) (\d{1,10})$/.exec(text) ?? [];
  return { source: parseIp(address), table: Number(table) };
}
