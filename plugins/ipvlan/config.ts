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
import { linkModes } from "../../core/link/modes.ts";
import { mtuOnMasterKey } from "../../core/link/mtu.ts";
import { routeKeys } from "../../core/link/routes.ts";

/** Modes of ipvlan. */
export const modes = linkModes(
  "ipvlan",
  {
    l2: IPVLAN_MODE_L2,
    l3: IPVLAN_MODE_L3,
    l3s: IPVLAN_MODE_L3S,
  },
  "l2",
);

/** Keys of ipvlan. */
export const ipvlanConfig = z.extend(networkConfig, {
  master: unsetIfEmpty(interfaceNameField),
  mode: modes.field,
  mtu: mtuOnMasterKey,
  linkInContainer: z._default(z.boolean(), false),
  internal: z._default(z.boolean(), false),
  dns: z.optional(dnsField),
  ...routeKeys,
});
export type IpvlanConfig = z.output<typeof ipvlanConfig>;
