/**
 * static: addresses of the configuration, of CNI_ARGS and of the runtime (checklist 6.11).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { addressesOf } from "../../runner/ipam-network.ts";
import type { Reply, Trial } from "../../runner/trial.ts";

const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const v4 = { address: "10.10.0.1/24", gateway: "10.10.0.254" };
const v6 = { address: "3ffe:ffff:0:01ff::1/64", gateway: "3ffe:ffff:0::1" };
const routes = [
  { dst: "0.0.0.0/0" },
  { dst: "192.168.0.0/16", gw: "10.10.5.1" },
  { dst: "3ffe:ffff:0:01ff::1/64" },
];
const dns = { nameservers: ["8.8.8.8"], domain: "example.com", search: ["example.com"] };

interface StaticCall {
  ipam?: object | null;
  config?: object;
  args?: string;
  cniVersion?: string;
}

/** A call of static; `ipam: null` leaves the key out. */
function call(trial: Trial, command: string, { ipam, config, args, cniVersion }: StaticCall) {
  const own = ipam === null ? {} : { ipam: { type: "static", ...ipam } };
  const common = { cniVersion: cniVersion ?? trial.newest, name: "mynet", type: "bridge" };
  const given = args === undefined ? {} : { args };
  return { command, config: { ...common, ...own, ...config }, netns: "/some/where", ...given };
}

function gatewaysOf({ ips, ip4, ip6 }: Reply): string[] {
  const all: { gateway?: string }[] = ips ?? [ip4, ip6].filter(Boolean);
  return all.map(({ gateway }) => gateway ?? "none");
}

function routesOf({ routes: all, ip4, ip6 }: Reply): string[] {
  const given: { dst: string; gw?: string }[] =
    all ?? [ip4, ip6].flatMap((family) => family?.routes ?? []);
  return given.map(({ dst, gw }) => [dst, gw].join(" ").trim());
}

const whole = versions.map(
  (cniVersion): Case => ({
    lines: ["U-135"],
    program: "static",
    version: cniVersion,
    fact: `gives what is configured in ${cniVersion}`,
    run(trial) {
      const configured = { cniVersion, ipam: { addresses: [v4, v6], routes, dns } };
      const result = trial.ok(call(trial, "ADD", configured));
      deepEqual(addressesOf(result), ["10.10.0.1/24", "3ffe:ffff:0:1ff::1/64"]);
      deepEqual(gatewaysOf(result), ["10.10.0.254", "3ffe:ffff::1"]);
      const given = ["0.0.0.0/0", "192.168.0.0/16 10.10.5.1", "3ffe:ffff:0:1ff::/64"];
      deepEqual(routesOf(result).map(networkOf), given.map(networkOf));
      deepEqual(result.dns, dns);
      trial.ok(call(trial, "DEL", configured));
    },
  }),
);

/** A route's destination may be given with its host bits or without. */
function networkOf(route: string): string {
  return route.replace("3ffe:ffff:0:1ff::1/64", "3ffe:ffff:0:1ff::/64");
}

const asked = ["10.10.0.1/24", "3ffe:ffff:0:1ff::1/64"];
const onlyRoutes = { routes };
type Source = [
  line: string,
  fact: string,
  call: StaticCall,
  addresses: string[],
  gateways: string[],
];
const sources: Source[] = [
  [
    "U-138",
    "takes IP and GATEWAY of CNI_ARGS",
    { ipam: onlyRoutes, args: "IP=10.10.0.1/24;GATEWAY=10.10.0.254" },
    ["10.10.0.1/24"],
    ["10.10.0.254"],
  ],
  [
    "U-139",
    "gives the gateway of CNI_ARGS to the address of its subnet alone",
    { ipam: onlyRoutes, args: "IP=10.10.0.1/24,11.11.0.1/24;GATEWAY=10.10.0.254" },
    ["10.10.0.1/24", "11.11.0.1/24"],
    ["10.10.0.254", "none"],
  ],
  [
    "U-140",
    "takes RuntimeConfig.ips, written with a capital",
    { ipam: onlyRoutes, config: { RuntimeConfig: { ips: asked } } },
    asked,
    ["none", "none"],
  ],
  [
    "U-141",
    "takes args.cni.ips",
    { ipam: onlyRoutes, config: { args: { cni: { ips: asked } } } },
    asked,
    ["none", "none"],
  ],
  [
    "U-142",
    "takes those of the runtime alone when all sources have some",
    {
      ipam: onlyRoutes,
      args: "IP=10.10.0.2/24;GATEWAY=10.10.0.254",
      config: {
        RuntimeConfig: { ips: ["10.10.0.1/24"] },
        args: { cni: { ips: ["10.10.0.3/24"] } },
      },
    },
    ["10.10.0.1/24"],
    ["none"],
  ],
];

