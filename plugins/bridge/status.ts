/**
 * STATUS of bridge.
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";

import { notAvailable, requireKind } from "../../core/link/status.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { requireUsable } from "../../core/nft/table-state.ts";
import { type BridgeConfig, tellsVlans } from "./config.ts";
import { hasPolicy } from "./policy.ts";

/** Throws when an ADD could not have its bridge. Changes nothing. @throws {CniError} 50 that says why */
export function requireBridges(config: BridgeConfig): void {
  using route = RouteSocket.open();
  const found = route.linkByName(config.bridge);
  if (found === undefined) {
    requireKind(route, "bridge");
  } else {
    if (found.linkInfo?.kind !== "bridge") {
      throw notAvailable(`"${config.bridge}" already exists but is not a bridge`);
    }
    const data = linkData(route.detailedLink(found.ifindex) ?? {}, "bridge");
    if (tellsVlans(config) && data !== undefined && data.vlanFiltering === undefined) {
      throw notAvailable(
        "this kernel's bridges cannot tell VLANs apart (CONFIG_BRIDGE_VLAN_FILTERING)",
      );
    }
  }
  requireKind(route, "veth");
  if (config.ipMasq || config.macspoofchk || hasPolicy(config)) requireUsable();
}
