/**
 * Giving a link in a container what IPAM decided: addresses, routes, and up.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { newAddress } from "netlink-ts/route/address.ts";
import { AF_INET6, familyOf } from "netlink-ts/route/family.ts";
import { inetConf } from "netlink-ts/route/inet-conf.ts";
import { IFF_UP, setLink } from "netlink-ts/route/link.ts";
import {
  prependRoute,
  type RouteInput,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  RTNH_F_ONLINK,
  RTPROT_BOOT,
} from "netlink-ts/route/route.ts";
import { encode } from "netlink-ts/wire/codec.ts";

import { sameBytes } from "../bytes.ts";
import type { CniResult } from "../cni/result.ts";
import { CniError, cniCode } from "../errors.ts";
import { formatCidr, formatIp, isIpv4, type Prefix } from "./address.ts";
import { type AddressOptions, addressInput } from "./address-input.ts";
import { DadWatch } from "./dad.ts";
import { RTPROT_OWNER } from "./default-route.ts";
import { type PlannedRoute, plannedAddresses, plannedRoutes } from "./interface-plan.ts";
import type { Netns } from "./netns.ts";
import type { LinkAddress, RouteSocket } from "./route-socket.ts";
import { runSteps, type Step } from "./steps.ts";
import { readSysctlIfPresent, tryWriteSysctl, writeSysctl } from "./sysctl.ts";
import { tableFields } from "./whole-route.ts";

/** Same as `sysctl -w net.ipv4.conf.$link.arp_notify=1`, without leaving netlink. */
const arpNotify = { inet: encode(inetConf, { conf: { arpNotify: 1 } }) };

/** What is to be configured. */
export interface InterfaceSettings {
  netns: Netns;
  /** A socket of that namespace. */
  route: RouteSocket;
  ifname: string;
  /** IPAM's answer: its `ips` and `routes` count. */
  result: CniResult;
  /** All routes of the link: none is made of an address's prefix. Absent: those, and the answer's. */
  routes?: readonly PlannedRoute[] | undefined;
  /** Duplicate address detection for IPv6, to whose end is waited. Without it addresses can be used at once. */
  dad?: boolean;
  /** Whether the link's network owns the default route, by which others know its default routes. */
  ownsDefault?: boolean;
}

interface NamedLink {
  readonly ifname: string;
  readonly ifindex: number;
}

/**
 * Gives the link its addresses and routes and brings it up, all in one send. The link is told to announce itself: what
 * {@link announce} does needs it.
 * @returns the link's index
 * @throws {CniError} naming the address or the route that the kernel refused
 */
export function configureInterface(settings: InterfaceSettings): number {
  const { netns, route, ifname, result, routes, dad = false, ownsDefault = false } = settings;
  const ifindex = route.ifindexOf(ifname);
  if (ifindex === undefined) throw new CniError(cniCode.internal, `failed to lookup "${ifname}"`);
  const addresses = plannedAddresses(result.ips ?? []);
  const hasIpv6 = addresses.some(({ address }) => !isIpv4(address));
  if (hasIpv6) netns.run(() => prepareIpv6(ifname, dad));
  using watch = hasIpv6 && dad ? netns.run(() => new DadWatch()) : undefined;
  const link = { ifname, ifindex };
  const missing = hasIpv6 ? withoutPresent(addresses, route, ifindex) : addresses;
  runSteps(route, [
    { phrase: `announce "${ifname}"`, call: call(setLink, { ifindex, afSpec: arpNotify }) },
    ...missing.map((prefix) => addressStep(link, prefix, { dad, prefixRoute: !routes })),
    upStep(link),
    ...(routes ?? plannedRoutes(result)).map((planned) => routeStep(link, planned, ownsDefault)),
  ]);
  watch?.settle(route, link);
  return ifindex;
}

