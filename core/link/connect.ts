/**
 * The last steps of an ADD that made one link in a container.
 * @module
 */

import { IFF_UP } from "netlink-ts/route/link.ts";

import type { AddCall } from "../cni/plugin.ts";
import type { CniDns, CniInterface, CniResult, IpamResult } from "../cni/result.ts";
import { CniError, cniCode } from "../errors.ts";
import { formatMac } from "../net/address.ts";
import { type Attached, attachedResult } from "../net/attached-result.ts";
import { configureInterface, type InterfaceSettings } from "../net/configure.ts";
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
  scene: Scene,
  answer: IpamResult | undefined,
): CniResult {
  const { ifName: ifname } = call;
  const route = scene.container;
  if (answer === undefined) route.setLink({ ifname, flags: IFF_UP, change: IFF_UP });
  else configureLink(call, scene, answer);
  const [[link]] = route.batch(askLink(ifname));
  return linkResult(
    call,
    { interfaces: [describeContainerLink(call, link)], container: 0 },
    answer,
  );
}

/**
 * Gives the container's link its addresses and routes and brings it up.
 * @param answer IPAM's, as `settleRoutes` leaves it
 * @param more what else `configureInterface` is to know
 * @returns the link's index
 */
export function configureLink(
  { config, ifName: ifname }: AddCall<RouteChoice>,
  { netns, container: route }: Scene,
  answer: IpamResult,
  more: Pick<InterfaceSettings, "routes" | "dad"> = {},
): number {
  const settings = { netns, route, ifname, result: answer, ...more };
  return configureInterface({ ...settings, ownsDefault: ownsDefault(config) });
}

/** The result of ADD: what the plugin before has told, the links, IPAM's answer, and the configuration's resolver. */
export function linkResult(
  { prevResult, config }: AddCall<LinkConfig>,
  links: Pick<Attached, "interfaces" | "container">,
  ipam: IpamResult | undefined,
): CniResult {
  return attachedResult({ prevResult, ...links, ipam, dns: config.dns });
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
