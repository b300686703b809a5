/**
 * bridge: links, addresses and routes (checklist 6.1).
 * @module
 */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { addressesOf } from "../../runner/ipam-network.ts";
import type { Reply } from "../../runner/trial.ts";
import { type BridgeNetwork, bridgeCase, layer3, ranges } from "./bridge-network.ts";

const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const three = layer3("192.168.0.0/24", "fd00::/64", "fd01::/64");

const inEachVersion = versions.map(
  (cniVersion): Case => ({
    ...bridgeCase(
      ["U-003", "U-004", "U-005", "U-024"],
      `attaches a container and takes it away in ${cniVersion}`,
      { ...layer3("10.1.2.0/24"), cniVersion },
      (net) => {
        net.trial.ok(net.call("DEL"));
        const result = net.add();
        deepEqual(addressesOf(result), ["10.1.2.2/24"]);
        if (cniVersion >= "0.3.0") tellsOfLinks(net, result);
        deepEqual(net.addresses("bridge0"), ["10.1.2.1/24"]);
        deepEqual(net.addresses("eth0", net.netns), ["10.1.2.2/24"]);
        ok(net.link("eth0", net.netns).flags.includes("UP"));
        deepEqual(net.gateways(), ["10.1.2.1"]);
        net.trial.ok(net.call("DEL", cniVersion >= "0.4.0" ? { prevResult: result } : {}));
        equal(net.link("eth0", net.netns), undefined);
        equal(net.port, undefined);
        ok(net.link("bridge0"), "the bridge stays");
      },
    ),
    version: cniVersion,
  }),
);

function tellsOfLinks(net: BridgeNetwork, { interfaces, ips }: Reply): void {
  const [bridge, host, container] = interfaces;
  deepEqual([bridge.name, container.name, container.sandbox], ["bridge0", "eth0", net.netns]);
  match(host.name, /^veth/);
  const links = [net.link("bridge0"), net.port, net.link("eth0", net.netns)];
  deepEqual(
    [bridge, host, container].map(({ mac }) => mac),
    links.map(({ address }) => address),
  );
  deepEqual([ips[0].interface, ips[0].gateway], [2, "10.1.2.1"]);
}

const device: Case[] = [
  bridgeCase(["U-001"], "makes the bridge with its MTU, up", { mtu: 5000 }, (net) => {
    net.add();
    const { linkinfo, mtu, flags } = net.link("bridge0");
    deepEqual([linkinfo.info_kind, mtu], ["bridge", 5000]);
    ok(flags.includes("UP"));
    equal(net.link("eth0", net.netns).mtu, 5000);
  }),
  bridgeCase(["U-002"], "takes a bridge that is there", layer3("10.1.2.0/24"), (net) => {
    net.trial.run("ip link add bridge0 address 02:00:00:00:00:99 type bridge");
    const { ifindex } = net.link("bridge0");
    net.add();
    const after = net.link("bridge0");
    deepEqual([after.ifindex, after.address], [ifindex, "02:00:00:00:00:99"]);
  }),
  bridgeCase(["U-018"], "leaves VLAN filtering off without VLANs", {}, (net) => {
    net.add();
    equal(net.link("bridge0").linkinfo.info_data.vlan_filtering ?? 0, 0);
  }),
  bridgeCase(["U-028"], "makes the bridge promiscuous", { promiscMode: true }, (net) => {
    net.add();
    equal(net.link("bridge0").promiscuity, 1);
  }),
  ...["10.1.2.0/24", "fd00::/64"].map((subnet) =>
    bridgeCase(["U-029"], `keeps the bridge's MAC address (${subnet})`, layer3(subnet), (net) => {
      const [bridge, host] = net.add().interfaces;
      notEqual(bridge.mac, host.mac);
      net.trial.ok(net.call("DEL"));
      equal(net.link("bridge0").address, bridge.mac);
    }),
  ),
];

