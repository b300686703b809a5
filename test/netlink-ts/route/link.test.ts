import { deepEqual, equal, throws } from "node:assert/strict";
import {
  deleteLink,
  getLink,
  IF_OPER_UP,
  IFF_PROMISC,
  IFF_UP,
  linkData,
  linkMessage,
  linkOverviewMessage,
  newLink,
  renameLink,
  setLink,
  slaveData,
} from "netlink-ts/route/link.ts";
import { linkStats64 } from "netlink-ts/route/link-stats.ts";
import { hex } from "netlink-ts/testing/hex.ts";
import { truncations } from "netlink-ts/testing/truncation.ts";
import { decode } from "netlink-ts/wire/codec.ts";

import { capture, reencodes, refusal, truncates } from "../capture.ts";

const parsed = (name: string) => linkMessage.parse(capture(`route/captures/${name}`));
const dumps = ["link-loopback", "link-bridge", "link-veth-port", "link-macvlan", "link-tap"];

describe("linkMessage", () => {
  it("decodes a bridge", () => {
    const link = parsed("link-bridge");
    const { ifname, group, ifalias, propList, linkInfo, unknown } = link;
    deepEqual(
      { ifname, group, ifalias, propList, kind: linkInfo?.kind, unknown },
      {
        ifname: "br0",
        group: 42,
        ifalias: "pods of web",
        propList: { altIfname: ["lan", "a-longer-name-than-fifteen"] },
        kind: "bridge",
        unknown: undefined,
      },
    );
    const { forwardDelay, stpState, mcastSnooping, groupAddr } = linkData(link, "bridge") ?? {};
    deepEqual(
      { forwardDelay, stpState, mcastSnooping, groupAddr },
      { forwardDelay: 1500, stpState: 0, mcastSnooping: 1, groupAddr: hex("01 80 c2 00 00 00") },
    );
  });
  it("decodes a veth on a bridge, with its peer in another namespace", () => {
    const link = parsed("link-veth-port");
    const { operstate, link: peer, linkNetnsId, mtu, unknown } = link;
    deepEqual(
      { operstate, peer, linkNetnsId, mtu, unknown },
      { operstate: IF_OPER_UP, peer: 2, linkNetnsId: 7, mtu: 1400, unknown: undefined },
    );
    const { mode, isolated, state, learning } = slaveData(link, "bridge") ?? {};
    deepEqual({ mode, isolated, state, learning }, { mode: 1, isolated: 1, state: 3, learning: 1 });
  });
  it("decodes a macvlan", () => {
    deepEqual(linkData(parsed("link-macvlan"), "macvlan"), {
      mode: 4,
      flags: 0,
      macaddrCount: 0,
      bcQueueLen: 500,
      bcQueueLenUsed: 500,
    });
  });
  it("decodes a tap", () => {
    const { type, owner, persist } = linkData(parsed("link-tap"), "tun") ?? {};
    deepEqual({ type, owner, persist }, { type: 2, owner: 1000, persist: 1 });
  });
  it("decodes how IPv6 makes addresses", () => {
    equal(parsed("link-veth-port").afSpec?.inet6?.addrGenMode, 0);
  });
  it("leaves counters for later", () => {
    const stats = decode(
      linkStats64,
      parsed("link-loopback").stats64?.subarray(0, 184) as Uint8Array,
    );
    equal(typeof stats.rxBytes, "bigint");
  });

  it("decodes what ip asks of a veth", () => {
    deepEqual(linkData(parsed("veth-create"), "veth"), {
      peer: {
        family: 0,
        type: 0,
        ifindex: 0,
        flags: 0,
        change: 0,
        mtu: 1400,
        address: hex("02 00 00 00 00 05"),
        numTxQueues: 1,
        numRxQueues: 1,
        ifname: "eth0",
      },
    });
  });
  it("decodes what ip asks of a bridge, a macvlan, an ipvlan and a vrf", () => {
    deepEqual(linkData(parsed("bridge-create"), "bridge"), {
      forwardDelay: 0,
      stpState: 0,
      vlanFiltering: 1,
      mcastSnooping: 0,
    });
    deepEqual(linkData(parsed("macvlan-create"), "macvlan"), { mode: 4, bcQueueLen: 500 });
    deepEqual(linkData(parsed("ipvlan-create"), "ipvlan"), { mode: 2, flags: 1 });
    deepEqual(linkData(parsed("vrf-create"), "vrf"), { table: 1000 });
  });
  it("decodes what ip asks of a vlan", () => {
    deepEqual(linkData(parsed("vlan-create"), "vlan"), {
      protocol: 0x88a8,
      id: 5,
      flags: { flags: 2, mask: 2 },
      ingressQos: { mapping: [{ from: 1, to: 2 }] },
      egressQos: { mapping: [{ from: 3, to: 4 }] },
    });
  });
  it("decodes what ip changes", () => {
    equal(parsed("port-enslave").master, 3);
    deepEqual(
      [parsed("link-up").flags, parsed("link-up").change],
      [IFF_UP | IFF_PROMISC, IFF_UP | IFF_PROMISC],
    );
    deepEqual([parsed("link-alias").ifalias, parsed("link-alias").group], ["hello", 7]);
    equal(parsed("link-rename").ifname, "tap1");
  });

  it("encodes what it decoded to the same bytes", () => {
    for (const name of dumps) {
      reencodes(linkMessage, capture(`route/captures/${name}`));
    }
    for (const name of ["port-enslave", "link-up", "link-rename", "link-delete", "link-get"]) {
      reencodes(linkMessage, capture(`route/captures/${name}`));
    }
  });
  it("encodes what ip orders otherwise to the same values", () => {
    for (const kind of ["veth", "bridge", "macvlan", "ipvlan", "vlan", "vrf", "dummy"]) {
      const value = parsed(`${kind}-create`);
      deepEqual(linkMessage.parse(linkMessage.encode(value)), value);
    }
  });
  it("encodes a veth in one message", () => {
    const peer = { ifname: "eth0", netNsFd: 9 };
    const bytes = linkMessage.encode({ ifname: "v0", linkInfo: { kind: "veth", data: { peer } } });
    deepEqual(
      bytes,
      hex(`
        00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00   # struct ifinfomsg
        07 00 03 00 76 30 00 00                           # IFLA_IFNAME "v0"
        3c 00 12 00                                       # IFLA_LINKINFO
          09 00 01 00 76 65 74 68 00 00 00 00             # IFLA_INFO_KIND "veth"
          2c 00 02 00                                     # IFLA_INFO_DATA
            28 00 01 00                                   # VETH_INFO_PEER
              00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
              09 00 03 00 65 74 68 30 00 00 00 00         # IFLA_IFNAME "eth0"
              08 00 1c 00 09 00 00 00                     # IFLA_NET_NS_FD`),
    );
  });
  it("encodes what it changes of a bridge port in the link's own message", () => {
    const linkInfo = { slaveKind: "bridge", slaveData: { mode: 1 } };
    deepEqual(
      linkMessage.encode({ ifindex: 5, linkInfo }),
      hex(`
        00 00 00 00 05 00 00 00 00 00 00 00 00 00 00 00
        1c 00 12 00                                       # IFLA_LINKINFO
          0b 00 04 00 62 72 69 64 67 65 00 00             # IFLA_INFO_SLAVE_KIND "bridge"
          0c 00 05 00  05 00 04 00 01 00 00 00`), // IFLA_INFO_SLAVE_DATA, IFLA_BRPORT_MODE
    );
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(linkMessage, capture("route/captures/veth-create"), [16, 24, 32, 40, 50, 51, 52]);
    for (const name of dumps) {
      const bytes = capture(`route/captures/${name}`);
      equal(truncations(linkMessage, bytes).accepted.length < 80, true);
    }
  });
  it("names the field of a kind's data", () => {
    const bad = capture("route/captures/vrf-create").slice();
    bad[40] = 7; // length of IFLA_VRF_TABLE
    equal(
      refusal(() => linkMessage.parse(bad)),
      "decode link.linkInfo.data.table at byte 44: want 4 bytes, got 3",
    );
  });
  it("names the peer's field", () => {
    const data = { peer: { mtu: -5 } };
    throws(() => linkMessage.encode({ linkInfo: { kind: "veth", data } }), {
      name: "RangeError",
      message: "encode link.linkInfo.data.peer.mtu: want 0 to 4294967295, got -5",
    });
  });
  it("refuses data of a kind it does not know unless it is bytes", () => {
    const linkInfo = { kind: "vxlan", data: { mode: 1 } };
    throws(() => linkMessage.encode({ linkInfo }), {
      name: "TypeError",
      message: 'nothing describes the payload that "kind" selects',
    });
    deepEqual(
      linkMessage.parse(linkMessage.encode({ linkInfo: { kind: "vxlan", data: hex("01") } }))
        .linkInfo,
      { kind: "vxlan", data: hex("01") },
    );
  });
});

