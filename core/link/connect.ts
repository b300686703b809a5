/**
 * The last steps of an ADD that made one link in a container.
 * @module
 */

import { IFF_UP } from "netlink-ts/route/link.ts";

import type { AddCall } from "../cni/plugin.ts";
import type { CniDns, CniInterface, CniResult, IpamResult } from "../cni/result.ts";
import { CniError, cniCode } from "../errors.ts";
import { formatMac } from "../net/address.ts";
import { attachedResult } from "../net/attached-result.ts";
import { configureInterface } from "../net/configure.ts";
import { askLink, type LinkState } from "../net/route-socket.ts";
import { ownsDefault, type RouteChoice } from "./routes.ts";
import type { Scene } from "./scene.ts";

/** What the configuration of every plugin that makes a link may say, as `routeKeys` and `dns` read it. */
export interface LinkConfig extends RouteChoice {
  /** Goes into the result. */
  dns?: CniDns | undefined;
  /** The host has a way of its own to the link. */
  hostAccess?: boolean | undefined;
}

/**
 * Gives the link its addresses and routes, brings it up, and tells how it is then.
 * @param answer IPAM's, as `settleRoutes` leaves it; absent: the link is on layer 2 alone
 * @returns the result of ADD
 */
export function connectLink(
  call: AddCall<LinkConfig>,
  { netns, container: route }: Scene,
  answer: IpamResult | undefined,
): CniResult {
  const { config, ifName: ifname, prevResult } = call;
  if (answer === undefined) route.setLink({ ifname, flags: IFF_UP, change: IFF_UP });
  else {
    const settings = { netns, route, ifname, result: answer };
    configureInterface({ ...settings, ownsDefault: ownsDefault(config) });
  }
  const [[link]] = route.batch(askLink(ifname));
  const interfaces = [describeContainerLink(call, link)];
  return attachedResult({ prevResult, interfaces, container: 0, ipam: answer, dns: config.dns });
}

/** The container's link as a result tells of it. @throws {CniError} when it is not there any more */
export function describeContainerLink(
  { ifName, netnsPath }: Pick<AddCall<unknown>, "ifName" | "netnsPath">,
  link: LinkState | undefined,
): CniInterface {
  if (link !== undefined) return { ...describeLink(link), sandbox: netnsPath };
  throw new CniError(cniCode.internal, `"${ifName}" has vanished from "${netnsPath}"`);
}

/** A link as a result tells of it. */
export function describeLink({ ifname = "", address, mtu }: LinkState): CniInterface {
  return {
    name: ifname,
    ...(address && { mac: formatMac(address) }),
    ...(mtu !== undefined && { mtu }),
  };
}
