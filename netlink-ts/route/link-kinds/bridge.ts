/**
 * bridge: a switch between its ports.
 * @see include/uapi/linux/if_link.h, enum IFLA_BR_*
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { bytes, flag, mac, u8, u16, u16be, u32, u64 } from "../../wire/scalars.ts";
import { struct } from "../../wire/struct.ts";

/** struct br_boolopt_multi: bits to change and what to change them to. 1 no_ll_learn, 2 multicast VLAN snooping, 4 MST. */
const boolOptions = struct({ value: u32, mask: u32 });

/** IFLA_INFO_DATA of a bridge. Times in 1/100 s; u8 fields are 0 or 1 unless said. Ids: priority, then MAC. */
export const bridge = attributes({
  helloTimer: [16, u64],
  tcnTimer: [17, u64],
  topologyChangeTimer: [18, u64],
  gcTimer: [19, u64],
  /** IFLA_BR_FORWARD_DELAY: how long a port listens and learns; 1500 unless set. */
  forwardDelay: [1, u32],
  helloTime: [2, u32],
  maxAge: [3, u32],
  /** IFLA_BR_AGEING_TIME: how long an address is remembered; 30000 unless set. */
  ageingTime: [4, u32],
  /** IFLA_BR_STP_STATE: 0 off, 1 kernel, 2 a daemon. */
  stpState: [5, u32],
  priority: [6, u16],
  /** IFLA_BR_VLAN_FILTERING: EOPNOTSUPP where the kernel was built without. */
  vlanFiltering: [7, u8],
  groupFwdMask: [9, u16],
  bridgeId: [11, bytes],
  rootId: [10, bytes],
  rootPort: [12, u16],
  rootPathCost: [13, u32],
  topologyChange: [14, u8],
  topologyChangeDetected: [15, u8],
  groupAddr: [20, mac],
  multiBoolopt: [46, boolOptions],
  fdbNLearned: [48, u32],
  /** IFLA_BR_FDB_MAX_LEARNED: 0 is no limit. */
  fdbMaxLearned: [49, u32],
  /** IFLA_BR_VLAN_PROTOCOL: 0x8100 or 0x88a8. */
  vlanProtocol: [8, u16be],
  /** IFLA_BR_VLAN_DEFAULT_PVID: 0 is none, 1 unless set. */
  vlanDefaultPvid: [39, u16],
  vlanStatsEnabled: [41, u8],
  vlanStatsPerPort: [45, u8],
  fdbFlush: [21, flag],
  mcastRouter: [22, u8],
  mcastSnooping: [23, u8],
  mcastQueryUseIfaddr: [24, u8],
  mcastQuerier: [25, u8],
  mcastStatsEnabled: [42, u8],
  mcastHashElasticity: [26, u32],
  mcastHashMax: [27, u32],
  mcastLastMemberCnt: [28, u32],
  mcastStartupQueryCnt: [29, u32],
  /** IFLA_BR_MCAST_IGMP_VERSION: 2 or 3. */
  mcastIgmpVersion: [43, u8],
  /** IFLA_BR_MCAST_MLD_VERSION: 1 or 2. */
  mcastMldVersion: [44, u8],
  mcastLastMemberIntvl: [30, u64],
  mcastMembershipIntvl: [31, u64],
  mcastQuerierIntvl: [32, u64],
  mcastQueryIntvl: [33, u64],
  mcastQueryResponseIntvl: [34, u64],
  mcastStartupQueryIntvl: [35, u64],
  mcastQuerierState: [47, bytes],
  /** IFLA_BR_NF_CALL_IPTABLES: bridged packets pass the IPv4 hooks, whatever the sysctl says. */
  nfCallIptables: [36, u8],
  nfCallIp6tables: [37, u8],
  nfCallArptables: [38, u8],
});
