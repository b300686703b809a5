/**
 * Configurations: the keys every network configuration has, and parsing by schema.
 * @see SPEC.md "Section 1: Network configuration format"
 * @module
 */

import * as z from "zod/mini";

/**
 * Keys every configuration may have; a plugin adds its own with `z.extend(networkConfig, { … })`.
 * What the skeleton reads itself (`prevResult`, `cni.dev/…`, `capabilities`, `args`) is not checked again here.
 */
export const networkConfig = z.object({
  cniVersion: z.optional(z.string()),
  name: z.string(),
  type: z.optional(z.unknown()),
});

/** A configuration that has been parsed by {@link networkConfig} or an extension of it. */
export type NetworkConfig = z.output<typeof networkConfig>;
