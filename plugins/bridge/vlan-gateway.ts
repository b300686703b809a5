/**
 * The gateway of containers in a VLAN: a veth pair on the host, one end a port of the bridge in that VLAN, the other, named
 * `<bridge>.<vlan>`, with the gateway's address. All attachments of the VLAN share it, and it stays.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { IFF_UP, newLink, setLink } from "netlink-ts/route/link.ts";

import { CniError, cniCode, during, isErrno } from "../../core/errors.ts";
import type { Bridge } from "../../core/net/bridge-device.ts";
import { portVlans, vlanCalls } from "../../core/net/bridge-vlans.ts";
import type { GatewayLink } from "../../core/net/gateway-address.ts";
import { hostLinkNames } from "../../core/net/link-owner.ts";
import { randomMac, randomPortMac } from "../../core/net/mac.ts";
import type { Link, RouteSocket } from "../../core/net/route-socket.ts";
import { vlanGatewayName } from "./config.ts";

/** The link that has the gateways' addresses. */
export interface VlanGateway extends GatewayLink {
  /** The other end, a port of the bridge; undefined when somebody else has made the pair. */
  port: string | undefined;
}

const up = { flags: IFF_UP, change: IFF_UP };

/**
 * Finds or makes the pair, or completes one that was half made. Safe for many at once.
 * @param present VLANs that the bridge gives a new port, to be taken away
 */
export function ensureVlanGateway(
  route: RouteSocket,
  bridge: Bridge,
  vlan: number,
  present: readonly number[],
): VlanGateway {
  const ifname = vlanGatewayName(bridge.ifname, vlan);
  return during(`create vlan interface "${ifname}"`, () => {
    const port = portName(ifname);
    const found = route.linkByName(ifname);
    // up is what it becomes last
    if (found !== undefined && (found.flags & IFF_UP) !== 0) {
      return gatewayLink(found, route.ifindexOf(port) === undefined ? undefined : port);
    }
    createPair(route, bridge, ifname, port);
    const ifindex = route.ifindexOf(port);
    const made = route.linkByName(ifname);
    if (ifindex === undefined || made === undefined) {
      throw new CniError(cniCode.tryAgain, "it came and went while it was looked at");
    }
    route.batch(
      ...vlanCalls(ifindex, portVlans({ access: vlan, trunk: [] }), present),
      call(setLink, { ifindex, ...up }),
      call(setLink, { ifindex: made.ifindex, ...up }),
    );
    return gatewayLink(made, port);
  });
}

function gatewayLink(
  { ifname = "", ifindex, address }: Link,
  port: string | undefined,
): VlanGateway {
  return { ifname, ifindex, mac: address ?? randomMac(), port };
}

/** The other end's name follows from the first one's, so that two who make the pair at once make the same. */
function portName(ifname: string): string {
  return hostLinkNames({ network: "", containerId: "", ifname })[0] ?? "";
}

function createPair(route: RouteSocket, bridge: Bridge, ifname: string, port: string): void {
  const mtu = route.linkByIndex(bridge.ifindex)?.mtu;
  try {
    route.batch(
      call(newLink, {
        ifname,
        mtu,
        address: randomMac(),
        linkInfo: { kind: "veth", data: { peer: { ifname: port, mtu, address: randomPortMac() } } },
      }),
      call(setLink, { ifname: port, master: bridge.ifindex }),
    );
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error; // another ADD makes it, or has made it
  }
}