const noCidr = "is NOT in CIDR notation, got: ";
type Refused = [line: string, fact: string, call: StaticCall, says: string];
const refused: Refused[] = [
  [
    "U-143",
    "refuses CNI_ARGS without ipam",
    { ipam: null, args: "IP=10.10.0.1/24;GATEWAY=10.10.0.254" },
    "IPAM config missing 'ipam' key",
  ],
  [
    "U-143",
    "refuses runtimeConfig.ips without ipam",
    { ipam: null, config: { runtimeConfig: { ips: ["10.10.0.1/24"] } } },
    "IPAM config missing 'ipam' key",
  ],
  [
    "U-144",
    "refuses a configured address without prefix length",
    { ipam: { addresses: [{ address: "10.10.0.1" }] } },
    "the 'address' field is expected to be in CIDR notation, got: '10.10.0.1'",
  ],
  [
    "U-144",
    "refuses one in CNI_ARGS without prefix length",
    { ipam: onlyRoutes, args: "IP=10.10.0.1" },
    "the 'ip' field is expected to be in CIDR notation, got: '10.10.0.1'",
  ],
  [
    "U-144",
    "refuses one in args without prefix length",
    { ipam: onlyRoutes, config: { args: { cni: { ips: ["10.10.0.1"] } } } },
    noCidr,
  ],
  [
    "U-144",
    "refuses one of the runtime without prefix length",
    { ipam: onlyRoutes, config: { runtimeConfig: { ips: ["10.10.0.1"] } } },
    noCidr,
  ],
];

export const cases: readonly Case[] = [
  ...whole,
  ...sources.map(
    ([line, fact, asked, addresses, gateways]): Case => ({
      lines: [line],
      program: "static",
      fact,
      run(trial) {
        const result = trial.ok(call(trial, "ADD", asked));
        deepEqual(addressesOf(result), addresses);
        deepEqual(gatewaysOf(result), gateways);
        equal(routesOf(result).length, routes.length);
      },
    }),
  ),
  ...refused.map(
    ([line, fact, asked, says]): Case => ({
      lines: [line],
      program: "static",
      fact,
      run(trial) {
        trial.fails(call(trial, "ADD", asked), undefined, says);
      },
    }),
  ),
  ...["0.1.0", "0.2.0"].map(
    (cniVersion): Case => ({
      lines: ["U-139"],
      program: "static",
      version: cniVersion,
      fact: `refuses two of a family in ${cniVersion}`,
      run(trial) {
        const args = "IP=10.10.0.1/24,11.11.0.1/24;GATEWAY=10.10.0.254";
        const asked = call(trial, "ADD", { ipam: onlyRoutes, args, cniVersion });
        trial.fails(asked, undefined, "more than 1 address per family");
      },
    }),
  ),
  {
    lines: ["U-136"],
    program: "static",
    fact: "keeps two default routes with different gateways, in order",
    run(trial) {
      const two = [
        { dst: "0.0.0.0/0", gw: "10.10.0.1" },
        { dst: "0.0.0.0/0", gw: "10.10.0.2" },
      ];
      const result = trial.ok(call(trial, "ADD", { ipam: { addresses: [v4], routes: two } }));
      deepEqual(routesOf(result), ["0.0.0.0/0 10.10.0.1", "0.0.0.0/0 10.10.0.2"]);
    },
  },
  {
    lines: ["U-137"],
    program: "static",
    fact: "takes DEL of what was never added",
    run(trial) {
      trial.unchanged(() => trial.ok(call(trial, "DEL", { ipam: { addresses: [v4] } })));
    },
  },
];
