import { deepEqual } from "node:assert/strict";
import { bridgeLinkMessage } from "netlink-ts/route/bridge-link.ts";
import { hex } from "netlink-ts/testing/hex.ts";
import { describeVlans, portVlans, vlanCalls } from "../../../core/net/bridge-vlans.ts";

describe("portVlans", () => {
  it("has none when none is asked for", () => deepEqual(portVlans({ access: 0, trunk: [] }), []));

  it("U-014: has VLAN 1 for packets without a tag beside tagged ones", () => {
    const vlans = portVlans({ access: 0, trunk: [101, 200, 201, 202] });
    deepEqual(vlans, [
      { flags: 6, vid: 1 },
      { flags: 0, vid: 101 },
      { flags: 8, vid: 200 },
      { flags: 16, vid: 202 },
    ]);
    deepEqual(describeVlans(vlans), ["1 pvid untagged", "101", "200", "201", "202"]);
  });

  it("U-015: has the access VLAN without a tag, also when it stands in the trunk", () => {
    const vlans = portVlans({ access: 100, trunk: [99, 100, 101] });
    deepEqual(describeVlans(vlans), ["100 pvid untagged", "99", "101"]);
  });

  it("says all of 1 to 4094 in three entries", () => {
    const trunk = Array.from({ length: 4094 }, (_, index) => index + 1);
    deepEqual(portVlans({ access: 0, trunk }).length, 3);
  });
});

describe("vlanCalls", () => {
  const encoded = (present: number[]) =>
    vlanCalls(7, portVlans({ access: 100, trunk: [200, 201] }), present).map(
      ({ request, value }) => ({
        name: request.name,
        bytes: bridgeLinkMessage.encode(value as object),
      }),
    );

  it("takes away what the bridge gave, then adds", () => {
    deepEqual(encoded([1]), [
      {
        // bridge vlan del vid 1 dev eth0 master
        name: "RTM_DELLINK",
        bytes: hex(`
          07 00 00 00  07 00 00 00  00 00 00 00  00 00 00 00   # ifinfomsg: AF_BRIDGE, ifindex 7
          14 00 1a 00                                          # IFLA_AF_SPEC
          06 00 00 00  01 00 00 00                             # IFLA_BRIDGE_FLAGS: MASTER, and padding
          08 00 02 00  00 00 01 00                             # IFLA_BRIDGE_VLAN_INFO: vid 1`),
      },
      {
        // bridge vlan add vid 100 dev eth0 pvid untagged master; bridge vlan add vid 200-201 dev eth0 master
        name: "RTM_SETLINK",
        bytes: hex(`
          07 00 00 00  07 00 00 00  00 00 00 00  00 00 00 00
          24 00 1a 00
          06 00 00 00  01 00 00 00
          08 00 02 00  06 00 64 00                             # PVID | UNTAGGED, vid 100
          08 00 02 00  08 00 c8 00                             # RANGE_BEGIN, vid 200
          08 00 02 00  10 00 c9 00                             # RANGE_END, vid 201`),
      },
    ]);
  });

  it("only adds when the default VLAN is kept", () => {
    deepEqual(
      encoded([]).map(({ name }) => name),
      ["RTM_SETLINK"],
    );
  });
});
