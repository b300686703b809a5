/**
 * vlan: what carries one tag on the link below.
 * @see include/uapi/linux/if_link.h, enum IFLA_VLAN_*; include/uapi/linux/if_vlan.h
 * @module
 */

import { attributes, repeated, unflagged } from "../../wire/attributes.ts";
import { u16, u16be, u32 } from "../../wire/scalars.ts";
import { struct } from "../../wire/struct.ts";

/** IFLA_VLAN_QOS_MAPPING: struct ifla_vlan_qos_mapping. */
const mappings = unflagged(attributes({ mapping: [1, repeated(struct({ from: u32, to: u32 }))] }));

/** IFLA_INFO_DATA of a vlan. */
export const vlan = attributes({
  /** IFLA_VLAN_PROTOCOL: 0x8100 unless given (802.1Q), or 0x88a8. */
  protocol: [5, u16be],
  /** IFLA_VLAN_ID: 0 to 4095. */
  id: [1, u16],
  /** IFLA_VLAN_FLAGS: struct ifla_vlan_flags. 1 reorders the header, 2 GVRP, 4 loose binding, 8 MVRP. */
  flags: [2, struct({ flags: u32, mask: u32 })],
  ingressQos: [4, mappings],
  egressQos: [3, mappings],
});
