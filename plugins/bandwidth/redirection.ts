/**
 * What a link of the host receives of its container is sent by another link instead.
 * @module
 */

import { mirredOf, TC_ACT_OK, TC_ACT_STOLEN, TCA_EGRESS_REDIR } from "netlink-ts/route/action.ts";
import { ETH_P_ALL, type FilterInput, filterInfo, u32Options } from "netlink-ts/route/filter.ts";
import { TC_U32_TERMINAL } from "netlink-ts/route/filter-kinds/u32.ts";
import type { QdiscInput } from "netlink-ts/route/qdisc.ts";
import { handleOf, TC_H_INGRESS } from "netlink-ts/route/traffic-control.ts";

import type { RouteSocket } from "../../core/net/route-socket.ts";
import { type Filter, filtersAt } from "./traffic.ts";

const ingressHandle = handleOf(0xffff);
/** TC_H_MIN_INGRESS of the same: where a clsact has the filters of what comes in. */
const clsactIngress = handleOf(0xffff, 0xfff2);

/** Same as `tc qdisc add dev $link handle ffff: ingress`. */
export const ingressQdisc: QdiscInput = {
  handle: ingressHandle,
  parent: TC_H_INGRESS,
  kind: "ingress",
  options: {},
};

/**
 * Same as `tc filter add dev $link parent ffff: protocol all prio 1 u32 match u32 0 0 flowid 1:1 action mirred egress redirect
 * dev $target`, with the second action that the reference adds and no packet comes to.
 * @param target ifindex of the other link
 */
export function redirectionTo(target: number): FilterInput {
  const keys = [{ mask: 0, value: 0, offset: 0, offsetMask: 0 }];
  return {
    parent: ingressHandle,
    info: filterInfo(1, ETH_P_ALL),
    kind: "u32",
    options: {
      selector: { flags: TC_U32_TERMINAL, keys },
      classId: handleOf(1, 1),
      actions: [redirect(target, TC_ACT_STOLEN), redirect(target, TC_ACT_OK)],
    },
  };
}

function redirect(ifindex: number, action: number) {
  const numbers = { index: 0, capabilities: 0, refcnt: 0, bindcnt: 0 };
  const parms = { ...numbers, action, eaction: TCA_EGRESS_REDIR, ifindex };
  return { kind: "mirred", options: { parms } };
}

/** Where a link's filters send what it receives: indexes of links, 0 for one that is gone. */
export function redirectionTargets(route: RouteSocket, ifindex: number): number[] {
  return filtersAt(route, ifindex, ingressHandle).flatMap(targetOf);
}

/**
 * Every link that a link's filters may send or copy to, by an ingress or a clsact; undefined when one of them is no u32 and may do anything.
 */
export function allTargets(route: RouteSocket, ifindex: number): number[] | undefined {
  const parents = [ingressHandle, clsactIngress];
  const filters = parents.flatMap((parent) => filtersAt(route, ifindex, parent));
  if (filters.some(({ kind }) => kind !== "u32")) return undefined;
  const actions = filters.flatMap((filter) => u32Options(filter)?.actions ?? []);
  return actions.flatMap((action) => mirredOf(action)?.ifindex ?? []);
}

function targetOf(filter: Filter): number[] {
  const [first] = u32Options(filter)?.actions ?? [];
  const parms = first && mirredOf(first);
  return parms?.eaction === TCA_EGRESS_REDIR ? [parms.ifindex] : [];
}
