import { deepEqual, equal, throws } from "node:assert/strict";
import {
  appendRoute,
  deleteRoute,
  getRoute,
  newRoute,
  prependRoute,
  RTN_UNICAST,
  RTNH_F_ONLINK,
  replaceRoute,
  routeMessage,
} from "netlink-ts/route/route.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, reencodesInTableOrder, refusal, truncates } from "../capture.ts";

const parsed = (name: string) => routeMessage.parse(capture(`route/captures/${name}`));

describe("routeMessage", () => {
  it("decodes a default route", () => {
    deepEqual(parsed("route-add-default"), {
      family: 2,
      dstLength: 0,
      srcLength: 0,
      tos: 0,
      headerTable: 254,
      protocol: 3,
      scope: 0,
      type: RTN_UNICAST,
      flags: 0,
      gateway: hex("0a 01 00 01"),
      prefSrc: hex("0a 01 00 05"),
    });
  });
  it("decodes metrics and a table over 255", () => {
    const { table, headerTable, priority, metrics, protocol } = parsed("route-add-metrics");
    deepEqual(
      { table, headerTable, priority, metrics, protocol },
      {
        table: 1000,
        headerTable: 0,
        priority: 7,
        metrics: { mtu: 1300, advmss: 1200 },
        protocol: 4,
      },
    );
  });
  it("decodes several next hops", () => {
    deepEqual(parsed("route-add-multipath").multipath, [
      { flags: 0, hops: 0, ifindex: 2, gateway: hex("0a 01 00 01") },
      { flags: 0, hops: 2, ifindex: 2, gateway: hex("0a 01 00 02") },
    ]);
  });
  it("decodes a next hop that is on the link", () => {
    equal(parsed("route-add-onlink").flags, RTNH_F_ONLINK);
  });
  it("decodes a gateway of another family", () => {
    deepEqual(parsed("route-via-v6").via, {
      family: 10,
      address: hex("fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01"),
    });
  });
  it("decodes what the kernel shows of IPv6", () => {
    const { priority, pref, cacheInfo, unknown } = parsed("route-v6");
    deepEqual({ priority, pref, unknown }, { priority: 50, pref: 0, unknown: undefined });
    equal(cacheInfo?.error, 0);
  });
  it("encodes what it decoded to the same bytes", () => {
    const same = ["default", "metrics", "multipath", "via-v6", "v6", "v6-prefix", "del", "get"];
    for (const name of [...same, "add-multipath", "add-onlink", "add-via-v6"]) {
      reencodes(routeMessage, capture(`route/captures/route-${name}`));
    }
  });
  it("encodes what ip orders otherwise to the same values", () => {
    for (const name of ["add-default", "add-metrics", "add-v6"]) {
      reencodesInTableOrder(routeMessage, capture(`route/captures/route-${name}`));
    }
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(routeMessage, capture("route/captures/route-metrics"), [12, 20, 28, 36, 56, 64]);
    truncates(routeMessage, capture("route/captures/route-multipath"), [12, 20, 28]);
  });
  it("refuses a next hop of no length", () => {
    const bad = hex("02 10 00 00 fe 03 00 01 00 00 00 00  0c 00 09 00 00 00 00 00 02 00 00 00");
    equal(
      refusal(() => routeMessage.parse(bad)),
      "decode route.multipath.0 at byte 16: want a next hop length of 8 to 8, got 0",
    );
  });
  it("refuses a next hop whose gateway is none", () => {
    const bad = capture("route/captures/route-add-multipath").slice();
    bad[32] = 7; // length of the first RTA_GATEWAY
    equal(
      refusal(() => routeMessage.parse(bad)),
      "decode route.multipath.0.gateway at byte 36: want 4 or 16 bytes, got 3",
    );
  });
  it("names the next hop that does not fit", () => {
    const hop = { flags: 0, hops: 300, ifindex: 2 };
    throws(() => routeMessage.encode({ multipath: [{ ...hop, hops: 1 }, hop] }), {
      name: "RangeError",
      message: "encode route.multipath.1.hops: want 0 to 255, got 300",
    });
  });
});

describe("newRoute, appendRoute, prependRoute, replaceRoute, deleteRoute, getRoute", () => {
  it("are what the kernel calls them", () => {
    const all = [newRoute, appendRoute, prependRoute, replaceRoute, deleteRoute, getRoute];
    deepEqual(
      all.map(({ type, flags }) => [type, flags]),
      [
        [24, 0x601],
        [24, 0xc01],
        [24, 0x401],
        [24, 0x501],
        [25, 0x001],
        [26, 0x001],
      ],
    );
  });
});
