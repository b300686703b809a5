import { deepEqual, equal } from "node:assert/strict";
import {
  BRIDGE_FLAGS_MASTER,
  BRIDGE_VLAN_INFO_PVID,
  BRIDGE_VLAN_INFO_RANGE_BEGIN,
  BRIDGE_VLAN_INFO_RANGE_END,
  BRIDGE_VLAN_INFO_UNTAGGED,
  bridgeLinkMessage,
  deleteBridgeVlan,
  getBridgeLink,
  setBridgeLink,
} from "netlink-ts/route/bridge-link.ts";
import { RTEXT_FILTER_BRVLAN } from "netlink-ts/route/link.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, refusal, truncates } from "../capture.ts";

const parsed = (name: string) => bridgeLinkMessage.parse(capture(`route/captures/${name}`));

describe("bridgeLinkMessage", () => {
  // RTM_NEWLINK as a kernel with VLAN filtering lists it (include/uapi/linux/if_bridge.h, struct bridge_vlan_info)
  const vlans = hex(`
    07 00 01 00 06 00 00 00 43 10 01 00 00 00 00 00   # AF_BRIDGE, Ethernet, ifindex 6
    0a 00 03 00 76 65 74 68 30 00 00 00               # IFLA_IFNAME "veth0"
    08 00 0a 00 03 00 00 00                           # IFLA_MASTER
    1c 00 1a 00                                       # IFLA_AF_SPEC
      08 00 02 00 06 00 0a 00                         # IFLA_BRIDGE_VLAN_INFO 10, PVID, untagged
      08 00 02 00 08 00 64 00                         # IFLA_BRIDGE_VLAN_INFO from 100
      08 00 02 00 10 00 c8 00                         # IFLA_BRIDGE_VLAN_INFO to 200`);

  it("decodes a port's settings", () => {
    const { ifname, master, protInfo, unknown } = parsed("bridge-link-veth-port");
    const { mode, isolated, state } = protInfo ?? {};
    deepEqual(
      { ifname, master, mode, isolated, state, unknown },
      { ifname: "veth0", master: 3, mode: 1, isolated: 1, state: 3, unknown: undefined },
    );
  });
  it("decodes what bridge changes", () => {
    deepEqual(parsed("bridge-link-set").protInfo, { mode: 1, isolated: 1 });
  });
  it("decodes what bridge adds and deletes", () => {
    const vlanInfo = [{ flags: BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED, vid: 10 }];
    deepEqual(parsed("bridge-vlan-add").afSpec, { vlanInfo });
    deepEqual(parsed("bridge-vlan-del").afSpec, { vlanInfo: [{ flags: 0, vid: 10 }] });
    deepEqual(parsed("bridge-vlan-add-range").afSpec, {
      flags: BRIDGE_FLAGS_MASTER,
      vlanInfo: [
        { flags: BRIDGE_VLAN_INFO_RANGE_BEGIN, vid: 100 },
        { flags: BRIDGE_VLAN_INFO_RANGE_END, vid: 200 },
      ],
    });
  });
  it("decodes a list of VLANs", () => {
    deepEqual(bridgeLinkMessage.parse(vlans).afSpec?.vlanInfo, [
      { flags: 6, vid: 10 },
      { flags: 8, vid: 100 },
      { flags: 16, vid: 200 },
    ]);
  });
  it("decodes what bridge asks to list", () => {
    equal(parsed("bridge-vlan-list").extMask, RTEXT_FILTER_BRVLAN);
  });
  it("encodes what it decoded to the same bytes", () => {
    for (const name of [
      "link-veth-port",
      "link-set",
      "vlan-add",
      "vlan-add-range",
      "vlan-del",
      "vlan-list",
    ]) {
      reencodes(bridgeLinkMessage, capture(`route/captures/bridge-${name}`));
    }
    reencodes(bridgeLinkMessage, vlans);
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(bridgeLinkMessage, vlans, [16, 26, 27, 28, 36]);
    truncates(bridgeLinkMessage, capture("route/captures/bridge-vlan-add"), [16]);
  });
  it("refuses half a VLAN", () => {
    const bad = vlans.slice();
    bad[40] = 6;
    equal(
      refusal(() => bridgeLinkMessage.parse(bad)),
      "decode bridgeLink.afSpec.vlanInfo at byte 44: want 4 bytes, got 2",
    );
  });
});

describe("setBridgeLink, deleteBridgeVlan, getBridgeLink", () => {
  it("are what the kernel calls them", () => {
    deepEqual(
      [setBridgeLink, deleteBridgeVlan, getBridgeLink].map(({ name, type }) => [name, type]),
      [
        ["RTM_SETLINK", 19],
        ["RTM_DELLINK", 17],
        ["RTM_GETLINK", 18],
      ],
    );
  });
});
