/**
 * tun: packets or frames to and from a process. Made through /dev/net/tun, so this is read only.
 * @see include/uapi/linux/if_link.h, enum IFLA_TUN_*
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u8, u32 } from "../../wire/scalars.ts";

/** IFLA_INFO_DATA of a tun or tap. u8 fields but `type` are 0 or 1. */
export const tun = attributes({
  /** IFLA_TUN_TYPE: 1 tun, 2 tap. */
  type: [3, u8],
  /** IFLA_TUN_OWNER: user id that may open it; absent when anyone may. */
  owner: [1, u32],
  group: [2, u32],
  pi: [4, u8],
  vnetHeader: [5, u8],
  persist: [6, u8],
  multiQueue: [7, u8],
  numQueues: [8, u32],
  numDisabledQueues: [9, u32],
});
