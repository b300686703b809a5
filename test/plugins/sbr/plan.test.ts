import { deepEqual, throws } from "node:assert/strict";

import type { RouteInput, RouteMessage } from "netlink-ts/route/route.ts";
import type { CniResult } from "../../../core/cni/result.ts";
import { network, parseCidr, parseIp } from "../../../core/net/address.ts";
import { routeText } from "../../../core/net/whole-route.ts";
import { fixedGateways, type SbrConfig, wantedOf } from "../../../plugins/sbr/config.ts";
import { type Found, planOf } from "../../../plugins/sbr/plan.ts";
import { encodeRule } from "../../../plugins/sbr/rules.ts";

const OUR_LINK = 3;
const header = { srcLength: 0, tos: 0, protocol: 3, scope: 0, type: 1, flags: 0, headerTable: 254 };

/** `10.0.0.0/24 via 10.0.0.1`, out of our link unless `more` says another. */
function route(text: string, more: Partial<RouteMessage> = {}): RouteMessage {
  const [to = "", via] = text.split(" via ");
  const { address: dst, length: dstLength } = network(parseCidr(to));
  const family = dst.length === 4 ? 2 : 10;
  const gateway = via === undefined ? {} : { gateway: parseIp(via) };
  return { ...header, family, dstLength, dst, oif: OUR_LINK, ...gateway, ...more };
}

function planned(
  keys: Partial<SbrConfig>,
  ips: CniResult["ips"],
  routes: RouteMessage[],
  ruled: Found["ruled"] = new Set(),
) {
  const prevResult = { interfaces: [{ name: "eth0" }], ips: ips ?? [] };
  const wanted = wantedOf({ name: "n", ...keys }, { ifName: "eth0", prevResult });
  const plan = planOf(OUR_LINK, wanted, { routes, ruled });
  const texts = (list: readonly RouteInput[]) => list.map(routeText);
  return {
    rules: plan.rules.map(encodeRule),
    routes: texts(plan.routes),
    taken: plan.taken.map((each) => `${routeText(each.route)}${each.behind ? " behind" : ""}`),
    hints: texts(plan.hints),
  };
}

const first = { address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 0 };
const subnet = route("10.0.0.0/24", { scope: 253, prefSrc: parseIp("10.0.0.2") });

describe("planOf", () => {
  it("takes tables that no rule leads to and nobody has routes in", () => {
    const foreign = route("10.7.0.0/16", { headerTable: 101, oif: 9 });
    const second = { address: "10.1.0.2/24", interface: 0 };
    const { rules } = planned({}, [first, second], [foreign], new Set([100, 103]));
    deepEqual(rules, ["10.0.0.2 102", "10.1.0.2 104"]);
  });

  it("leaves alone what leads out of other links too", () => {
    const hop = (ifindex: number) => ({ ifindex, flags: 0, hops: 0, gateway: parseIp("10.0.0.1") });
    const shared = { ...route("10.8.0.0/16"), oif: undefined, multipath: [hop(OUR_LINK), hop(9)] };
    deepEqual(planned({}, [first], [subnet, shared]).taken, ["10.0.0.0/24 table 254"]);
  });

  it("gives a route that speaks of no subnet of the link to each address of its family", () => {
    const stray = route("10.8.0.0/16 via 169.254.1.1");
    const second = { address: "10.1.0.2/24", interface: 0 };
    const sixth = { address: "fd00::2/64", interface: 0 };
    deepEqual(planned({}, [first, second, sixth], [stray]).routes, [
      "0.0.0.0/0 via 10.0.0.1 table 100",
      "10.8.0.0/16 via 169.254.1.1 table 100",
      "10.8.0.0/16 via 169.254.1.1 table 101",
    ]);
  });

  it("leaves gateways of a family without an address in the main table", () => {
    const advertised = route("::/0 via fe80::1");
    deepEqual(planned({}, [first], [advertised, route("fe80::/64")]).taken, [
      "fe80::/64 table 254",
    ]);
  });

  it("lets the gateway of the configuration win, but for a default route of another metric", () => {
    const defaults = [
      route("0.0.0.0/0 via 10.0.0.1"),
      route("0.0.0.0/0 via 10.0.0.3", { priority: 9 }),
    ];
    deepEqual(planned({ gateways: ["10.0.0.9"] }, [first], defaults).routes, [
      "0.0.0.0/0 via 10.0.0.9 table 100",
      "0.0.0.0/0 via 10.0.0.3 table 100",
    ]);
  });

  it("remembers that another link's route stood before", () => {
    const others = route("0.0.0.0/0 via 10.5.0.1", { oif: 9 });
    const ours = route("0.0.0.0/0 via 10.0.0.1");
    deepEqual(planned({}, [first], [others, ours]).taken, [
      "0.0.0.0/0 via 10.0.0.1 table 254 behind",
    ]);
    deepEqual(planned({}, [first], [ours, others]).taken, ["0.0.0.0/0 via 10.0.0.1 table 254"]);
  });

  it("with hints takes what lies behind gateways, and what a hint replaces", () => {
    const other = route("169.254.0.0/16", { scope: 253 });
    const far = route("10.9.0.0/16 via 10.0.0.5");
    const { taken, hints } = planned({ addSourceHints: true }, [first], [subnet, other, far]);
    deepEqual(taken, ["10.0.0.0/24 table 254", "10.9.0.0/16 via 10.0.0.5 table 254"]);
    deepEqual(hints, ["10.0.0.0/24 table 254"]);
  });

  it("with a table makes rules alone", () => {
    const plan = planned({ table: 5000 }, [first], [subnet]);
    deepEqual(plan, { rules: ["10.0.0.2 5000"], routes: [], taken: [], hints: [] });
  });
});

describe("wantedOf", () => {
  const prevResult = {
    interfaces: [{ name: "eth0" }, { name: "eth1" }],
    ips: [{ ...first, interface: 1 }, { address: "10.3.0.2/24" }, { address: "10.3.0.2/24" }],
  };

  it("is about addresses of the interface and of none, each once", () => {
    const { sources } = wantedOf({ name: "n" }, { ifName: "eth0", prevResult });
    deepEqual(
      sources.map(({ prefix }) => prefix),
      [parseCidr("10.3.0.2/24")],
    );
  });

  it("refuses a result in which the interface has none", () => {
    const others = { ...prevResult, ips: prevResult.ips.slice(0, 1) };
    throws(() => wantedOf({ name: "n" }, { ifName: "eth0", prevResult: others }), {
      message: "No IP addresses supplied on interface: eth0",
    });
  });
});

describe("fixedGateways", () => {
  const refusals: [gateways: string[], message: string][] = [
    [["10.0.0.1", "10.0.0.2"], "multiple IPv4 addresses: 10.0.0.1 and 10.0.0.2"],
    [["fd00::1", "fd00::2"], "multiple IPv6 addresses: fd00::1 and fd00::2"],
  ];
  it("takes one of each family", () => {
    deepEqual(
      fixedGateways({ gateways: ["fd00::1", "10.0.0.1"] }).map(({ length }) => length),
      [16, 4],
    );
    for (const [gateways, text] of refusals) {
      throws(() => fixedGateways({ gateways }), { message: `gateways list contains ${text}` });
    }
    throws(() => fixedGateways({ gateways: [""] }), { message: /^invalid static gateway/ });
  });
});