const addressing: Case[] = [
  bridgeCase(
    ["U-006"],
    "gives an IPv6 address that can be used",
    layer3("2001:db8::/64"),
    (net) => {
      net.add();
      const [row] = net.trial.host.ipJson("-6 address show dev eth0 scope global", net.netns);
      equal(row.addr_info[0].tentative, undefined);
      deepEqual(net.addresses("bridge0"), ["2001:db8::1/64"]);
      deepEqual(net.gateways(), ["2001:db8::1"]);
      net.trial.run("ping -c1 -W5 2001:db8::1", { netns: net.netns });
    },
  ),
  bridgeCase(
    ["U-007"],
    "gives both families addresses, gateways and default routes",
    layer3("192.168.0.0/24", "fd00::/64"),
    (net) => {
      net.add();
      deepEqual(net.addresses("eth0", net.netns), ["192.168.0.2/24", "fd00::2/64"]);
      deepEqual(net.addresses("bridge0"), ["192.168.0.1/24", "fd00::1/64"]);
      deepEqual(net.gateways(), ["192.168.0.1", "fd00::1"]);
    },
  ),
  {
    ...bridgeCase(["U-008"], "gives three addresses and gateways", three, (net) => {
      equal(net.add().ips.length, 3);
      equal(net.addresses("eth0", net.netns).length, 3);
      equal(net.addresses("bridge0").length, 3);
    }),
    version: "0.3.0",
  },
  ...["0.1.0", "0.2.0"].map((cniVersion) => ({
    ...bridgeCase(
      ["U-008"],
      `refuses two addresses of a family in ${cniVersion}, and DEL does not`,
      { ...three, cniVersion },
      (net) => {
        net.trial.fails(net.call("ADD"), undefined, "more than 1 address per family");
        net.trial.ok(net.call("DEL"));
      },
    ),
    version: cniVersion,
  })),
  bridgeCase(["U-010"], "takes the old form of a range", { isDefaultGateway: true }, (net) => {
    const old = { ipam: { type: "host-local", subnet: "10.1.2.0/24" } };
    const first = net.add(old);
    net.trial.ok(net.call("DEL", old));
    const second = net.add({ ipam: ranges("10.1.2.0/24") });
    deepEqual(addressesOf(first), ["10.1.2.2/24"]);
    deepEqual(addressesOf(second), ["10.1.2.3/24"]);
    deepEqual(
      [first, second].map(({ ips }) => ips[0].gateway),
      ["10.1.2.1", "10.1.2.1"],
    );
  }),
  {
    ...bridgeCase(["U-009"], "takes name servers from IPAM", layer3("10.1.2.0/24"), (net) => {
      net.trial.run("tee /run/resolv.conf", { input: "nameserver 192.0.2.0\n" });
      const ipam = { ...ranges("10.1.2.0/24"), resolvConf: "/run/resolv.conf" };
      deepEqual(net.add({ ipam }).dns.nameservers, ["192.0.2.0"]);
    }),
  },
  bridgeCase(["U-011"], "attaches without addresses when there is no IPAM", {}, (net) => {
    const { interfaces, ips } = net.add();
    equal(interfaces.length, 3);
    deepEqual(ips ?? [], []);
    deepEqual(net.addresses("eth0", net.netns), []);
  }),
  ...["0.1.0", "0.2.0"].map((cniVersion) => ({
    ...bridgeCase(
      ["U-011"],
      `refuses to go without IPAM in ${cniVersion}`,
      { cniVersion },
      (net) => {
        net.trial.fails(net.call("ADD"));
      },
    ),
    version: cniVersion,
  })),
];

function withAddress(net: BridgeNetwork, address: string): void {
  net.trial.run("ip link add bridge0 address 02:00:00:00:00:99 type bridge");
  net.trial.run(`ip address add ${address} dev bridge0`);
}

const foreignAddress: Case[] = [
  bridgeCase(["U-025"], "keeps another address of the bridge unless forced", {}, (net) => {
    withAddress(net, "10.0.0.1/8");
    const config = { isDefaultGateway: true, ipam: ranges("10.1.0.0/16") };
    net.trial.fails(net.call("ADD", config), undefined, "already has an IP address different");
    deepEqual(net.addresses("bridge0"), ["10.0.0.1/8"]);
    net.trial.ok(net.call("DEL", config));
    net.add({ ...config, forceAddress: true });
    deepEqual(net.addresses("bridge0"), ["10.1.0.1/16"]);
  }),
  bridgeCase(["U-026"], "keeps an overlapping IPv6 address unless forced", {}, (net) => {
    withAddress(net, "2001:db8:1::1/48");
    const config = layer3("2001:db8:1:2::/64");
    net.trial.fails(net.call("ADD", config), undefined, "already has an IP address different");
    deepEqual(net.addresses("bridge0"), ["2001:db8:1::1/48"]);
    net.trial.ok(net.call("DEL", config));
    net.add({ ...config, forceAddress: true });
    deepEqual(net.addresses("bridge0"), ["2001:db8:1:2::1/64"]);
  }),
  bridgeCase(["U-027"], "keeps an IPv6 address that does not overlap", {}, (net) => {
    withAddress(net, "2001:db8:1:2::1/64");
    net.add(layer3("fd00:1234::/64"));
    deepEqual(net.addresses("bridge0").sort(), ["2001:db8:1:2::1/64", "fd00:1234::1/64"]);
  }),
];

