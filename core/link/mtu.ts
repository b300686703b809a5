/**
 * The MTU of a container's link: a number, or that of the way out of the host.
 * @module
 */

import { AF_INET, AF_INET6 } from "netlink-ts/route/family.ts";
import * as z from "zod/mini";

import { mtuField } from "../cni/fields.ts";
import { warn } from "../log.ts";
import { askIdentity, type RouteSocket } from "../net/route-socket.ts";
import { metricOf } from "../net/whole-route.ts";

/** Bytes, or the MTU of the link that the network's packets leave the host by. */
export type Mtu = number | "auto";

/** The key `mtu`: what `field` reads, or `"auto"`. */
export function orAuto(field: z.ZodMiniType<number>) {
  return z.pipe(
    z.unknown(),
    z.transform((value: unknown, payload): Mtu => {
      if (value === "auto") return value;
      const parsed = z.safeParse(field, value);
      if (parsed.success) return parsed.data;
      payload.issues.push(
        ...parsed.error.issues.map((issue) => ({ ...issue, input: value as never })),
      );
      return z.NEVER;
    }),
  );
}

/** `mtu` of plugins whose link is on none of the host's: 0, the default, is the kernel's. */
export const mtuKey = z._default(orAuto(mtuField), 0);

/** The same where the link below has the last word, which `mtuOn` asks. */
export const mtuOnMasterKey = z._default(orAuto(z.int()), 0);

/** The link of the default route of a family in the main table that has the lowest metric; undefined without any. */
export function defaultLink(route: RouteSocket, family: number): number | undefined {
  const [first] = route.defaultRoutes(family).toSorted((a, b) => metricOf(a) - metricOf(b));
  return first?.oif ?? first?.multipath?.[0]?.ifindex;
}

/**
 * `"auto"` as a number: the MTU of the link of the host's default route, the smaller one when each family has its own. Without a
 * default route it is 0, the kernel's default, which is said on stderr.
 * @param host a socket of the host
 */
export function hostMtu(host: RouteSocket, mtu: Mtu): number {
  if (mtu !== "auto") return mtu;
  const links = [AF_INET, AF_INET6].flatMap((family) => defaultLink(host, family) ?? []);
  const mtus = links.flatMap((ifindex) => host.lookUp(askIdentity({ ifindex }))[0]?.mtu ?? []);
  if (mtus.length > 0) return Math.min(...mtus);
  warn('"mtu" is "auto", and the host has no default route: the kernel\'s default is taken');
  return 0;
}
