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
import type { AddCall } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { linkModes } from "../../core/link/modes.ts";
import { mtuOnMasterKey } from "../../core/link/mtu.ts";
import { routeKeys } from "../../core/link/routes.ts";

/** Modes of macvlan. */
export const modes = linkModes(
  "macvlan",
  {
    bridge: MACVLAN_MODE_BRIDGE,
    private: MACVLAN_MODE_PRIVATE,
    vepa: MACVLAN_MODE_VEPA,
    passthru: MACVLAN_MODE_PASSTHRU,
  },
  "bridge",
);
const LARGEST_U32 = 0xffff_ffff;
const macText = z.optional(z.string());

/** Keys of macvlan. */
export const macvlanConfig = z.extend(networkConfig, {
  master: unsetIfEmpty(interfaceNameField),
  mode: modes.field,
  mtu: mtuOnMasterKey,
  mac: macText,
  linkInContainer: z._default(z.boolean(), false),
  internal: z._default(z.boolean(), false),
  hostAccess: z._default(z.boolean(), false),
  bcqueuelen: z._default(integerField(0, LARGEST_U32), 0),
  dns: z.optional(dnsField),
  ...routeKeys,
  runtimeConfig: z.optional(z.object({ mac: macText })),
});
export type MacvlanConfig = z.output<typeof macvlanConfig>;

/** Refuses keys that contradict each other. @throws {CniError} 7 that names them */
export function requireConsistent({ config, ipam }: AddCall<MacvlanConfig>): void {
  if (!config.hostAccess) return;
  const needs = [
    ...(modes.numberOf(config.mode) === MACVLAN_MODE_BRIDGE ? [] : ['"mode": "bridge"']),
    ...(config.linkInContainer ? ["a master on the host"] : []),
    ...(ipam.configured ? [] : ['"ipam"']),
  ];
  if (needs.length === 0) return;
  throw new CniError(cniCode.badConfig, `"hostAccess" needs ${needs.join(" and ")}`);
}
