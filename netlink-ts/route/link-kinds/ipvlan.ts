/**
 * ipvlan and ipvtap: links that share the MAC of the one below.
 * @see include/uapi/linux/if_link.h, enum IFLA_IPVLAN_*
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u16 } from "../../wire/scalars.ts";

/** Switches as a bridge would. */
export const IPVLAN_MODE_L2 = 0;
/** Routes; no broadcast. */
export const IPVLAN_MODE_L3 = 1;
/** As L3, through the host's netfilter. */
export const IPVLAN_MODE_L3S = 2;

/** IFLA_INFO_DATA of an ipvlan. */
export const ipvlan = attributes({
  /** IFLA_IPVLAN_MODE: one of IPVLAN_MODE_*. */
  mode: [1, u16],
  /** IFLA_IPVLAN_FLAGS: 0 bridge, 1 private, 2 VEPA. */
  flags: [2, u16],
});
