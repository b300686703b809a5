/**
 * macvlan and macvtap: links with MACs of their own on one below.
 * @see include/uapi/linux/if_link.h, enum IFLA_MACVLAN_*
 * @module
 */

import { attributes, repeated, unflagged } from "../../wire/attributes.ts";
import { i32, mac, u16, u32 } from "../../wire/scalars.ts";

/** No packets between links on one below. */
export const MACVLAN_MODE_PRIVATE = 1;
/** Such packets go through the switch outside. */
export const MACVLAN_MODE_VEPA = 2;
/** Such packets go directly. */
export const MACVLAN_MODE_BRIDGE = 4;
/** One link, with the MAC of the one below. */
export const MACVLAN_MODE_PASSTHRU = 8;
/** Packets of listed sources only. */
export const MACVLAN_MODE_SOURCE = 16;

/** IFLA_INFO_DATA of a macvlan. */
export const macvlan = attributes({
  /** IFLA_MACVLAN_MODE: one of MACVLAN_MODE_*. */
  mode: [1, u32],
  /** IFLA_MACVLAN_FLAGS: 1 leaves the link below out of promiscuous mode. */
  flags: [2, u16],
  macaddrMode: [3, u32],
  macaddr: [4, mac],
  macaddrCount: [6, u32],
  /** IFLA_MACVLAN_MACADDR_DATA: source mode's list, of IFLA_MACVLAN_MACADDR. */
  macaddrData: [5, unflagged(attributes({ macaddr: [4, repeated(mac)] }))],
  /** IFLA_MACVLAN_BC_QUEUE_LEN: how many broadcast packets may wait, asked for. */
  bcQueueLen: [7, u32],
  /** IFLA_MACVLAN_BC_QUEUE_LEN_USED: the longest anyone on the link below asked for. */
  bcQueueLenUsed: [8, u32],
  bcCutoff: [9, i32],
});
