/**
 * Routes with all that the kernel tells of them, to be put into another table and back.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { AF_INET, AF_INET6, AF_UNSPEC } from "netlink-ts/route/family.ts";
import {
  appendRoute,
  getRoute,
  prependRoute,
  type RouteInput,
  type RouteMessage,
  RTM_F_CLONED,
  RTNH_F_ONLINK,
  routeMessage,
} from "netlink-ts/route/route.ts";
import { fromHex, toHex } from "../bytes.ts";
import { explain, isErrno } from "../errors.ts";
import { formatCidr, formatIp } from "./address.ts";
import type { RouteSocket } from "./route-socket.ts";

/** IPv4 and IPv6 routes of all tables, in the kernel's order. @param oif only those that lead out of that link */
export function wholeRoutes(route: RouteSocket, oif?: number): RouteMessage[] {
  const all = route.dump(getRoute, { family: AF_UNSPEC, oif });
  return all.filter(
    ({ family, flags }) =>
      (family === AF_INET || family === AF_INET6) && (flags & RTM_F_CLONED) === 0,
  );
}

/** A routing table as requests name it. */
export function tableFields(table: number): { headerTable: number; table: number | undefined } {
  return table < 256 ? { headerTable: table, table: undefined } : { headerTable: 0, table };
}

/** The routing table that a route lies in, or a rule leads to. */
export function tableOf({
  table,
  headerTable = 0,
}: Pick<RouteInput, "table" | "headerTable">): number {
  return table ?? headerTable;
}

/** Whether that link is the only one that the route leads out of. */
export function leadsOnlyOutOf({ oif, multipath }: RouteMessage, ifindex: number): boolean {
  const hops = multipath ?? [{ ifindex: oif }];
  return hops.length > 0 && hops.every((hop) => hop.ifindex === ifindex);
}

/** The gateways of a route, each of 4 or 16 bytes. */
export function gatewaysOf({ gateway, via, multipath }: RouteInput): Uint8Array[] {
  const hops = multipath ?? [{ gateway, via }];
  return hops.flatMap((hop) => hop.gateway ?? hop.via?.address ?? []);
}

/** The same route in that table, as a request says it. */
export function inTable(route: RouteMessage, table: number): RouteInput {
  const { flags, cacheInfo, ...rest } = route;
  const { nhId, multipath, oif, gateway, via, ...others } = rest;
  const hops = multipath?.map((hop) => ({ ...hop, flags: hop.flags & RTNH_F_ONLINK }));
  const expires = cacheInfo === undefined ? 0 : Math.ceil(cacheInfo.expires / 100);
  return {
    ...others,
    ...tableFields(table),
    flags: flags & RTNH_F_ONLINK, // the others tell how it is, not how it shall be
    ...(nhId === undefined ? { oif, gateway, via, multipath: hops } : { nhId }),
    expires: expires > 0 ? expires : undefined,
  };
}

/** What is on the link before what lies behind a gateway, else in order: so each gateway can be reached when it is named. */
export function nearFirst<R extends RouteInput>(routes: readonly R[]): R[] {
  const isNear = (route: R) => gatewaysOf(route).length === 0;
  return [...routes.filter(isNear), ...routes.filter((route) => !isNear(route))];
}

/** As `ip route` writes it: `10.0.0.0/8 via 10.1.0.1 table 100`. */
export function routeText(route: RouteInput): string {
  const { family, dst = new Uint8Array(family === AF_INET6 ? 16 : 4), dstLength = 0 } = route;
  const via = gatewaysOf(route).map((gateway) => ` via ${formatIp(gateway)}`);
  return `${formatCidr({ address: dst, length: dstLength })}${via.join("")} table ${tableOf(route)}`;
}

/** IP6_RT_PRIO_USER: what IPv6 makes of no metric. */
const UNSAID_IPV6 = 1024;

/** The metric that the kernel gives a route. */
export function metricOf({ family, priority = 0 }: RouteInput): number {
  return family === AF_INET6 && priority === 0 ? UNSAID_IPV6 : priority;
}

/** What two routes have in common when one can replace the other: table, destination, metric. */
export function placeKey(route: RouteInput): string {
  const { family, dst, dstLength = 0, tos = 0 } = route;
  return [family, dst, dstLength, tos, metricOf(route), tableOf(route)].join(" ");
}

/** Those that are not there: in their table, out of that link, by all of their gateways. */
export function missingRoutes(
  wanted: readonly RouteInput[],
  found: readonly RouteMessage[],
  ifindex: number,
): RouteInput[] {
  const there = new Map<string, RouteMessage[]>();
  for (const route of found) {
    if (!leadsOnlyOutOf(route, ifindex)) continue;
    const key = placeKey(route);
    there.set(key, [...(there.get(key) ?? []), route]);
  }
  return wanted.filter((route) => {
    const gateways = gatewaysOf(route).map(String);
    const others = there.get(placeKey(route)) ?? [];
    return !others.some((each) => {
      const hops = gatewaysOf(each).map(String);
      return gateways.every((gateway) => hops.includes(gateway));
    });
  });
}

/** A route as text for a record. */
export function encodeRoute(route: RouteInput): string {
  return toHex(routeMessage.encode(route));
}

/** The route of {@link encodeRoute}'s text. @throws {DecodeError} */
export function decodeRoute(text: string): RouteMessage {
  return routeMessage.parse(fromHex(text));
}

/** A route that has been taken out of the main table. */
export interface TakenRoute {
  readonly route: RouteInput;
  /** Whether it stood behind a route of another link to the same destination with the same metric. */
  readonly behind: boolean;
}

/** What the kernel says when addresses or links are not as they were: such a route cannot be. */
const impossible = ["EINVAL", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "ENODEV"];

/** Gives routes back to their table. One that is there is no error; one that cannot be any more is said with `warn`. */
export function putBack(
  route: RouteSocket,
  taken: readonly TakenRoute[],
  warn: (text: string) => void,
): void {
  const behind = new Map(taken.map((each) => [each.route, each.behind]));
  const routes = nearFirst([...behind.keys()]);
  const calls = routes.map((each) => call(behind.get(each) ? appendRoute : prependRoute, each));
  route.settle(calls, (refusal, index) => {
    if (isErrno(refusal, "EEXIST")) return true;
    if (!isErrno(refusal, ...impossible)) return false;
    if (!isErrno(refusal, "ENODEV")) {
      warn(`does not put back the route to ${routeText(routes[index]!)}: ${explain(refusal)}`);
    }
    return true;
  });
}
