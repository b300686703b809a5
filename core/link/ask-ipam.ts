/**
 * Addresses for an attachment, asked for while its link is made.
 * @module
 */

import type { AddCall, AskedIpam } from "../cni/plugin.ts";
import type { Rollback } from "../rollback.ts";

/** Asks IPAM, if one is configured; a failing ADD gives back what it answered. */
export function askIpam(
  { ipam }: Pick<AddCall<unknown>, "ipam">,
  rollback: Rollback,
): AskedIpam | undefined {
  if (!ipam.configured) return undefined;
  const asked = ipam.ask();
  rollback.defer(() => asked.release());
  return asked;
}
