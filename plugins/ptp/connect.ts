/**
 * The last steps of ADD: addresses and routes on both sides, and packets flow.
 * @module
 */

import type { AddCall } from "../../core/cni/plugin.ts";
import type { CniResult, IpamResult } from "../../core/cni/result.ts";
import {
  configureLink,
  describeContainerLink,
  describeLink,
  type LinkConfig,
  linkResult,
} from "../../core/link/connect.ts";
import type { Scene } from "../../core/link/scene.ts";
import { isIpv4 } from "../../core/net/address.ts";
import { announce } from "../../core/net/announce.ts";
import { extendInterface } from "../../core/net/configure.ts";
import { enableForwarding } from "../../core/net/forwarding.ts";
import { requireCarrier, settledLinks } from "../../core/net/link-state.ts";
import type { LinkState } from "../../core/net/route-socket.ts";
import { readSysctlIfPresent, tryWriteSysctl, writeSysctl } from "../../core/net/sysctl.ts";
import type { Veth } from "../../core/net/veth.ts";
import { containerRoutes, hostAddresses, hostRoutes, type NextHop } from "./next-hop.ts";

/** What ADD has made and learnt before. */
interface Attached {
  scene: Scene;
  veth: Veth;
  answer: IpamResult;
  hops: readonly NextHop[];
}

/** Configures both sides and sees that packets flow. @returns the result of ADD */
export function connect(
  call: AddCall<LinkConfig>,
  { scene, veth, answer, hops }: Attached,
): CniResult {
  const { ifName: ifname } = call;
  const { host, container } = scene;
  const gateways = hops.map(({ gateway }) => gateway);
  enableForwarding(host, gateways);
  prepareHostEnd(veth.host, !gateways.every(isIpv4)); // before the container can send
  const ifindex = configureLink(call, scene, answer, { routes: containerRoutes(hops, answer) });
  const [end] = settledLinks(host, veth.host) as [LinkState];
  requireCarrier(end, "veth pair in error state");
  const ends = { ifname: veth.host, ifindex: end.ifindex };
  extendInterface(host, ends, hostAddresses(hops), hostRoutes(hops));
  const link = announce(container, { ifname, ifindex, mac: veth.mac });
  const interfaces = [describeLink(end), describeContainerLink(call, link)];
  return linkResult(call, { interfaces, container: 1 }, answer);
}

/**
 * The container shall not tell the host of routers and prefixes; and the host shall be able to ask for the container's IPv6
 * addresses at once, for which it needs a link-local address that is settled.
 */
function prepareHostEnd(ifname: string, hasIpv6: boolean): void {
  const conf = `net/ipv6/conf/${ifname}`;
  tryWriteSysctl(`${conf}/accept_ra`, "0");
  if (!hasIpv6) return;
  if (readSysctlIfPresent(`${conf}/disable_ipv6`) === "1") writeSysctl(`${conf}/disable_ipv6`, "0");
  tryWriteSysctl(`${conf}/accept_dad`, "0");
}
