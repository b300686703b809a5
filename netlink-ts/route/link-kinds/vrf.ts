/**
 * vrf: a routing table for the links enslaved to it.
 * @see include/uapi/linux/if_link.h, enum IFLA_VRF_*
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32 } from "../../wire/scalars.ts";

/** IFLA_INFO_DATA of a vrf, and IFLA_INFO_SLAVE_DATA of its links. */
export const vrf = attributes({
  /** IFLA_VRF_TABLE: number of the routing table. */
  table: [1, u32],
});
