/**
 * VLANs of a container's port.
 * @module
 */

import type { BridgeVlan } from "netlink-ts/route/bridge-link.ts";
import { linkData } from "netlink-ts/route/link.ts";

import { CniError, cniCode, during } from "../../core/errors.ts";
import type { Bridge } from "../../core/net/bridge-device.ts";
import { portVlans, vlanCalls } from "../../core/net/bridge-vlans.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";
import type { BridgeConfig } from "./config.ts";

/** VLANs that the bridge gives each new port and that are not wanted there: its default one, unless it is kept. */
export function newPortVlans(
  route: RouteSocket,
  { ifindex }: Bridge,
  { preserveDefaultVlan }: Pick<BridgeConfig, "preserveDefaultVlan">,
): number[] {
  if (preserveDefaultVlan) return [];
  const vid = linkData(route.detailedLink(ifindex) ?? {}, "bridge")?.vlanDefaultPvid ?? 0;
  return vid === 0 ? [] : [vid];
}

/** Gives the port the VLANs of the configuration. @returns its entries, none when no VLAN is asked for */
export function setPortVlans(
  route: RouteSocket,
  bridge: Bridge,
  port: string,
  config: BridgeConfig,
): BridgeVlan[] {
  const wanted = portVlans({ access: config.vlan, trunk: config.vlanTrunk ?? [] });
  if (wanted.length === 0) return [];
  const ifindex = route.ifindexOf(port);
  if (ifindex === undefined) throw new CniError(cniCode.tryAgain, `"${port}" has vanished`);
  during(`set VLANs of "${port}"`, () =>
    route.batch(...vlanCalls(ifindex, wanted, newPortVlans(route, bridge, config))),
  );
  return wanted;
}
