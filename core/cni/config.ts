/**
 * Configurations: the keys every network configuration has, and parsing by schema.
 * @see SPEC.md "Section 1: Network configuration format"
 * @module
 */

import "./zod-settings.ts";
import * as z from "zod/mini";

import { CniError, cniCode } from "../errors.ts";
import { describeIssue, valueAt } from "./issue-text.ts";

/** One schema for every key that is not looked at: each of its own would be a page of memory to touch. */
const anything = z.optional(z.unknown());

/**
 * Keys every configuration may have; a plugin adds its own with `z.extend(networkConfig, { … })`, and says what is
 * in `ipam`, `dns`, `args` and `runtimeConfig` where it reads them. What stays unknown here is not looked at, so a
 * wrong type in a key that a plugin does not use does no harm.
 */
export const networkConfig = z.object({
  cniVersion: anything,
  name: z.string(),
  type: anything,
  capabilities: anything,
  runtimeConfig: anything,
  args: anything,
  ipam: anything,
  dns: anything,
  prevResult: anything,
});

/**
 * The same for a program that is executed with another plugin's configuration, as IPAM is: keys it does not know are
 * that plugin's, and are neither reported nor dropped.
 */
export const delegateConfig = z.looseObject({ ...networkConfig.shape });

/** A configuration that has been parsed by {@link networkConfig} or an extension of it. */
export type NetworkConfig = z.output<typeof networkConfig>;

/**
 * Parses a configuration whose keys have been normalised.
 * @throws {CniError} 6 for a wrong JSON type, 7 for a wrong or missing value; the message names the first key, what
 * was wanted and what was found, `details` the others
 */
export function parseConfig<S extends z.ZodMiniType>(schema: S, value: unknown): z.output<S> {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  throw configError(parsed.error.issues, value);
}

function configError(issues: readonly z.core.$ZodIssue[], value: unknown): CniError {
  const [first, ...others] = issues.map((issue) => describeIssue(issue, value));
  const wrongType =
    issues[0]?.code === "invalid_type" && valueAt(value, issues[0].path) !== undefined;
  const code = wrongType ? cniCode.decode : cniCode.badConfig;
  const details = others.slice(0, 8).join("; ");
  return new CniError(code, first ?? "bad configuration", details === "" ? {} : { details });
}
