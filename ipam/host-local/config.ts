/**
 * host-local's configuration.
 * @module
 */

import "../../core/cni/zod-settings.ts";
import * as z from "zod/mini";
import { delegateConfig } from "../../core/cni/config.ts";
import { cidrField, ipField, parsedText, routeField, unsetIfEmpty } from "../../core/cni/fields.ts";
import { parseCidr, parseIp } from "../../core/net/address.ts";
import { reservationRoot } from "../../core/state/reserved-addresses.ts";

/** Reads `10.1.0.5` or `10.1.0.5/24` into 4 or 16 bytes; the prefix length means nothing here. */
export function parseRequestedIp(text: string): Uint8Array {
  return text.includes("/") ? parseCidr(text).address : parseIp(text);
}

const requestedIpField = parsedText(parseRequestedIp);

const rangeFields = {
  rangeStart: unsetIfEmpty(ipField),
  rangeEnd: unsetIfEmpty(ipField),
  gateway: unsetIfEmpty(ipField),
};
const rangeField = z.object({ subnet: cidrField, ...rangeFields });

/** One range as it is written: bounds and gateway may be missing. */
export type RangeConfig = z.output<typeof rangeField>;

const ipamField = z.object({
  type: z.optional(z.unknown()),
  subnet: unsetIfEmpty(cidrField),
  ...rangeFields,
  ranges: z.optional(z.array(z.array(rangeField))),
  routes: z.optional(z.array(routeField)),
  dataDir: z.optional(z.string()),
  resolvConf: z.optional(z.string()),
});

/** The whole configuration, as the delegating plugin hands it on. */
export const hostLocalConfig = z.extend(delegateConfig, {
  ipam: z.optional(ipamField),
  args: z.optional(
    z.object({ cni: z.optional(z.object({ ips: z.optional(z.array(requestedIpField)) })) }),
  ),
  runtimeConfig: z.optional(
    z.object({
      ips: z.optional(z.array(requestedIpField)),
      ipRanges: z.optional(z.array(z.array(rangeField))),
    }),
  ),
});

export type HostLocalConfig = z.output<typeof hostLocalConfig>;

/** Where the reservations of all networks lie, each network in a directory of its name. */
export function dataDirOf(config: Partial<HostLocalConfig>): string {
  return config.ipam?.dataDir || reservationRoot;
}