const args = "IgnoreUnknown=1;MAC=02:00:00:00:00:00";
const named = { args: { cni: { mac: "02:00:00:00:00:01" } } };
const runtime = { ...named, runtimeConfig: { mac: "02:00:00:00:00:02" } };
const macs: [line: string, fact: string, config: object, mac: string][] = [
  ["U-030", "takes the MAC address of CNI_ARGS", {}, "02:00:00:00:00:00"],
  ["U-031", "takes that of args before CNI_ARGS", named, "02:00:00:00:00:01"],
  ["U-032", "takes that of the runtime before both", runtime, "02:00:00:00:00:02"],
];

const port: Case[] = [
  ...macs.map(([line, fact, config, mac]) =>
    bridgeCase([line], fact, config, (net) => {
      equal(net.add({}, { args }).interfaces[2].mac, mac);
      equal(net.link("eth0", net.netns).address, mac);
    }),
  ),
  ...[false, true].map((hairpinMode) =>
    bridgeCase(["U-042"], `hairpinMode ${hairpinMode} is the port's`, { hairpinMode }, (net) => {
      net.add();
      equal(net.port.linkinfo.info_slave_data.hairpin, hairpinMode);
    }),
  ),
  ...[false, true].map((portIsolation) => ({
    ...bridgeCase(
      ["U-040"],
      `portIsolation ${portIsolation} is the port's`,
      { portIsolation },
      (net) => {
        net.add();
        equal(net.port.linkinfo.info_slave_data.isolated, portIsolation);
      },
    ),
    version: "1.1.0",
  })),
  bridgeCase(
    ["U-042"],
    "refuses hairpin and promiscuous mode together",
    { hairpinMode: true, promiscMode: true },
    (net) => {
      net.trial.fails(net.call("ADD"));
    },
  ),
  {
    ...bridgeCase(
      ["U-038"],
      "refuses IPAM for an interface that stays down",
      { ...layer3("10.1.2.0/24"), disableContainerInterface: true },
      (net) => {
        net.trial.fails(net.call("ADD"));
      },
    ),
    version: "1.1.0",
  },
  {
    ...bridgeCase(
      ["U-039"],
      "leaves the container's end down when told",
      { disableContainerInterface: true },
      (net) => {
        equal(net.add().interfaces.length, 3);
        ok(!net.link("eth0", net.netns).flags.includes("UP"));
      },
    ),
    version: "1.1.0",
  },
];

const unreachable = [{ dst: "10.50.0.0/16", gw: "10.60.0.1" }];
const verbs: Case[] = [
  bridgeCase(["U-033"], "gives the address back when a route fails", {}, (net) => {
    const ipam = { ...ranges("10.1.2.0/24"), routes: unreachable };
    net.trial.fails(net.call("ADD", { ipam }));
    const kept = net.trial.run("find /var/lib/cni/networks/net1 -name 10.*");
    equal(kept, "");
  }),
  ...[["10.1.2.0/24"], ["fd00::/64"], ["10.1.2.0/24", "fd00::/64"]].map((subnets) => ({
    ...bridgeCase(
      ["U-036"],
      `CHECK succeeds after ADD (${subnets.join(", ")})`,
      layer3(...subnets),
      (net) => {
        const prevResult = net.add();
        net.trial.unchanged(() => net.trial.ok(net.call("CHECK", { prevResult })), net.netns);
        net.trial.ok(net.call("DEL", { prevResult }));
      },
    ),
    version: "0.4.0",
  })),
  {
    ...bridgeCase(["U-041"], "STATUS succeeds", layer3("10.1.2.0/24"), (net) => {
      net.trial.ok({ command: "STATUS", config: net.config, containerId: null, ifName: null });
    }),
    version: "1.1.0",
  },
];

export const cases: readonly Case[] = [
  ...inEachVersion,
  ...device,
  ...addressing,
  ...foreignAddress,
  ...port,
  ...verbs,
];
