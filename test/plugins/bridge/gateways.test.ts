import { deepEqual } from "node:assert/strict";
import { parseConfig } from "../../../core/cni/config.ts";
import type { IpamResult } from "../../../core/cni/result.ts";
import { formatCidr } from "../../../core/net/address.ts";
import { bridgeConfig } from "../../../plugins/bridge/config.ts";
import { planGateways } from "../../../plugins/bridge/gateways.ts";

const answer: IpamResult = {
  ips: [
    { address: "fd00::5/64" },
    { address: "10.1.0.5/24", gateway: "10.1.0.254" },
    { address: "10.1.0.6/24", gateway: "10.1.0.254" },
  ],
};

function plan(keys: object, ipam = answer) {
  const config = parseConfig(bridgeConfig, { name: "net", ...keys });
  const { result, gateways } = planGateways(config, ipam);
  return {
    via: result.ips.map(({ gateway }) => gateway),
    routes: result.routes,
    gateways: gateways.map(formatCidr),
  };
}

describe("planGateways", () => {
  it("leaves IPAM's answer alone without a gateway", () => {
    deepEqual(plan({}), {
      via: [undefined, "10.1.0.254", "10.1.0.254"],
      routes: undefined,
      gateways: [],
    });
  });

  it("gives the first address of a subnet to the host where IPAM names none", () => {
    deepEqual(plan({ isGateway: true }), {
      via: ["fd00::1", "10.1.0.254", "10.1.0.254"],
      routes: [],
      gateways: ["10.1.0.254/24", "fd00::1/64"],
    });
  });

  it("adds a default route for each family that has none", () => {
    const defaults = [
      { dst: "0.0.0.0/0", gw: "10.1.0.254" },
      { dst: "::/0", gw: "fd00::1" },
    ];
    deepEqual(plan({ isDefaultGateway: true }).routes, defaults);
    const routes = [{ dst: "0.0.0.0/0" }, { dst: "10.9.0.0/16" }];
    deepEqual(plan({ isDefaultGateway: true }, { ...answer, routes }).routes, [
      ...routes,
      defaults[1],
    ]);
  });
});
