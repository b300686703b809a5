/**
 * What the reference's shared library does to links, addresses and routes, seen through bridge (checklist 6.19).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply } from "../../runner/trial.ts";
import { type BridgeNetwork, bridgeCase, layer3, ranges } from "./bridge-network.ts";

const dual = layer3("10.1.2.0/24", "fd00::/64");

function routesTo(net: BridgeNetwork, dst: string): Reply[] {
  const all = ["-4", "-6"].flatMap((family) =>
    net.trial.host.ipJson(`${family} -d route show table all`, net.netns),
  );
  return all.filter((route) => route.dst === dst && route.table !== "local");
}

/** Gateways of routes to one destination, of one that has several next hops too. */
function gatewaysTo(net: BridgeNetwork, dst: string): string[] {
  return routesTo(net, dst)
    .flatMap(({ gateway, nexthops }) => nexthops?.map((hop: Reply) => hop.gateway) ?? [gateway])
    .sort();
}

function withRoutes(routes: object[]): object {
  return { isGateway: true, ipam: { ...ranges("10.1.2.0/24", "fd00::/64"), routes } };
}

const routing: Case[] = [
  bridgeCase(
    ["U-228"],
    "sets all addresses and routes, and the link is up",
    withRoutes([{ dst: "10.50.0.0/16" }, { dst: "fd50::/64" }]),
    (net) => {
      net.add();
      deepEqual(net.addresses("eth0", net.netns), ["10.1.2.2/24", "fd00::2/64"]);
      ok(net.link("eth0", net.netns).flags.includes("UP"));
      for (const dst of ["10.50.0.0/16", "fd50::/64"]) equal(routesTo(net, dst).length, 1, dst);
    },
  ),
  ...(
    [
      ["table", { table: 1000 }, "1000"],
      ["scope", { scope: 253 }, "link"],
    ] as const
  ).map(([key, value, wanted]) => ({
    ...bridgeCase(
      ["U-228"],
      `sets a route's ${key}`,
      withRoutes([{ dst: "10.51.0.0/16", ...value }]),
      (net) => {
        net.add();
        equal(routesTo(net, "10.51.0.0/16")[0]?.[key], wanted);
      },
    ),
    version: "1.1.0",
  })),
  bridgeCase(
    ["U-229"],
    "keeps two next hops of one destination",
    withRoutes([
      { dst: "10.50.0.0/16", gw: "10.1.2.1" },
      { dst: "10.50.0.0/16", gw: "10.1.2.254" },
    ]),
    (net) => {
      net.add();
      deepEqual(gatewaysTo(net, "10.50.0.0/16"), ["10.1.2.1", "10.1.2.254"]);
    },
  ),
  bridgeCase(
    ["U-231"],
    "sends a route without gateway to the one of its family",
    withRoutes([{ dst: "10.50.0.0/16" }, { dst: "fd50::/64" }]),
    (net) => {
      net.add();
      deepEqual(gatewaysTo(net, "10.50.0.0/16"), ["10.1.2.1"]);
      deepEqual(gatewaysTo(net, "fd50::/64"), ["fd00::1"]);
    },
  ),
  bridgeCase(["U-230"], "keeps IPv6 addresses when the link goes down", dual, (net) => {
    net.add();
    for (const state of ["down", "up"]) {
      net.trial.run(`ip link set eth0 ${state}`, { netns: net.netns });
    }
    deepEqual(net.addresses("eth0", net.netns), ["10.1.2.2/24", "fd00::2/64"]);
  }),
];

type Change = (result: Reply) => void;
const misleading: [fact: string, change: Change][] = [
  [
    "an index beyond the interfaces",
    ({ ips }) => {
      ips[0].interface = 9;
    },
  ],
  [
    "an index without interfaces",
    (result) => {
      result.interfaces = [];
    },
  ],
];

const results: Case[] = [
  ...misleading.map(([what, change]) => ({
    ...bridgeCase(["U-232"], `CHECK refuses a result with ${what}`, dual, (net) => {
      const prevResult = net.add();
      change(prevResult);
      net.trial.fails(net.call("CHECK", { prevResult }));
    }),
    version: "0.4.0",
  })),
  {
    ...bridgeCase(["U-232"], "CHECK does not crash over an address without index", dual, (net) => {
      const prevResult = net.add();
      for (const ip of prevResult.ips) delete ip.interface;
      net.trial.call(net.call("CHECK", { prevResult }));
    }),
    version: "0.4.0",
  },
];

const links: Case[] = [
  bridgeCase(["U-233"], "names the interface that the container has already", dual, (net) => {
    net.trial.run("ip link add eth0 type veth peer name other", { netns: net.netns });
    const { msg, details = "" } = net.trial.fails(net.call("ADD"));
    match(`${msg} ${details}`, /eth0.*exists/);
    equal(net.port, undefined);
  }),
  bridgeCase(["U-234"], "DEL takes a link that is missing for gone", dual, (net) => {
    const { mac } = net.add({ runtimeConfig: { mac: "02:00:00:00:00:42" } }).interfaces[2];
    equal(mac, "02:00:00:00:00:42");
    net.trial.run("ip link del eth0", { netns: net.netns });
    net.trial.ok(net.call("DEL"));
  }),
];

const noNamespaces: [what: string, path: string, make: string][] = [
  ["a path that does not exist", "/run/netns/none", "true"],
  ["a regular file", "/run/file", "touch /run/file"],
  ["a folder", "/run/folder", "mkdir /run/folder"],
];
const namespaces: Case[] = noNamespaces.map(([what, path, make]) =>
  bridgeCase(["U-236"], `refuses ${what} as namespace, by its path`, dual, (net) => {
    net.trial.run(make);
    net.trial.leavesNothing(() => {
      net.trial.fails(net.call("ADD", {}, { netns: path }), undefined, path);
    });
  }),
);

export const cases: readonly Case[] = [...routing, ...results, ...links, ...namespaces];
