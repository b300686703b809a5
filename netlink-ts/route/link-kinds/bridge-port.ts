/**
 * A bridge's port: the same attributes as IFLA_INFO_SLAVE_DATA of the link and as IFLA_PROTINFO in AF_BRIDGE.
 * @see include/uapi/linux/if_link.h, enum IFLA_BRPORT_*
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { bytes, flag, u8, u16, u32, u64 } from "../../wire/scalars.ts";

/** u8 fields are 0 or 1 unless said; times in 1/100 s. */
export const bridgePort = attributes({
  /** IFLA_BRPORT_STATE: 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking. */
  state: [1, u8],
  priority: [2, u16],
  cost: [3, u32],
  /** IFLA_BRPORT_MODE: hairpin, packets may leave through the port they came in by. */
  mode: [4, u8],
  /** IFLA_BRPORT_GUARD: the port is shut when it hears a BPDU. */
  guard: [5, u8],
  /** IFLA_BRPORT_PROTECT: the port never becomes the root port. */
  protect: [6, u8],
  fastLeave: [7, u8],
  mcastToUcast: [28, u8],
  learning: [8, u8],
  unicastFlood: [9, u8],
  mcastFlood: [27, u8],
  bcastFlood: [30, u8],
  proxyarp: [10, u8],
  learningSync: [11, u8],
  proxyarpWifi: [12, u8],
  rootId: [13, bytes],
  bridgeId: [14, bytes],
  designatedPort: [15, u16],
  designatedCost: [16, u16],
  id: [17, u16],
  no: [18, u16],
  topologyChangeAck: [19, u8],
  configPending: [20, u8],
  vlanTunnel: [29, u8],
  groupFwdMask: [31, u16],
  neighSuppress: [32, u8],
  mrpRingOpen: [35, u8],
  mrpInOpen: [36, u8],
  /** IFLA_BRPORT_ISOLATED: no packets between this port and other isolated ones. */
  isolated: [33, u8],
  /** IFLA_BRPORT_LOCKED: only addresses entered by hand are let in. */
  locked: [39, u8],
  mab: [40, u8],
  neighVlanSuppress: [43, u8],
  messageAgeTimer: [21, u64],
  forwardDelayTimer: [22, u64],
  holdTimer: [23, u64],
  flush: [24, flag],
  multicastRouter: [25, u8],
  mcastEhtHostsLimit: [37, u32],
  mcastEhtHostsCnt: [38, u32],
  mcastNGroups: [41, u32],
  mcastMaxGroups: [42, u32],
  backupPort: [34, u32],
  backupNhid: [44, u32],
});
