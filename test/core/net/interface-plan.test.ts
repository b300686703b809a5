import { deepEqual, throws } from "node:assert/strict";
import type { CniRoute } from "../../../core/cni/result.ts";
import { formatCidr, formatIp } from "../../../core/net/address.ts";
import { plannedAddresses, plannedRoutes } from "../../../core/net/interface-plan.ts";

const ips = [
  { address: "10.1.0.5/24", gateway: "10.1.0.1" },
  { address: "10.1.0.6/24", gateway: "10.1.0.2" },
  { address: "fd00::5/64", gateway: "fd00::1" },
];
const planned = (...routes: CniRoute[]) =>
  plannedRoutes({ ips, routes }).map(({ dst, gateway, ...rest }) => ({
    dst: formatCidr(dst),
    ...(gateway && { gateway: formatIp(gateway) }),
    ...rest,
  }));

describe("plannedAddresses", () => {
  it("has each address once", () => {
    const twice = plannedAddresses([...ips, ...ips]);
    deepEqual(twice.map(formatCidr), ["10.1.0.5/24", "10.1.0.6/24", "fd00::5/64"]);
  });

  it("names an address that cannot be read", () => {
    throws(() => plannedAddresses([{ address: "10.1.0.5" }]), /IPAM's address "10.1.0.5"/);
  });
});

describe("plannedRoutes", () => {
  it("goes through the family's first gateway, with host bits cleared", () => {
    deepEqual(planned({ dst: "10.9.8.7/16" }, { dst: "::/0" }), [
      { dst: "10.9.0.0/16", gateway: "10.1.0.1", scope: 0 },
      { dst: "::/0", gateway: "fd00::1", scope: 0 },
    ]);
  });

  it("keeps what the route says", () => {
    const metrics = { mtu: 1400, advmss: 1360, priority: 5, table: 100 };
    deepEqual(planned({ dst: "0.0.0.0/0", gw: "10.1.0.9", ...metrics }), [
      { dst: "0.0.0.0/0", gateway: "10.1.0.9", scope: 0, ...metrics },
    ]);
  });

  it("stays on the link when its scope or a gateway of zeros says so, and comes first", () => {
    deepEqual(
      planned(
        { dst: "0.0.0.0/0" },
        { dst: "10.2.0.0/16", scope: 253 },
        { dst: "10.3.0.0/16", gw: "0.0.0.0" },
      ),
      [
        { dst: "10.2.0.0/16", scope: 253 },
        { dst: "10.3.0.0/16", scope: 253 },
        { dst: "0.0.0.0/0", gateway: "10.1.0.1", scope: 0 },
      ],
    );
  });

  it("has routes that come to the same once", () => {
    deepEqual(planned({ dst: "0.0.0.0/0" }, { dst: "0.0.0.0/0", gw: "10.1.0.1" }).length, 1);
    deepEqual(planned({ dst: "0.0.0.0/0" }, { dst: "0.0.0.0/0", gw: "10.1.0.2" }).length, 2);
  });

  it("is on the link when the family has no gateway", () => {
    const routes = [{ dst: "fd09::/64" }, { dst: "10.9.0.0/16" }];
    const scopes = plannedRoutes({ ips: [], routes }).map(({ scope, gateway }) => [scope, gateway]);
    deepEqual(scopes, [
      [0, undefined],
      [253, undefined],
    ]);
  });

  it("names a route that cannot be", () => {
    throws(() => planned({ dst: "10.0.0.0/8", gw: "fd00::1" }), /route to "10.0.0.0\/8"/);
  });
});
