/**
 * STATUS of bridge.
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";

import { CniError, cniCode, isErrno } from "../../core/errors.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { type BridgeConfig, tellsVlans } from "./config.ts";

/** No link can have this name. */
const impossibleName = "a/b";
/** Attribute 1 of a kind, without a value: it is refused once the kind is found, before anything is allocated. */
const emptyAttribute = new Uint8Array([4, 0, 1, 0]);

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

/** Asks for a link that cannot be, which asks only whether the kernel has the kind. */
function requireKind(route: RouteSocket, kind: string): void {
  try {
    route.createLink({ ifname: impossibleName, linkInfo: { kind, data: emptyAttribute } });
  } catch (cause) {
    if (!isErrno(cause, "ERANGE", "EINVAL")) throw unavailable(`cannot make a ${kind}`, cause);
  }
}

function unavailable(message: string, cause?: unknown): CniError {
  return new CniError(cniCode.notAvailable, message, cause === undefined ? {} : { cause });
}
