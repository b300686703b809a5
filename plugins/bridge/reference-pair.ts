/**
 * What tells a pair that the reference's bridge has made from others, for DEL.
 * @module
 */

import { slaveData } from "netlink-ts/route/link.ts";

import type { Ends } from "../../core/link/veth-verbs.ts";

/** True when the host's end is a port of the bridge of the configuration. */
export function isPortOf({ host, outside }: Ends, bridge: string | undefined): boolean {
  const { ifindex, master } = outside;
  if (bridge === undefined || master === undefined) return false;
  return (
    host.ifindexOf(bridge) === master &&
    slaveData(host.detailedLink(ifindex) ?? {}, "bridge") !== undefined
  );
}
