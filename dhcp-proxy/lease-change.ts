/**
 * Giving a pod what its lease says now: address, routes and MTU.
 *
 * What a plugin gave the pod in its ADD stays where the lease has not changed, and so does what others made of it since: a
 * route that is not where it was put is somebody else's now.
 * @module
 */

import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { call } from "netlink-ts/netlink/request.ts";
import { deleteAddress } from "netlink-ts/route/address.ts";
import { setLink } from "netlink-ts/route/link.ts";
import { deleteRoute } from "netlink-ts/route/route.ts";
import type { CniResult } from "../core/cni/result.ts";
import type { Timer } from "../core/daemon/loop.ts";
import { explain, isErrno } from "../core/errors.ts";
import { parseCidr } from "../core/net/address.ts";
import { addressInput } from "../core/net/address-input.ts";
import { extendInterface, routeInput } from "../core/net/configure.ts";
import { type PlannedRoute, plannedRoutes } from "../core/net/interface-plan.ts";
import type { RouteSocket } from "../core/net/route-socket.ts";
import { tryWriteSysctl } from "../core/net/sysctl.ts";
import type { LeaseInfo } from "./lease-info.ts";
import type { LeaseRequest } from "./lease-request.ts";
import { arpAnnouncement, encodeArp } from "./packet/arp.ts";
import { option } from "./packet/options.ts";
import { PacketSocket } from "./packet-socket.ts";
import type { Pod, PodLink } from "./pod.ts";
import type { World } from "./world.ts";

/** RFC 5227 section 2.3: two announcements, two seconds apart. */
const ANNOUNCE_INTERVAL_MS = 2000;

/** What the lease of one link does to the pod. */
export class LeaseChange implements Disposable {
  readonly #world: World;
  readonly #request: LeaseRequest;
  readonly #pod: Pod;
  #announcing: Timer | undefined;
  #isFirst = true;

  constructor(world: World, request: LeaseRequest, pod: Pod) {
    this.#world = world;
    this.#request = request;
    this.#pod = pod;
  }

  /** Whether the pod has been given nothing yet. */
  get isFirst(): boolean {
    return this.#isFirst;
  }

  /** IPAM's answer: the plugin that asked gives it to the pod. */
  resultOf({ address, gateway, routes, dns }: LeaseInfo): CniResult {
    const { priority } = this.#request;
    return {
      ips: [gateway === undefined ? { address } : { address, gateway }],
      routes: routes.map((route) => (priority === 0 ? route : { ...route, priority })),
      ...(dns === undefined ? {} : { dns }),
    };
  }

  /** What no plugin does for a first lease: the link gets the MTU, if it was asked for. */
  begin(lease: LeaseInfo): void {
    if (!this.#isFirst) return;
    this.#isFirst = false;
    if (this.#mtuOf(lease) === undefined) return;
    this.#pod.enter((link, route) => this.#setMtu(route, link, lease));
  }

  /** Puts another lease in the place of one. */
  apply(before: LeaseInfo, lease: LeaseInfo): void {
    this.#isFirst = false;
    const isMoved = before.address !== lease.address;
    this.#pod.enter((link, route) => {
      this.#setMtu(route, link, lease);
      const { leaving, coming } = this.#routeChange(before, lease);
      const deleted = leaving.filter((one) => deleteRouteIfPresent(route, link, one));
      if (isMoved) this.#moveAddress(route, link, before, lease);
      // a route that was not where it was put is somebody else's now, and so is what would stand in its place
      const taken = new Set(leaving.filter((one) => !deleted.includes(one)).map(placeOf));
      const ours = coming.filter((one) => !taken.has(placeOf(one)));
      extendInterface(route, { ifname: this.#pod.ifname, ifindex: link.ifindex }, [], ours);
    });
    if (!isMoved) return;
    this.#announcing = this.#world.loop.after(ANNOUNCE_INTERVAL_MS, () => {
      this.#pod.enter((link) => announce(link, lease));
    });
  }

  /** The old address goes first: of two in one network the second would go with it. */
  #moveAddress(route: RouteSocket, link: PodLink, before: LeaseInfo, lease: LeaseInfo): void {
    const { ifname } = this.#pod;
    // for addresses of others in the old one's network
    tryWriteSysctl(`net/ipv4/conf/${ifname}/promote_secondaries`, "1");
    const old = addressInput(link.ifindex, parseCidr(before.address));
    succeeds(() => route.batch(call(deleteAddress, old)), "EADDRNOTAVAIL");
    const added = { ifname, ifindex: link.ifindex };
    succeeds(() => extendInterface(route, added, [parseCidr(lease.address)], []), "EEXIST");
    announce(link, lease);
  }

  /** With the address all routes move: the kernel drops some with it. */
  #routeChange(before: LeaseInfo, lease: LeaseInfo) {
    const old = plannedRoutes(this.resultOf(before));
    const wanted = plannedRoutes(this.resultOf(lease));
    if (before.address !== lease.address) return { leaving: old, coming: wanted };
    const without = (list: PlannedRoute[], others: PlannedRoute[]) => {
      const texts = new Set(others.map(textOf));
      return list.filter((one) => !texts.has(textOf(one)));
    };
    return { leaving: without(old, wanted), coming: without(wanted, old) };
  }

  #mtuOf({ mtu }: LeaseInfo): number | undefined {
    return this.#request.request.includes(option.interfaceMtu) ? mtu : undefined;
  }

  #setMtu(route: RouteSocket, link: PodLink, lease: LeaseInfo): void {
    const mtu = this.#mtuOf(lease);
    if (mtu === undefined || mtu === link.mtu) return;
    try {
      route.batch(call(setLink, { ifindex: link.ifindex, mtu }));
    } catch (error) {
      // a link on another cannot have more than that one has
      if (!(error instanceof NetlinkError) || !isErrno(error, "EINVAL")) throw error;
      this.#world.journal.write("warning", `cannot set the MTU to ${mtu}: ${explain(error)}`);
    }
  }

  [Symbol.dispose](): void {
    this.#announcing?.[Symbol.dispose]();
  }
}

/** Tells all on the link whose the address is now. */
function announce({ ifindex, mac }: PodLink, lease: LeaseInfo): void {
  const { address } = parseCidr(lease.address);
  using socket = PacketSocket.forArp(ifindex, address);
  socket.send(encodeArp(arpAnnouncement(mac, address)));
}

/** @returns false when there was none */
function deleteRouteIfPresent(route: RouteSocket, link: PodLink, one: PlannedRoute): boolean {
  return succeeds(() => route.batch(call(deleteRoute, routeInput(link.ifindex, one))), "ESRCH");
}

/** @returns false when it failed with that errno */
function succeeds(step: () => void, expected: string): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (!isErrno(error, expected)) throw error;
    return false;
  }
}

function textOf(route: object): string {
  return JSON.stringify(route, (_, value) =>
    value instanceof Uint8Array ? value.join(".") : value,
  );
}

/** Where a route leads to, whatever its gateway is. */
function placeOf({ dst, table, priority }: PlannedRoute): string {
  return textOf({ dst, table, priority });
}
