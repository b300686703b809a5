import { deepEqual, throws } from "node:assert/strict";
import { formatCidr } from "../../../core/net/address.ts";
import type { PlannedRoute } from "../../../core/net/interface-plan.ts";
import {
  containerRoutes,
  describeRoute,
  hostAddresses,
  hostRoutes,
  nextHopRoutes,
  nextHops,
} from "../../../plugins/ptp/next-hop.ts";

const ips = [
  { address: "10.1.2.5/24", gateway: "10.1.2.1" },
  { address: "fd00::5/64", gateway: "fd00::1" },
];
const hops = nextHops(ips);
const told = (routes: PlannedRoute[]) =>
  routes.map((route) => {
    const { dst, gw = "" } = describeRoute(route);
    return [dst, gw, route.source?.at(-1) ?? 0, route.scope, route.onLink ?? false];
  });

describe("nextHops", () => {
  it("names the address without a gateway, and one whose gateway is of the other family", () => {
    const bare = [...ips, { address: "10.1.3.5/24" }];
    throws(() => nextHops(bare), {
      code: 7,
      message: 'IPAM gave no gateway with address "10.1.3.5/24"',
    });
    throws(() => nextHops([{ address: "10.1.3.5/24", gateway: "fd00::1" }]), /"fd00::1"/);
  });
});

describe("hostAddresses, hostRoutes", () => {
  it("are the gateways, each once, and the ways to the container", () => {
    const more = nextHops([...ips, { address: "10.1.2.6/24", gateway: "10.1.2.1" }]);
    deepEqual(hostAddresses(more).map(formatCidr), ["10.1.2.1/32", "fd00::1/128"]);
    deepEqual(told(hostRoutes(more)), [
      ["10.1.2.5/32", "", 0, 254, false],
      ["fd00::5/128", "", 0, 0, false],
      ["10.1.2.6/32", "", 0, 254, false],
    ]);
  });
});

describe("nextHopRoutes", () => {
  it("lead to the gateway, and by it to the subnet", () => {
    deepEqual(told(nextHopRoutes(hops)), [
      ["10.1.2.1/32", "", 5, 253, false],
      ["fd00::1/128", "", 5, 0, false],
      ["10.1.2.0/24", "10.1.2.1", 5, 0, false],
      ["fd00::/64", "fd00::1", 5, 0, false],
    ]);
  });

  it("have no subnet for an address that is alone in it", () => {
    const alone = nextHops([{ address: "10.7.0.1/32", gateway: "169.254.1.1" }]);
    deepEqual(told(nextHopRoutes(alone)), [["169.254.1.1/32", "", 1, 253, false]]);
  });
});

describe("containerRoutes", () => {
  it("has IPAM's routes last; a gateway in the subnet that is not the host has no route to it", () => {
    const routes = [
      { dst: "0.0.0.0/0" },
      { dst: "10.8.0.0/16", gw: "10.1.2.9" },
      { dst: "10.9.0.0/16", gw: "10.5.0.9" },
    ];
    deepEqual(told(containerRoutes(hops, { ips, routes })).slice(4), [
      ["0.0.0.0/0", "10.1.2.1", 0, 0, false],
      ["10.8.0.0/16", "10.1.2.9", 0, 0, true],
      ["10.9.0.0/16", "10.5.0.9", 0, 0, false],
    ]);
  });
});
