/**
 * What static is configured with.
 * @module
 */

import * as z from "zod/mini";
import { delegateConfig } from "../../core/cni/config.ts";
import { dnsField, ipField, parsedText, routeField, unsetIfEmpty } from "../../core/cni/fields.ts";
import { type Prefix, parseCidr } from "../../core/net/address.ts";

/** Reads `10.0.0.2/24`. @throws Error in upstream's words, which `about` begins */
export function parseAddress(text: string, about: string): Prefix {
  try {
    return parseCidr(text);
  } catch (cause) {
    throw new Error(`${about} in CIDR notation, got: '${text}'`, { cause });
  }
}

const address = parsedText((text) => parseAddress(text, "the 'address' field is expected to be"));

/** In `args.cni.ips` and `runtimeConfig.ips`. */
const requestedAddress = parsedText((text) =>
  parseAddress(text, "an entry in the 'ips' field is NOT"),
);

/** The part of a configuration that is static's, below `ipam`, and the addresses a runtime asks for. */
export const staticConfig = z.extend(delegateConfig, {
  ipam: z.optional(
    z.object({
      type: z.optional(z.string()),
      addresses: z.optional(
        z.array(z.object({ address, gateway: z.optional(unsetIfEmpty(ipField)) })),
      ),
      routes: z.optional(z.array(routeField)),
      dns: z.optional(dnsField),
    }),
  ),
  args: z.optional(
    z.object({ cni: z.optional(z.object({ ips: z.optional(z.array(requestedAddress)) })) }),
  ),
  runtimeConfig: z.optional(z.object({ ips: z.optional(z.array(requestedAddress)) })),
});

/** A parsed configuration. */
export type StaticConfig = z.output<typeof staticConfig>;
