/**
 * Bridges and their ports in AF_BRIDGE: port settings and VLANs. RTM_SETLINK, RTM_DELLINK, RTM_GETLINK.
 * @see include/uapi/linux/if_bridge.h, bridge(8)
 * @module
 */

import { request } from "../netlink/request.ts";
import { attributes, repeated, unflagged } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { bytes, cstring, u8, u16, u32 } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";
import { ifinfomsg } from "./link-attributes.ts";
import { bridgePort } from "./link-kinds/bridge-port.ts";
import { RTM_DELLINK, RTM_GETLINK, RTM_SETLINK } from "./message-types.ts";

/** In `afSpec.flags`: the bridge that the port belongs to does it; so it is when no flag is given. */
export const BRIDGE_FLAGS_MASTER = 1;
/** The device itself does it. */
export const BRIDGE_FLAGS_SELF = 2;

/** In `flags` of a VLAN: its packets come in without a tag. */
export const BRIDGE_VLAN_INFO_PVID = 2;
/** Its packets leave without a tag. */
export const BRIDGE_VLAN_INFO_UNTAGGED = 4;
/** The first of a range; its last is the next entry. */
export const BRIDGE_VLAN_INFO_RANGE_BEGIN = 8;
/** The last of a range. */
export const BRIDGE_VLAN_INFO_RANGE_END = 16;

/** struct bridge_vlan_info. `flags` are BRIDGE_VLAN_INFO_* bits, `vid` 1 to 4094. */
const vlanInfo = struct({ flags: u16, vid: u16 });

/** IFLA_AF_SPEC in AF_BRIDGE. */
const bridgeSpec = attributes({
  /** IFLA_BRIDGE_FLAGS: BRIDGE_FLAGS_* bits. */
  flags: [0, u16],
  mode: [1, u16],
  /** IFLA_BRIDGE_VLAN_INFO: one a VLAN, or two a range. */
  vlanInfo: [2, repeated(vlanInfo)],
  vlanTunnelInfo: [3, repeated(bytes)],
});

/** Payload of the RTM_*LINK messages with family AF_BRIDGE; `ifindex` is the port's or the bridge's. */
export const bridgeLinkMessage = message(
  "bridgeLink",
  ifinfomsg,
  attributes({
    /** IFLA_EXT_MASK: RTEXT_FILTER_BRVLAN and the like; only in requests. */
    extMask: [29, u32],
    ifname: [3, cstring],
    master: [10, u32],
    mtu: [4, u32],
    operstate: [16, u8],
    address: [1, bytes],
    link: [5, u32],
    /** IFLA_PROTINFO: settings of the port. */
    protInfo: [12, bridgePort],
    /** IFLA_AF_SPEC */
    afSpec: [26, unflagged(bridgeSpec)],
  }),
);
export type BridgeLinkMessage = Decoded<typeof bridgeLinkMessage>;
export type BridgeLinkInput = MessageInput<typeof bridgeLinkMessage>;
export type BridgeVlan = Decoded<typeof vlanInfo>;

/** Changes settings of a port (`protInfo`) or adds VLANs (`afSpec`). Same as `bridge link set` and `bridge vlan add`. */
export const setBridgeLink = request(RTM_SETLINK, 0, bridgeLinkMessage);
/** Deletes VLANs (`afSpec`). Same as `bridge vlan del`. */
export const deleteBridgeVlan = request(RTM_DELLINK, 0, bridgeLinkMessage);
/** Gets bridges and ports, as a dump; with their VLANs when `extMask` says so. Same as `bridge vlan show`. */
export const getBridgeLink = request(RTM_GETLINK, 0, bridgeLinkMessage);
