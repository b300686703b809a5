/**
 * bridge: VLANs of ports and their gateways (checklist 6.1), for kernels that filter VLANs.
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply } from "../../runner/trial.ts";
import { type BridgeNetwork, bridgeCase, layer3 } from "./bridge-network.ts";

const needs = ["bridge VLAN filtering"] as const;
const native = "PVID Egress Untagged";
const trunk = [{ id: 101 }, { minID: 200, maxID: 210 }];
const tagged = ["101", ...Array.from({ length: 11 }, (_, index) => `${200 + index}`)];
const beside1 = ["1 Egress Untagged", `100 ${native}`];

/** Each VLAN of a link with its flags, as `bridge` calls them. */
function vlansOf(net: BridgeNetwork, ifname: string): string[] {
  const text = net.trial.host.ok(["bridge", "-j", "vlan", "show", "dev", ifname]);
  const [row] = JSON.parse(text || "[]");
  return (row?.vlans ?? []).map(({ vlan, flags = [] }: Reply) => [vlan, ...flags].join(" "));
}

const layer2: Case[] = (
  [
    ["U-012", "puts the port into its VLAN and keeps the default one", {}, beside1],
    [
      "U-013",
      "puts the port into its VLAN alone",
      { preserveDefaultVlan: false },
      [`100 ${native}`],
    ],
    [
      "U-014",
      "lets the VLANs of a trunk through, with VLAN 1 for packets without a tag",
      { vlan: 0, vlanTrunk: trunk },
      [`1 ${native}`, ...tagged],
    ],
    [
      "U-015",
      "lets the VLANs of a trunk through, with its VLAN for packets without a tag",
      { vlanTrunk: trunk },
      [...beside1, ...tagged],
    ],
  ] as const
).map(([line, fact, keys, vlans]) => ({
  ...bridgeCase([line], fact, { vlan: 100, preserveDefaultVlan: true, ...keys }, (net) => {
    net.add();
    equal(net.link("bridge0").linkinfo.info_data.vlan_filtering, 1);
    deepEqual(vlansOf(net, net.port.ifname), vlans);
  }),
  needs,
}));

const networks: [string, string[]][] = [
  ["IPv4", ["10.1.2.0/24"]],
  ["IPv6", ["2001:db8::/64"]],
  ["both families", ["192.168.0.0/24", "fd00::/64"]],
  ["three ranges", ["192.168.0.0/24", "fd00::/64", "fd01::/64"]],
];

function hasGateway(net: BridgeNetwork, subnets: readonly string[], vlans: string[]): void {
  const { interfaces } = net.add();
  const names = interfaces.map(({ name }: Reply) => name);
  ok(names.includes("bridge0.100"), `interfaces: ${names}`);
  const links: Reply[] = net.trial.host.ipJson("-d link");
  equal(links.length, 5);
  const wanted = subnets.map((subnet) =>
    subnet.replace(/0?\//, (end) => end.replace(/0?\//, "1/")),
  );
  deepEqual(new Set(net.addresses("bridge0.100")), new Set(wanted));
  const ports = links.filter(({ master }) => master === "bridge0");
  deepEqual(
    ports.map(({ ifname }) => vlansOf(net, ifname)),
    [vlans, vlans],
  );
  const gateways = wanted.map((address) => address.replace(/\/.*/, ""));
  ok(net.gateways().includes(gateways[0] ?? ""), `default routes: ${net.gateways()}`);
  for (const gateway of gateways) {
    net.trial.run(`ping -c1 -W5 ${gateway}`, { netns: net.netns });
  }
}

const gateways: Case[] = networks.flatMap(([what, subnets]) =>
  (
    [
      ["U-016", "default VLAN kept", true, beside1],
      ["U-017", "one VLAN alone", false, [`100 ${native}`]],
    ] as const
  ).map(([line, which, preserveDefaultVlan, vlans]) => ({
    ...bridgeCase(
      [line],
      `makes the host the gateway in a VLAN: ${what}, ${which}`,
      { ...layer3(...subnets), vlan: 100, preserveDefaultVlan },
      (net) => hasGateway(net, subnets, [...vlans]),
    ),
    needs,
  })),
);

/** U-012 to U-017. */
export const cases: readonly Case[] = [...layer2, ...gateways];
