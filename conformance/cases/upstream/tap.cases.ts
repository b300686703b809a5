/**
 * tap (checklist 6.8).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { BridgeNetwork } from "./bridge-network.ts";
import {
  attachesIn,
  inNewVersions,
  isReady,
  type LinkProgram,
  linkCase,
  pool,
  tellsOfLink,
  versions,
} from "./link-network.ts";

const tap: LinkProgram = { program: "tap", needs: ["tap"], keys: { owner: 0, group: 0 } };
const mac = "02:00:00:00:00:87";

/** A bridge in the container. */
function makeBridge(net: BridgeNetwork): void {
  net.trial.run("ip link add br1 type bridge", { netns: net.netns });
}

const settings: [fact: string, keys: object][] = [
  ["without owner and group", { owner: undefined, group: undefined }],
  ["beside owner and group", {}],
];

export const cases: readonly Case[] = [
  ...versions.map((each) => attachesIn(tap, ["U-082", "U-083", "U-084"], each)),
  {
    ...linkCase(tap, ["U-082"], "makes a tap of that owner and group", { ipam: pool }, (net) => {
      const { linkinfo, flags } = tellsOfLink(net, net.add());
      const { type, persist } = linkinfo.info_data;
      deepEqual([linkinfo.info_kind, type, persist], ["tun", "tap", true]);
      ok(flags.includes("UP"));
    }),
    version: "0.3.0",
  },
  ...inNewVersions(
    { ...tap, prepare: makeBridge },
    ["U-085"],
    "makes it a port of a bridge of the container",
    { bridge: "br1" },
    (net, result, del) => {
      equal(tellsOfLink(net, result).master, "br1");
      del();
      equal(net.link("eth0", net.netns), undefined);
      del();
    },
  ),
  isReady(tap, "U-086"),
  linkCase(tap, ["U-087"], "has several queues", { multiQueue: true, ipam: pool }, (net) => {
    net.add();
    ok(net.link("eth0", net.netns).linkinfo.info_data.multi_queue);
  }),
  ...settings.map(([what, keys]) =>
    linkCase(
      tap,
      ["U-087"],
      `has the MAC address and the MTU ${what}`,
      { ...keys, mac, mtu: 1400, ipam: pool },
      (net) => {
        net.add();
        const { address, mtu } = net.link("eth0", net.netns);
        deepEqual([address, mtu], [mac, 1400]);
      },
    ),
  ),
  linkCase(
    tap,
    ["U-087"],
    "fails over a label that cannot be had, and leaves nothing",
    { selinuxContext: "system_u:system_r:nobody_t:s0", ipam: pool },
    (net) => {
      net.trial.leavesNothing(() => net.trial.fails(net.call("ADD")), net.netns);
    },
  ),
];
