/**
 * bridge: VLANs (checklist 6.1). What makes some needs a kernel with VLAN filtering.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply } from "../../runner/trial.ts";
import { type BridgeNetwork, bridgeCase, layer3 } from "./bridge-network.ts";

const spec11 = { version: "1.1.0" } as const; // the keys came with programs that speak it
const filtering = { needs: ["bridge VLAN filtering"] } as const;

const both = "minID and maxID should be configured simultaneously";
const refused: [line: string, what: string, keys: object, says: string][] = [
  ["U-019", "VLAN -100", { vlan: -100 }, "invalid VLAN ID -100 (must be between 0 and 4094)"],
  ["U-019", "VLAN 5000", { vlan: 5000 }, "invalid VLAN ID 5000 (must be between 0 and 4094)"],
  ["U-021", "a trunk without maxID", { vlanTrunk: [{ minID: 5 }] }, `${both}, maxID is missing`],
  ["U-021", "a trunk without minID", { vlanTrunk: [{ maxID: 5 }] }, `${both}, minID is missing`],
  ...[-1, 5000].flatMap((bad): [string, string, object, string][] => [
    [
      "U-022",
      `a trunk from ${bad}`,
      { vlanTrunk: [{ minID: bad, maxID: 10 }] },
      "incorrect trunk minID parameter",
    ],
    [
      "U-022",
      `a trunk to ${bad}`,
      { vlanTrunk: [{ minID: 5, maxID: bad }] },
      "incorrect trunk maxID parameter",
    ],
    ["U-022", `trunk id ${bad}`, { vlanTrunk: [{ id: bad }] }, "incorrect trunk id parameter"],
  ]),
  [
    "U-023",
    "a trunk that ends before it begins",
    { vlanTrunk: [{ minID: 10, maxID: 5 }] },
    "minID is greater than maxID in trunk parameter",
  ],
];

/** VLANs of a link's port, in order; those that are a range one by one. */
function vlansOf(net: BridgeNetwork, ifname: string): { vlan: number; flags: string[] }[] {
  const rows: Reply[] = JSON.parse(net.trial.run("bridge -j vlan show"));
  const all: Reply[] = rows.find((row) => row.ifname === ifname)?.vlans ?? [];
  return all.flatMap(({ vlan, vlanEnd = vlan, flags = [] }) =>
    Array.from({ length: vlanEnd - vlan + 1 }, (_, n) => ({ vlan: vlan + n, flags })),
  );
}

function idsOf(net: BridgeNetwork, ifname: string): number[] {
  return vlansOf(net, ifname).map(({ vlan }) => vlan);
}

function nativeOf(net: BridgeNetwork, ifname: string): number[] {
  const own = vlansOf(net, ifname).filter(({ flags }) => flags.includes("PVID"));
  return own.map(({ vlan }) => vlan);
}

function isFiltering(net: BridgeNetwork): void {
  equal(net.link("bridge0").linkinfo.info_data.vlan_filtering, 1);
}

const span = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);
const trunk = [{ id: 101 }, { minID: 200, maxID: 210 }];

type Ports = [line: string, fact: string, keys: object, ids: number[], native: number[]];
const ports: Ports[] = [
  [
    "U-012",
    "puts the port into its VLAN beside the default one",
    { vlan: 100, preserveDefaultVlan: true },
    [1, 100],
    [100],
  ],
  [
    "U-013",
    "puts the port into its VLAN alone",
    { vlan: 100, preserveDefaultVlan: false },
    [100],
    [100],
  ],
  ["U-014", "carries the VLANs of a trunk", { vlanTrunk: trunk }, [1, 101, ...span(200, 210)], [1]],
  [
    "U-015",
    "carries a trunk beside its own VLAN",
    { vlan: 100, vlanTrunk: trunk, preserveDefaultVlan: true },
    [1, 100, 101, ...span(200, 210)],
    [100],
  ],
  [
    "U-020",
    "takes every form of a trunk",
    { vlanTrunk: [{ id: 7, minID: 20, maxID: 22 }, { id: 5 }] },
    [1, 5, 7, 20, 21, 22],
    [1],
  ],
];

const gateways: [what: string, subnets: string[]][] = [
  ["IPv4", ["10.1.2.0/24"]],
  ["IPv6", ["fd00::/64"]],
  ["both families", ["10.1.2.0/24", "fd00::/64"]],
  ["three ranges", ["192.168.0.0/24", "fd00::/64", "fd01::/64"]],
];

/** The end of the VLAN's gateway that is a port of the bridge. */
function gatewayPort(net: BridgeNetwork, container: string): string {
  const links: Reply[] = net.trial.host.ipJson("-d link");
  const own = links.filter(({ master, ifname }) => master === "bridge0" && ifname !== container);
  equal(own.length, 1, "one port besides the container's");
  return own[0].ifname;
}

function gatewayOfVlan(preserveDefaultVlan: boolean): Case[] {
  return gateways.map(([what, subnets]) => ({
    ...bridgeCase(
      [preserveDefaultVlan ? "U-016" : "U-017"],
      `makes the gateway of a VLAN, ${what}, ${preserveDefaultVlan ? "beside the default VLAN" : "alone in it"}`,
      { ...layer3(...subnets), vlan: 100, preserveDefaultVlan },
      (net) => {
        const host = net.add().interfaces[1].name;
        const wanted = subnets.map((subnet) =>
          subnet.replace(/0\/24|\/64/, (end) => `1${end.replace(/^0/, "")}`),
        );
        deepEqual(net.addresses("bridge0.100").sort(), wanted.sort());
        deepEqual(net.addresses("bridge0"), []);
        equal(net.trial.host.ipJson("link").length, 5);
        for (const port of [host, gatewayPort(net, host)]) {
          deepEqual(idsOf(net, port), preserveDefaultVlan ? [1, 100] : [100], port);
        }
        const [gateway] = net.gateways();
        net.trial.run(`ping -c1 -W5 ${gateway}`, { netns: net.netns });
        net.trial.ok(net.call("DEL"));
        equal(net.link(host), undefined);
      },
    ),
    ...spec11,
    ...filtering,
  }));
}

export const cases: readonly Case[] = [
  ...refused.map(([line, what, keys, says]) => ({
    ...bridgeCase([line], `refuses ${what}`, keys, (net) => {
      net.trial.unchanged(() => net.trial.fails(net.call("ADD"), undefined, says));
    }),
    ...spec11,
  })),
  bridgeCase(["U-019"], "takes VLAN 0 for none", { vlan: 0 }, (net) => {
    net.add();
    equal(net.link("bridge0").linkinfo.info_data.vlan_filtering ?? 0, 0);
  }),
  ...ports.map(([line, fact, keys, ids, native]) => ({
    ...bridgeCase([line], fact, keys, (net) => {
      net.add();
      isFiltering(net);
      const { ifname } = net.port;
      deepEqual(idsOf(net, ifname), ids);
      deepEqual(nativeOf(net, ifname), native);
    }),
    ...spec11,
    ...filtering,
  })),
  ...gatewayOfVlan(true),
  ...gatewayOfVlan(false),
];
