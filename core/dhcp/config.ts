/**
 * The part of a configuration that plugin and daemon both read.
 * @module
 */

import "../cni/zod-settings.ts";
import * as z from "zod/mini";
import { delegateConfig } from "../cni/config.ts";
import { integerField } from "../cni/fields.ts";

/** Where the daemon listens unless `daemonSocketPath` says otherwise. */
export const defaultSocketPath = "/run/cni/dhcp.sock";

const optionalText = z.optional(z.string());
const LARGEST_METRIC = 0xffff_ffff;

/** Where a pod's IPv6 addresses come from: nowhere, a DHCPv6 server, or router advertisements. */
const ipv6Source = z.enum(["off", "dhcp", "slaac"]);

const ipamField = z.object({
  type: z.optional(z.unknown()),
  daemonSocketPath: optionalText,
  request: z.optional(
    z.array(z.object({ option: optionalText, skipDefault: z.optional(z.boolean()) })),
  ),
  provide: z.optional(
    z.array(z.object({ option: optionalText, value: optionalText, fromArg: optionalText })),
  ),
  priority: z.optional(integerField(0, LARGEST_METRIC)),
  ipv6: z.optional(ipv6Source),
});

/** A configuration whose `ipam` is dhcp's. */
export const dhcpConfig = z.extend(delegateConfig, { ipam: z.optional(ipamField) });

export type DhcpConfig = z.output<typeof dhcpConfig>;
/** `ipam` of a {@link DhcpConfig}. */
export type DhcpIpamConfig = NonNullable<DhcpConfig["ipam"]>;
