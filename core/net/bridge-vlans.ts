/**
 * VLANs of bridge ports.
 * @see bridge(8) "bridge vlan", include/uapi/linux/if_bridge.h
 * @module
 */

import { type Call, call } from "netlink-ts/netlink/request.ts";
import {
  BRIDGE_FLAGS_MASTER,
  BRIDGE_VLAN_INFO_PVID,
  BRIDGE_VLAN_INFO_RANGE_BEGIN,
  BRIDGE_VLAN_INFO_RANGE_END,
  BRIDGE_VLAN_INFO_UNTAGGED,
  type BridgeVlan,
  deleteBridgeVlan,
  setBridgeLink,
} from "netlink-ts/route/bridge-link.ts";
import { AF_BRIDGE } from "netlink-ts/route/family.ts";

/** What a port without an access VLAN, but with tagged ones, has for packets without a tag. */
const NATIVE_VLAN = 1;

/** VLANs of a port, as they are asked for. */
export interface WantedVlans {
  /** The VLAN of packets without a tag; 0 for none. */
  access: number;
  /** Tagged ones, ascending. */
  trunk: readonly number[];
}

/** The VLAN entries of a port; ranges are two entries, first and last. None when no VLAN is asked for. */
export function portVlans({ access, trunk }: WantedVlans): BridgeVlan[] {
  const native = access === 0 && trunk.length > 0 ? NATIVE_VLAN : access;
  if (native === 0) return [];
  const untagged = { flags: BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED, vid: native };
  return [untagged, ...ranges(trunk.filter((vid) => vid !== native))];
}

function ranges(vids: readonly number[]): BridgeVlan[] {
  const runs: [first: number, last: number][] = [];
  for (const vid of vids) {
    const run = runs.at(-1);
    if (run?.[1] === vid - 1) run[1] = vid;
    else runs.push([vid, vid]);
  }
  return runs.flatMap(([first, last]) =>
    first === last
      ? [{ flags: 0, vid: first }]
      : [
          { flags: BRIDGE_VLAN_INFO_RANGE_BEGIN, vid: first },
          { flags: BRIDGE_VLAN_INFO_RANGE_END, vid: last },
        ],
  );
}

/**
 * Requests that give a port exactly these VLANs.
 * @param present VLANs to take away before: what the bridge gave its new port
 */
export function vlanCalls(
  ifindex: number,
  wanted: readonly BridgeVlan[],
  present: readonly number[],
): Call[] {
  const calls: Call[] = [];
  const port = { family: AF_BRIDGE, ifindex };
  if (present.length > 0) {
    const vlanInfo = present.map((vid) => ({ flags: 0, vid }));
    calls.push(call(deleteBridgeVlan, { ...port, afSpec: master(vlanInfo) }));
  }
  if (wanted.length > 0) {
    calls.push(call(setBridgeLink, { ...port, afSpec: master([...wanted]) }));
  }
  return calls;
}

function master(vlanInfo: BridgeVlan[]): { flags: number; vlanInfo: BridgeVlan[] } {
  return { flags: BRIDGE_FLAGS_MASTER, vlanInfo };
}

/** Single VLANs of what a port has or shall have, as `100 pvid untagged` each: for comparing. */
export function describeVlans(vlans: readonly BridgeVlan[]): string[] {
  const described: string[] = [];
  let first = 0;
  for (const { flags, vid } of vlans) {
    if ((flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) !== 0) {
      first = vid;
      continue;
    }
    const from = (flags & BRIDGE_VLAN_INFO_RANGE_END) !== 0 ? first : vid;
    const pvid = (flags & BRIDGE_VLAN_INFO_PVID) !== 0 ? " pvid" : "";
    const untagged = (flags & BRIDGE_VLAN_INFO_UNTAGGED) !== 0 ? " untagged" : "";
    for (let each = from; each <= vid; each++) described.push(`${each}${pvid}${untagged}`);
  }
  return described;
}