describe("linkOverviewMessage", () => {
  it("decodes kinds and not their data", () => {
    const { ifname, linkInfo } = linkOverviewMessage.parse(
      capture("route/captures/link-veth-port"),
    );
    deepEqual(
      { ifname, linkInfo },
      { ifname: "veth0", linkInfo: { kind: "veth", slaveKind: "bridge" } },
    );
  });
});

describe("linkData", () => {
  it("is undefined for a link of another kind", () => {
    equal(linkData(parsed("link-bridge"), "veth"), undefined);
    equal(linkData(parsed("link-loopback"), "veth"), undefined);
  });
});

describe("slaveData", () => {
  it("is undefined for a link without a master", () => {
    equal(slaveData(parsed("link-bridge"), "bridge"), undefined);
  });
});

describe("newLink, setLink, renameLink, deleteLink, getLink", () => {
  it("are what the kernel calls them", () => {
    deepEqual(
      [newLink, setLink, renameLink, deleteLink, getLink].map(({ name, type, flags }) => [
        name,
        type,
        flags,
      ]),
      [
        ["RTM_NEWLINK", 16, 0x601],
        ["RTM_NEWLINK", 16, 0x001],
        ["RTM_SETLINK", 19, 0x001],
        ["RTM_DELLINK", 17, 0x001],
        ["RTM_GETLINK", 18, 0x001],
      ],
    );
  });
});
