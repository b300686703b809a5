/**
 * The header of an Ethernet frame, as a packet socket hands it over: without VLAN tag.
 * @module
 */

import type { Decoded } from "netlink-ts/wire/codec.ts";
import { fixed, u16be } from "netlink-ts/wire/scalars.ts";
import { struct } from "netlink-ts/wire/struct.ts";

/** include/uapi/linux/if_ether.h */
export const ETH_P_IP = 0x0800;
/** include/uapi/linux/if_ether.h */
export const ETH_P_ARP = 0x0806;

/** struct ethhdr: destination and source, 6 bytes each, and ETH_P_*. */
export const ethernetHeader = struct({ destination: fixed(6), source: fixed(6), protocol: u16be });
export type EthernetHeader = Decoded<typeof ethernetHeader>;

/** Everybody on the link. */
export const broadcastMac = new Uint8Array(6).fill(0xff);
