/**
 * The configuration of vrf.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { integerField, parsedText } from "../../core/cni/fields.ts";
import { interfaceNameProblem } from "../../core/cni/interface-name.ts";
import { CniError, cniCode } from "../../core/errors.ts";

const LARGEST_TABLE = 0xffff_ffff;

const nameField = parsedText((name) => {
  const problem = name === "" ? undefined : interfaceNameProblem(name); // the empty name is refused below
  if (problem !== undefined) throw new Error(`${problem}, got ${JSON.stringify(name)}`);
  return name;
});

/** Keys of vrf. */
export const vrfConfig = z.extend(networkConfig, {
  vrfname: z.optional(nameField),
  table: z.optional(integerField(0, LARGEST_TABLE)),
});
/** A parsed configuration. */
export type VrfConfig = z.output<typeof vrfConfig>;

/** The name of the VRF. @throws {CniError} 7 without one */
export function vrfNameOf({ vrfname = "" }: Partial<VrfConfig>): string {
  if (vrfname !== "") return vrfname;
  const message = 'configuration is expected to have a valid vrf name: "vrfname" is missing';
  throw new CniError(cniCode.badConfig, message);
}

/** The routing table that is asked for; undefined when any will do. */
export function tableOf({ table = 0 }: Partial<VrfConfig>): number | undefined {
  return table === 0 ? undefined : table;
}
