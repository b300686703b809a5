/**
 * Links of the reference's that nobody leads packets through any more: they bear no mark, and their names are hashes.
 * @module
 */

import { TC_H_ROOT } from "netlink-ts/route/traffic-control.ts";

import type { Link, RouteSocket } from "../../core/net/route-socket.ts";
import { ifbName } from "./ifb.ts";
import { rootHandle } from "./queue.ts";
import { allTargets } from "./redirection.ts";
import { linksWithIngress, qdiscAt } from "./traffic.ts";

/**
 * The ifbs of an attachment whose host's link has gone: with a queue of the kind that ADD makes last, when the redirection is there already,
 * and without a redirection. None where a filter that is no u32 may lead anywhere.
 */
export function abandonedIfbs(route: RouteSocket): Link[] {
  // first the queues, then who leads to them: an ADD meanwhile does it the other way round
  const finished = unmarkedIfbs(route).filter(({ ifindex }) => isFinished(route, ifindex));
  if (finished.length === 0) return [];
  const targets = linksWithIngress(route).map((ifindex) => allTargets(route, ifindex));
  if (targets.includes(undefined)) return [];
  const used = new Set(targets.flatMap((each) => each ?? []));
  return finished.filter(({ ifindex }) => !used.has(ifindex));
}

function unmarkedIfbs(route: RouteSocket): Link[] {
  return route
    .links()
    .filter(
      ({ ifname = "", ifalias, linkInfo }) =>
        ifbName.test(ifname) && ifalias === undefined && linkInfo?.kind === "ifb",
    );
}

function isFinished(route: RouteSocket, ifindex: number): boolean {
  const root = qdiscAt(route, ifindex, TC_H_ROOT);
  return root?.handle === rootHandle && ["tbf", "htb"].includes(root.kind ?? "");
}
