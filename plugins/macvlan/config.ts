/**
 * The configuration of macvlan.
 * @module
 */

import {
  MACVLAN_MODE_BRIDGE,
  MACVLAN_MODE_PASSTHRU,
  MACVLAN_MODE_PRIVATE,
  MACVLAN_MODE_VEPA,
} from "netlink-ts/route/link-kinds/macvlan.ts";
import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { dnsField, integerField, interfaceNameField, unsetIfEmpty } from "../../core/cni/fields.ts";

const modes: Readonly<Record<string, number>> = {
  bridge: MACVLAN_MODE_BRIDGE,
  private: MACVLAN_MODE_PRIVATE,
  vepa: MACVLAN_MODE_VEPA,
  passthru: MACVLAN_MODE_PASSTHRU,
};
const LARGEST_U32 = 0xffff_ffff;
const macText = z.optional(z.string());

/** Keys of macvlan. */
export const macvlanConfig = z.extend(networkConfig, {
  master: unsetIfEmpty(interfaceNameField),
  mode: z._default(
    z.string().check(
      z.refine((name: string) => name === "" || Object.hasOwn(modes, name), {
        error: ({ input }) => `unknown macvlan mode: "${input}"`,
      }),
    ),
    "bridge",
  ),
  mtu: z._default(z.int(), 0),
  mac: macText,
  linkInContainer: z._default(z.boolean(), false),
  bcqueuelen: z._default(integerField(0, LARGEST_U32), 0),
  dns: z.optional(dnsField),
  runtimeConfig: z.optional(z.object({ mac: macText })),
});
export type MacvlanConfig = z.output<typeof macvlanConfig>;

/** MACVLAN_MODE_* of the key. */
export function modeOf({ mode }: MacvlanConfig): number {
  return modes[mode] ?? MACVLAN_MODE_BRIDGE;
}

/** The name of a MACVLAN_MODE_*. */
export function modeName(mode: number | undefined): string {
  return Object.keys(modes).find((name) => modes[name] === mode) ?? String(mode);
}
