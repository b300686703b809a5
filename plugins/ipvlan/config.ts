/**
 * The configuration of ipvlan.
 * @module
 */

import {
  IPVLAN_MODE_L2,
  IPVLAN_MODE_L3,
  IPVLAN_MODE_L3S,
} from "netlink-ts/route/link-kinds/ipvlan.ts";
import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { dnsField, interfaceNameField, unsetIfEmpty } from "../../core/cni/fields.ts";

const modes: Readonly<Record<string, number>> = {
  l2: IPVLAN_MODE_L2,
  l3: IPVLAN_MODE_L3,
  l3s: IPVLAN_MODE_L3S,
};

/** Keys of ipvlan. */
export const ipvlanConfig = z.extend(networkConfig, {
  master: unsetIfEmpty(interfaceNameField),
  mode: z._default(
    z.string().check(
      z.refine((name: string) => name === "" || Object.hasOwn(modes, name), {
        error: ({ input }) => `unknown ipvlan mode: "${input}"`,
      }),
    ),
    "l2",
  ),
  mtu: z._default(z.int(), 0),
  linkInContainer: z._default(z.boolean(), false),
  dns: z.optional(dnsField),
});
export type IpvlanConfig = z.output<typeof ipvlanConfig>;

/** IPVLAN_MODE_* of the key. */
export function modeOf({ mode }: IpvlanConfig): number {
  return modes[mode] ?? IPVLAN_MODE_L2;
}

/** The name of an IPVLAN_MODE_*. */
export function modeName(mode: number | undefined): string {
  return Object.keys(modes).find((name) => modes[name] === mode) ?? String(mode);
}
