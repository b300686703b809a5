/**
 * The keys by which a network's routes get their metrics, and by which one of several networks owns the default route.
 * @module
 */

import { AF_INET, AF_INET6 } from "netlink-ts/route/family.ts";
import { RT_TABLE_MAIN } from "netlink-ts/route/route.ts";
import * as z from "zod/mini";

import { integerField } from "../cni/fields.ts";
import type { AddCall } from "../cni/plugin.ts";
import type { CniIp, CniRoute, IpamResult } from "../cni/result.ts";
import { CniError, cniCode } from "../errors.ts";
import { formatIp, isIpv4, parseCidr } from "../net/address.ts";
import { moveBack, moveDefaults, placeDefault, type WantedDefault } from "../net/default-route.ts";
import { gatewayOfFamily } from "../net/interface-plan.ts";
import { metricOf } from "../net/whole-route.ts";
import type { Rollback } from "../rollback.ts";
import type { Scene } from "./scene.ts";

const LARGEST_U32 = 0xffff_ffff;

/** `metric` and `defaultRoute`, for the schema of every plugin that makes a link. */
export const routeKeys = {
  metric: z.optional(integerField(0, LARGEST_U32)),
  defaultRoute: z.optional(z.boolean()),
};

/** What a configuration says of its network's routes. */
export interface RouteChoice {
  /** Of routes that have none of their own; 0 leaves it to the kernel. */
  metric?: number | undefined;
  /** False: the network has no default route. True: it owns the container's. */
  defaultRoute?: boolean | undefined;
  /** The network leads nowhere, whatever `defaultRoute` says. */
  internal?: boolean | undefined;
}

/** True when the network owns its containers' default route. */
export function ownsDefault({ defaultRoute, internal }: RouteChoice): boolean {
  return defaultRoute === true && internal !== true;
}

/**
 * IPAM's answer with the routes that the configuration wants, with the metrics that they shall have: what the kernel is given, and
 * what the result tells. Default routes of other networks make way for one that owns; a failing ADD puts them back. Other ADDs
 * of this container wait from now on until the namespace is closed, or two would find the same place free.
 * @throws {CniError} 7 when two networks of the container own the default route, or the one that does has no gateway
 */
export function settleRoutes<A extends IpamResult | undefined>(
  { config }: Pick<AddCall<RouteChoice>, "config">,
  scene: Scene,
  answer: A,
  rollback: Rollback,
): A {
  if (answer === undefined) return answer;
  const wanted = chosenRoutes(config, answer);
  if (wanted === undefined) return answer;
  const routes = wanted.some(isMainDefault)
    ? placedRoutes(scene, wanted, ownsDefault(config), rollback)
    : wanted;
  return { ...answer, routes };
}

/** The routes that the configuration leaves, with its metric; undefined for an answer without routes. */
export function chosenRoutes(
  choice: RouteChoice,
  { ips, routes }: IpamResult,
): CniRoute[] | undefined {
  const { metric, defaultRoute, internal } = choice;
  let chosen = routes;
  if (internal === true || defaultRoute === false) chosen = routes?.filter((r) => !isDefault(r));
  else if (defaultRoute === true) chosen = withDefaults(ips, routes ?? []);
  return metric === undefined || metric === 0
    ? chosen
    : chosen?.map((route) => ({ ...route, priority: route.priority ?? metric }));
}

function withDefaults(ips: readonly CniIp[], routes: readonly CniRoute[]): CniRoute[] {
  const all = [...routes, ...missingDefaults(ips, routes)];
  if (all.some(isDefault)) return all;
  throw new CniError(cniCode.badConfig, '"defaultRoute" is true, and IPAM gave no gateway', {
    details: 'give "ipam" a gateway or a default route',
  });
}

/** A default route through the gateway of each family that has one and has no default route. */
export function missingDefaults(ips: readonly CniIp[], routes: readonly CniRoute[]): CniRoute[] {
  const defaults = [
    { dst: "0.0.0.0/0", gateway: gatewayOfFamily(ips, true) },
    { dst: "::/0", gateway: gatewayOfFamily(ips, false) },
  ];
  return defaults.flatMap(({ dst, gateway }) => {
    if (gateway === undefined || routes.some((route) => route.dst === dst)) return [];
    return [{ dst, gw: formatIp(gateway) }];
  });
}

function isDefault({ dst }: CniRoute): boolean {
  return dst.endsWith("/0");
}

function isMainDefault(route: CniRoute): boolean {
  return isDefault(route) && (route.table ?? RT_TABLE_MAIN) === RT_TABLE_MAIN;
}

function familyOf({ dst }: CniRoute): number {
  return isIpv4(parseCidr(dst).address) ? AF_INET : AF_INET6;
}

function placedRoutes(
  scene: Scene,
  routes: readonly CniRoute[],
  owns: boolean,
  rollback: Rollback,
): CniRoute[] {
  scene.netns.lock();
  const places = new Map<string, number>();
  return routes.map((route) => {
    if (!isMainDefault(route)) return route;
    const wanted = { family: familyOf(route), metric: route.priority || undefined, owns };
    const key = `${wanted.family} ${wanted.metric}`; // several of one metric stay together
    const metric = places.get(key) ?? place(scene, wanted, rollback);
    places.set(key, metric);
    return metric === (wanted.metric ?? metricOf({ family: wanted.family }))
      ? route
      : { ...route, priority: metric };
  });
}

function place({ container }: Scene, wanted: WantedDefault, rollback: Rollback): number {
  const { metric, moves } = placeDefault(wanted, container.defaultRoutes(wanted.family));
  if (moves.length > 0) {
    rollback.defer(() => moveBack(container, moves)); // before: one of them may be all that is done
    moveDefaults(container, moves);
  }
  return metric;
}
