/**
 * STATUS of bridge.
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";

import { CniError, cniCode, isErrno } from "../../core/errors.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { type BridgeConfig, tellsVlans } from "./config.ts";

/** No link can have this name, so that asking for it asks only whether the kernel has the kind. */
const impossibleName = "a/b";

/** Throws when an ADD could not have its bridge. Changes nothing. @throws {CniError} 50 that says why */
export function requireBridges(config: BridgeConfig): void {
  using route = RouteSocket.open();
  const found = route.linkByName(config.bridge);
  if (found === undefined) {
    requireKind(route, "bridge");
  } else {
    if (found.linkInfo?.kind !== "bridge") {
      throw unavailable(`"${config.bridge}" already exists but is not a bridge`);
    }
    const data = linkData(route.detailedLink(found.ifindex) ?? {}, "bridge");
    if (tellsVlans(config) && data !== undefined && data.vlanFiltering === undefined) {
      throw unavailable(
        "this kernel's bridges cannot tell VLANs apart (CONFIG_BRIDGE_VLAN_FILTERING)",
      );
    }
  }
  requireKind(route, "veth");
}

function requireKind(route: RouteSocket, kind: string): void {
  try {
    route.createLink({ ifname: impossibleName, linkInfo: { kind } });
  } catch (cause) {
    if (!isErrno(cause, "EINVAL")) throw unavailable(`cannot make a ${kind}`, cause);
  }
}

function unavailable(message: string, cause?: unknown): CniError {
  return new CniError(cniCode.notAvailable, message, cause === undefined ? {} : { cause });
}
