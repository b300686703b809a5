/**
 * What holds packets back on a link: one token bucket for all, or classes where subnets are told apart.
 * @module
 */

import { type Call, call } from "netlink-ts/netlink/request.ts";
import { type ClassInput, newClass } from "netlink-ts/route/class.ts";
import { type FilterInput, newFilter } from "netlink-ts/route/filter.ts";
import { newQdisc, type QdiscInput } from "netlink-ts/route/qdisc.ts";
import { HTB_VERSION } from "netlink-ts/route/qdisc-kinds/htb.ts";
import { handleOf, TC_H_ROOT } from "netlink-ts/route/traffic-control.ts";

import { type Bucket, bucketOf, splitRate } from "./bucket.ts";
import type { Limit, Scope } from "./config.ts";
import { type OtherSide, subnetFilter } from "./subnet-filter.ts";

/** Handle of what is at the root of a link. */
export const rootHandle = handleOf(1);
/** Numbers of the classes, as the reference had them in its releases with subnets. */
export const unshapedClass = 0x1;
export const shapedClass = 0x30;
/** Bytes a second that nothing reaches. */
export const boundlessRate = 100_000_000_000n;
/** Ticks of a millisecond. */
const BOUNDLESS_BUFFER = 15_625;
/** Bytes that a class may send before another is asked; there is nobody to share with. */
const QUANTUM = 60_000;
/** A class does not cut up what the kernel has put together to 64 KiB: two of these have to find room. */
const LEAST_WAITING = 128 * 1024;

/** The objects on one link, in the order in which they are made; `ifindex` is left out. */
export interface Queue {
  readonly root: QdiscInput;
  readonly classes: readonly ClassInput[];
  /** What the shaped class keeps its packets in. */
  readonly leaves: readonly QdiscInput[];
  readonly filters: readonly FilterInput[];
}

/** What is to be on the link that packets leave by. */
export function queueOf(limit: Limit, scope: Scope, side: OtherSide): Queue {
  const bucket = bucketOf(limit);
  if (scope.kind === "all") return { root: tokenBucket(bucket), ...nothingElse };
  return classful(bucket, scope, side);
}

const nothingElse = { classes: [], leaves: [], filters: [] };

/** Requests that make it. */
export function queueCalls({ root, classes, leaves, filters }: Queue, ifindex: number): Call[] {
  return [
    call(newQdisc, { ...root, ifindex }),
    ...classes.map((each) => call(newClass, { ...each, ifindex })),
    ...leaves.map((each) => call(newQdisc, { ...each, ifindex })),
    ...filters.map((each) => call(newFilter, { ...each, ifindex })),
  ];
}

/** Same as `tc qdisc add dev $link root handle 1: tbf rate $rate limit $limit burst $burst`. */
function tokenBucket({ rate, limit, buffer }: Bucket): QdiscInput {
  const { rate: rate32, rate64 } = splitRate(rate);
  const parms = { rate: ratio(rate32), peakrate: ratio(0), limit, buffer, mtu: 0 };
  return {
    handle: rootHandle,
    parent: TC_H_ROOT,
    kind: "tbf",
    options: { parms, ...(rate64 !== undefined && { rate64 }) },
  };
}

function classful(bucket: Bucket, { kind, subnets }: Scope, side: OtherSide): Queue {
  const [named, others] =
    kind === "shaped" ? [shapedClass, unshapedClass] : [unshapedClass, shapedClass];
  const place = { parent: rootHandle, classId: handleOf(1, named) };
  return {
    root: classHolder(others),
    classes: [
      rateClass(shapedClass, bucket.rate, bucket.buffer),
      rateClass(unshapedClass, boundlessRate, BOUNDLESS_BUFFER),
    ],
    leaves: [waitingRoom(bucket)],
    filters: subnets.map((subnet) => subnetFilter(subnet, side, place)),
  };
}

/** Same as `tc qdisc add dev $link root handle 1: htb default $defaultClass`. */
function classHolder(defaultClass: number): QdiscInput {
  const init = {
    ...{ version: HTB_VERSION, rate2quantum: 10, defaultClass },
    ...{ debug: 0, directPackets: 0 },
  };
  return { handle: rootHandle, parent: TC_H_ROOT, kind: "htb", options: { init } };
}

/** Same as `tc class add dev $link parent 1: classid 1:$minor htb rate $rate burst $burst`. */
function rateClass(minor: number, rate: bigint, buffer: number): ClassInput {
  const { rate: rate32, rate64 } = splitRate(rate);
  const parms = {
    ...{ rate: ratio(rate32), ceil: ratio(rate32), buffer, cbuffer: buffer },
    ...{ quantum: QUANTUM, level: 0, priority: 0 },
  };
  return {
    handle: handleOf(1, minor),
    parent: rootHandle,
    kind: "htb",
    options: { parms, ...(rate64 !== undefined && { rate64, ceil64: rate64 }) },
  };
}

/** Same as `tc qdisc add dev $link parent 1:30 handle 30: bfifo limit $limit`: without it 1000 packets wait, seconds long. */
function waitingRoom({ limit }: Bucket): QdiscInput {
  return {
    handle: handleOf(shapedClass),
    parent: handleOf(1, shapedClass),
    kind: "bfifo",
    options: { limit: Math.max(limit, LEAST_WAITING) },
  };
}

function ratio(rate: number) {
  return { cellLog: 0, linklayer: 0, overhead: 0, cellAlign: 0, mpu: 0, rate };
}
