import { deepEqual, equal, throws } from "node:assert/strict";
import { chosenRoutes, ownsDefault } from "../../../core/link/routes.ts";

const ips = [
  { address: "10.1.0.5/16", gateway: "10.1.0.1" },
  { address: "fd00::5/64", gateway: "fd00::1" },
];
const routes = [{ dst: "0.0.0.0/0" }, { dst: "10.9.0.0/16", priority: 5 }, { dst: "::/0" }];

describe("chosenRoutes", () => {
  it("leaves IPAM's routes as they are when nothing is said", () => {
    equal(chosenRoutes({}, { ips, routes }), routes);
    equal(chosenRoutes({ metric: 0 }, { ips }), undefined);
  });

  it("gives the metric to routes that have none", () => {
    const metrics = chosenRoutes({ metric: 7 }, { ips, routes })?.map(({ priority }) => priority);
    deepEqual(metrics, [7, 5, 7]);
  });

  it("leaves default routes out, of an internal network whatever else is said", () => {
    const left = [{ dst: "10.9.0.0/16", priority: 5 }];
    deepEqual(chosenRoutes({ defaultRoute: false }, { ips, routes }), left);
    deepEqual(chosenRoutes({ defaultRoute: true, internal: true }, { ips, routes }), left);
    equal(ownsDefault({ defaultRoute: true, internal: true }), false);
  });

  it("gives the owner a default route by each gateway of a family that has none", () => {
    const made = chosenRoutes({ defaultRoute: true }, { ips, routes: [{ dst: "::/0" }] });
    deepEqual(made, [{ dst: "::/0" }, { dst: "0.0.0.0/0", gw: "10.1.0.1" }]);
  });

  it("refuses an owner that can have none", () => {
    throws(() => chosenRoutes({ defaultRoute: true }, { ips: [{ address: "10.1.0.5/16" }] }), {
      code: 7,
      message: '"defaultRoute" is true, and IPAM gave no gateway',
    });
  });
});
