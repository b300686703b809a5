/**
 * The configuration of tap.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { dnsField, integerField, interfaceNameField, unsetIfEmpty } from "../../core/cni/fields.ts";
import { orAuto } from "../../core/link/mtu.ts";
import { routeKeys } from "../../core/link/routes.ts";

/** 2^32-1 is no id: to the kernel it means nobody in particular. */
const idField = z.optional(integerField(0, 0xffff_fffe));
/** Of the driver: its largest MTU less an Ethernet header. */
const LARGEST_MTU = 65_521;
const optionalText = z.optional(z.string());

/** Keys of tap. */
export const tapConfig = z.extend(networkConfig, {
  multiQueue: z._default(z.boolean(), false),
  mtu: z._default(orAuto(integerField(0, LARGEST_MTU)), 0),
  mac: optionalText,
  owner: idField,
  group: idField,
  selinuxContext: unsetIfEmpty(z.string()),
  bridge: unsetIfEmpty(interfaceNameField),
  args: z.optional(z.looseObject({})),
  dns: z.optional(dnsField),
  ...routeKeys,
  runtimeConfig: z.optional(z.object({ mac: optionalText })),
});
export type TapConfig = z.output<typeof tapConfig>;
