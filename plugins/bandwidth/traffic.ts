/**
 * Asking for and taking away what is on a link.
 * @module
 */

import { answeredBy, call } from "netlink-ts/netlink/request.ts";
import { classMessage, getClass } from "netlink-ts/route/class.ts";
import { filterMessage, getFilter } from "netlink-ts/route/filter.ts";
import { deleteQdisc, getQdisc, qdiscMessage } from "netlink-ts/route/qdisc.ts";
import { TC_H_INGRESS } from "netlink-ts/route/traffic-control.ts";
import type { Decoded } from "netlink-ts/wire/codec.ts";

import { isErrno } from "../../core/errors.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";

const qdiscSummary = qdiscMessage.pick("kind", "options");
const classSummary = classMessage.pick("kind", "options");
const filterSummary = filterMessage.pick("kind", "options");
/** A queueing discipline, a class and a filter, without their counters. */
export type Qdisc = Decoded<typeof qdiscSummary>;
export type TrafficClass = Decoded<typeof classSummary>;
export type Filter = Decoded<typeof filterSummary>;

const askQdisc = answeredBy(getQdisc, qdiscSummary);
const askClasses = answeredBy(getClass, classSummary);
const askFilters = answeredBy(getFilter, filterSummary);

/** What says that the link, or what is asked for on it, is not there. */
const absent = ["ENOENT", "ENODEV", "EINVAL"];

/**
 * The queueing discipline at TC_H_ROOT, at TC_H_INGRESS or of a class; undefined when there is none but the one that a link has
 * by itself, which has no handle.
 */
export function qdiscAt(route: RouteSocket, ifindex: number, parent: number): Qdisc | undefined {
  try {
    const [answers] = route.batch(call(askQdisc, { ifindex, parent }));
    return answers.find(({ handle }) => handle !== 0);
  } catch (error) {
    if (isErrno(error, ...absent)) return undefined;
    throw error;
  }
}

/** Indexes of the links that have something at TC_H_INGRESS, an ingress or a clsact. */
export function linksWithIngress(route: RouteSocket): number[] {
  const all = route.dump(askQdisc, {});
  return all.filter(({ parent }) => parent === TC_H_INGRESS).map(({ ifindex }) => ifindex);
}

/** The classes on a link. */
export function classesOf(route: RouteSocket, ifindex: number): TrafficClass[] {
  const classes = route.dump(askClasses, { ifindex });
  return classes.filter((each) => each.ifindex === ifindex);
}

/** The filters at a parent of a link. */
export function filtersAt(route: RouteSocket, ifindex: number, parent: number): Filter[] {
  const filters = route.dump(askFilters, { ifindex, parent });
  return filters.filter((each) => each.ifindex === ifindex && each.parent === parent);
}

/** Deletes what is at that parent, with all that is below it; nothing there, and no such link, is no error. */
export function deleteQdiscAt(route: RouteSocket, ifindex: number, parent: number): void {
  try {
    route.batch(call(deleteQdisc, { ifindex, parent }));
  } catch (error) {
    if (!isErrno(error, ...absent)) throw error;
  }
}
