/**
 * Links, with what a device is known by.
 * @module
 */

import { answeredBy, call } from "netlink-ts/netlink/request.ts";
import { getLink, linkOverviewMessage, RTEXT_FILTER_SKIP_STATS } from "netlink-ts/route/link.ts";
import type { Decoded } from "netlink-ts/wire/codec.ts";

import type { RouteSocket } from "../../core/net/route-socket.ts";

/** What a device is known by, and what of it may change in a container. */
const deviceLink = linkOverviewMessage.pick(
  "ifname",
  "mtu",
  "ifalias",
  "address",
  "permAddress",
  "linkInfo",
  "parentDevName",
  "parentDevBusName",
);
export type DeviceLink = Decoded<typeof deviceLink>;
const getDevice = answeredBy(getLink, deviceLink);

/** The link of that name or index; undefined when there is none. */
export function lookUpDevice(
  route: RouteSocket,
  which: { ifname: string } | { ifindex: number },
): DeviceLink | undefined {
  return route.lookUp(call(getDevice, { ...which, extMask: RTEXT_FILTER_SKIP_STATS }))[0];
}

/** All links of a namespace, one after the other. */
export function allDevices(route: RouteSocket): DeviceLink[] {
  return route.links().flatMap(({ ifindex }) => lookUpDevice(route, { ifindex }) ?? []);
}