/** Without those that the link has: IPAM may have let the kernel make them from router advertisements. */
function withoutPresent(wanted: Prefix[], route: RouteSocket, ifindex: number): Prefix[] {
  const present = route.addresses(ifindex, AF_INET6);
  return wanted.filter(({ address, length }) => {
    const isSame = (each: LinkAddress) =>
      each.prefixLength === length && sameBytes(each.local ?? each.address, address);
    return !present.some(isSame);
  });
}

/** Gives a link that is up more addresses and routes, in one send. @throws {CniError} as {@link configureInterface} */
export function extendInterface(
  route: RouteSocket,
  link: NamedLink,
  addresses: readonly Prefix[],
  routes: readonly PlannedRoute[],
): void {
  runSteps(route, [
    ...addresses.map((prefix) => addressStep(link, prefix)),
    ...routes.map((planned) => routeStep(link, planned)),
  ]);
}

function addressStep(
  { ifname, ifindex }: NamedLink,
  prefix: Prefix,
  options: AddressOptions = {},
): Step {
  return {
    phrase: `failed to add IP addr ${formatCidr(prefix)} to "${ifname}"`,
    call: call(newAddress, addressInput(ifindex, prefix, options)),
  };
}

function upStep({ ifname, ifindex }: NamedLink): Step {
  return {
    phrase: `failed to set "${ifname}" UP`,
    call: call(setLink, { ifindex, flags: IFF_UP, change: IFF_UP }),
  };
}

function routeStep(
  { ifname, ifindex }: NamedLink,
  planned: PlannedRoute,
  ownsDefault = false,
): Step {
  const protocol = ownsDefault && planned.dst.length === 0 ? RTPROT_OWNER : RTPROT_BOOT;
  return {
    phrase: `failed to add route ${describeRoute(planned, ifname)}`,
    call: call(prependRoute, { ...routeInput(ifindex, planned), protocol }),
  };
}

/** Parameters of the namespace the process is in, before the link gets its first IPv6 address. */
function prepareIpv6(ifname: string, dad: boolean): void {
  const conf = "net/ipv6/conf";
  for (const link of ["lo", ifname]) {
    const disabled = readSysctlIfPresent(`${conf}/${link}/disable_ipv6`);
    if (disabled === "1") writeSysctl(`${conf}/${link}/disable_ipv6`, "0");
  }
  writeSysctl(`${conf}/${ifname}/keep_addr_on_down`, "1");
  if (dad) tryWriteSysctl(`${conf}/${ifname}/enhanced_dad`, "1");
  tryWriteSysctl(`${conf}/${ifname}/accept_dad`, dad ? "1" : "0");
  tryWriteSysctl(`${conf}/${ifname}/ndisc_notify`, "1");
}

/** RTM_NEWROUTE's and RTM_DELROUTE's fields for a route out of that link. */
export function routeInput(ifindex: number, planned: PlannedRoute): RouteInput {
  const { dst, gateway, mtu, advmss, priority, table = RT_TABLE_MAIN, scope, source } = planned;
  return {
    family: familyOf(dst.address),
    dstLength: dst.length,
    ...tableFields(table),
    scope,
    type: RTN_UNICAST,
    flags: planned.onLink ? RTNH_F_ONLINK : 0,
    dst: dst.length === 0 ? undefined : dst.address,
    priority: priority === 0 ? undefined : priority,
    metrics: mtu || advmss ? { mtu: mtu || undefined, advmss: advmss || undefined } : undefined,
    gateway,
    prefSrc: source,
    oif: ifindex,
  };
}

/** As `ip route` writes it: `10.0.0.0/8 via 10.1.0.1 dev eth0 metric 5 table 100`. */
function describeRoute({ dst, gateway, priority, table }: PlannedRoute, ifname: string): string {
  const via = gateway === undefined ? "" : ` via ${formatIp(gateway)}`;
  const metric = priority ? ` metric ${priority}` : "";
  return `${formatCidr(dst)}${via} dev ${ifname}${metric}${table === undefined ? "" : ` table ${table}`}`;
}
