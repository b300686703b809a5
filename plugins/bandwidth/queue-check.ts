/**
 * Whether a link holds back what it is to hold back.
 * @module
 */

import { htbClass } from "netlink-ts/route/class.ts";
import { type FilterMessage, parseFilterInfo, u32Options } from "netlink-ts/route/filter.ts";
import { qdiscOptions } from "netlink-ts/route/qdisc.ts";
import { handleOf, TC_H_ROOT } from "netlink-ts/route/traffic-control.ts";

import type { RouteSocket } from "../../core/net/route-socket.ts";
import { type Bucket, bucketOf, referenceBucketOf } from "./bucket.ts";
import type { Limit, Scope } from "./config.ts";
import { boundlessRate, queueOf, rootHandle, shapedClass, unshapedClass } from "./queue.ts";
import type { OtherSide } from "./subnet-filter.ts";
import { classesOf, filtersAt, qdiscAt } from "./traffic.ts";

/** A link, and what it is to hold back. */
export interface ExpectedQueue {
  readonly host: RouteSocket;
  readonly ifindex: number;
  readonly ifname: string;
  readonly limit: Limit;
  readonly scope: Scope;
  readonly side: OtherSide;
}

/** What is missing or changed, in words. */
export function queueFaults(expected: ExpectedQueue): string[] {
  const { host, ifindex, ifname, limit, scope } = expected;
  const wanted = scope.kind === "all" ? "tbf" : "htb";
  const root = qdiscAt(host, ifindex, TC_H_ROOT);
  if (root?.kind !== wanted) {
    return [`Failed to find qdisc: "${ifname}" has ${root?.kind ?? "none"}, want ${wanted}`];
  }
  if (wanted === "htb") return classFaults(expected);
  const { parms, rate64 } = qdiscOptions(root, "tbf") ?? {};
  const rate = rate64 ?? BigInt(parms?.rate.rate ?? 0);
  const found = { rate, limit: parms?.limit ?? 0, buffer: parms?.buffer ?? 0 };
  return bucketFaults(ifname, limit, found);
}

/** Either arithmetic is right: nobody has changed what the other program has made. */
function bucketFaults(ifname: string, limit: Limit, found: Partial<Bucket>): string[] {
  const wanted = bucketOf(limit);
  const reference = referenceBucketOf(limit);
  const rows: [what: string, key: keyof Bucket][] = [
    ["Rate", "rate"],
    ["Limit", "limit"],
    ["Buffer", "buffer"],
  ];
  return rows.flatMap(([what, key]) => {
    const value = found[key];
    if (value === undefined || value === wanted[key] || value === reference[key]) return [];
    return [`${what} doesn't match: "${ifname}" has ${value}, want ${wanted[key]}`];
  });
}

function classFaults(expected: ExpectedQueue): string[] {
  const { host, ifindex, ifname, limit, scope, side } = expected;
  const queue = queueOf(limit, scope, side);
  const root = qdiscOptions(qdiscAt(host, ifindex, TC_H_ROOT) ?? {}, "htb");
  const wantedDefault = qdiscOptions(queue.root as never, "htb")?.init?.defaultClass;
  const classes = classesOf(host, ifindex);
  const rateOf = (minor: number): Partial<Bucket> | undefined => {
    const found = classes.find(({ handle }) => handle === handleOf(1, minor));
    const { parms, rate64 } = (found && htbClass(found)) ?? {};
    if (parms === undefined) return undefined;
    return { rate: rate64 ?? BigInt(parms.rate.rate), buffer: parms.buffer };
  };
  const shaped = rateOf(shapedClass);
  return [
    ...(root?.init?.defaultClass === wantedDefault ? [] : ["Default class does not match"]),
    ...(shaped === undefined
      ? [`Failed to find class: "${ifname}" has no 1:30`]
      : bucketFaults(ifname, limit, shaped)),
    ...(rateOf(unshapedClass)?.rate === boundlessRate
      ? []
      : [`Rate doesn't match: class 1:1 of "${ifname}" is not boundless`]),
    ...filterFaults(expected, queue.filters as readonly FilterMessage[]),
  ];
}

function filterFaults(
  { host, ifindex, ifname }: ExpectedQueue,
  wanted: readonly FilterMessage[],
): string[] {
  const found = new Set(filtersAt(host, ifindex, rootHandle).map(filterText));
  return wanted
    .map(filterText)
    .filter((text) => !found.has(text))
    .map((text) => `Failed to find filter: "${ifname}" has none of ${text}`);
}

/** All that a filter of subnets is, for comparing. */
function filterText(filter: Pick<FilterMessage, "info" | "kind" | "options">): string {
  const { protocol } = parseFilterInfo(filter.info);
  const { selector, classId = 0 } = u32Options(filter) ?? {};
  const words = (selector?.keys ?? []).map(
    ({ offset = 0, value = 0, mask = 0 }) => `${hex(value)}/${hex(mask)} at ${offset}`,
  );
  return `protocol ${hex(protocol)}, ${words.join(", ")}, class 1:${(classId & 0xffff).toString(16)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
