import { deepEqual, equal, match } from "node:assert/strict";

import { specVersions } from "../../../core/cni/versions.ts";
import { staticIpam } from "../../../ipam/static/plugin.ts";
import { callPlugin, type PluginCall } from "../../run-plugin.ts";

const base = { cniVersion: "1.1.0", name: "net1", type: "bridge" };
const v4 = { address: "10.0.0.2/24", gateway: "10.0.0.1" };
const v6 = { address: "fd00::2/64" };

function call(ipam: object | undefined, more: object = {}, options: PluginCall = {}) {
  const config = { ...base, ...(ipam ? { ipam: { type: "static", ...ipam } } : {}), ...more };
  return callPlugin(staticIpam, { ...options, config });
}

describe("static ADD", () => {
  it("hands out addresses, routes and DNS settings of the configuration in order", () => {
    const routes = [
      { dst: "0.0.0.0/0", gw: "10.0.0.1" },
      { dst: "0.0.0.0/0", gw: "10.0.0.9" },
      { dst: "3ffe:ffff:0:1ff::1/64", priority: 4294967295, table: 0, scope: 253 },
    ];
    const dns = { nameservers: ["10.0.0.53"], domain: "x", search: ["a", "b"], options: ["o"] };
    const { json, status, stderr } = call({ addresses: [v4, v6], routes, dns });
    equal(status, 0);
    equal(stderr, "");
    deepEqual(json, { cniVersion: "1.1.0", dns, ips: [v4, v6], routes });
  });

  const argument = "IP=10.10.0.1/24,11.11.0.1/24;GATEWAY=10.10.0.254";
  const fromArguments = [
    { address: "10.10.0.1/24", gateway: "10.10.0.254" },
    { address: "11.11.0.1/24" },
  ];
  const env = { CNI_ARGS: argument };
  const args = { cni: { ips: ["10.20.0.1/24", "fd20::1/64"] } };
  const fromArgs = [{ address: "10.20.0.1/24" }, { address: "fd20::1/64" }];
  const runtimeConfig = { ips: ["10.30.0.1/24"] };
  const fromRuntime = [{ address: "10.30.0.1/24" }];

  it("adds CNI_ARGS to the configuration, gateways where they belong", () => {
    deepEqual(call({ addresses: [v6] }, {}, { env }).json.ips, [v6, ...fromArguments]);
  });

  it("lets args.cni.ips replace both", () => {
    deepEqual(call({ addresses: [v6] }, { args }, { env }).json.ips, fromArgs);
  });

  it("lets runtimeConfig.ips replace all", () => {
    deepEqual(call({ addresses: [v6] }, { args, runtimeConfig }, { env }).json.ips, fromRuntime);
  });

  it("reads RuntimeConfig in any case", () => {
    deepEqual(call({}, { RuntimeConfig: runtimeConfig }).json.ips, fromRuntime);
  });

  it("gives no address when none is named", () =>
    deepEqual(call({}).json, { cniVersion: "1.1.0" }));

  it("takes an empty gateway for none", () => {
    deepEqual(call({ addresses: [{ ...v4, gateway: "" }] }).json.ips, [{ address: v4.address }]);
  });

  it("says nothing about the keys of the plugin that calls it", () => {
    const more = { bridge: "br0", isGateway: true, ipMasq: true, dns: { nameservers: [] } };
    equal(call({ addresses: [v4] }, more).stderr, "");
  });

  it("names an unknown key below ipam", () => {
    const { stderr, status } = call({ address: [v4] });
    equal(status, 0);
    equal(stderr, 'netloom static: nothing reads "ipam.address"; did you mean "addresses"?\n');
  });

  for (const version of specVersions) {
    it(`answers in ${version}`, () => {
      const { json } = call({ addresses: [v4, v6] }, { cniVersion: version });
      equal(json.cniVersion, version);
      equal(version < "0.3.0" ? json.ip4.ip : json.ips[0].address, v4.address);
      equal(version < "0.3.0" ? json.ip6.ip : json.ips[1].address, v6.address);
      equal(json.ips?.[0].version, version >= "0.3.0" && version < "1.0.0" ? "4" : undefined);
    });
  }

  it("takes a missing cniVersion for 0.1.0", () => {
    const { json } = call({ addresses: [v4] }, { cniVersion: undefined });
    equal(json.cniVersion, "0.1.0");
    deepEqual(json.ip4, { ip: "10.0.0.2/24", gateway: "10.0.0.1" });
  });

  // [ipam, the rest, environment, code, message]
  const cidr = "in CIDR notation, got: '10.10.0.1'";
  const refused: [object | undefined, object, PluginCall["env"], number, RegExp | string][] = [
    [undefined, {}, env, 7, "IPAM config missing 'ipam' key"],
    [undefined, { runtimeConfig }, {}, 7, "IPAM config missing 'ipam' key"],
    [
      { addresses: [{ address: "10.10.0.1" }] },
      {},
      {},
      7,
      `"ipam.addresses[0].address": the 'address' field is expected to be ${cidr}`,
    ],
    [{}, {}, { CNI_ARGS: "IP=10.10.0.1" }, 4, `CNI_ARGS: the 'ip' field is expected to be ${cidr}`],
    [{}, {}, { CNI_ARGS: "IP=10.1.0.1/8;GATEWAY=x" }, 4, "CNI_ARGS: invalid gateway address: x"],
    [
      {},
      { args: { cni: { ips: ["10.10.0.1"] } } },
      {},
      7,
      `"args.cni.ips[0]": an entry in the 'ips' field is NOT ${cidr}`,
    ],
    [
      {},
      { runtimeConfig: { ips: ["10.10.0.1"] } },
      {},
      7,
      `"runtimeConfig.ips[0]": an entry in the 'ips' field is NOT ${cidr}`,
    ],
    [
      { addresses: [{ ...v4, gateway: "zz" }] },
      {},
      {},
      7,
      '"ipam.addresses[0].gateway": want an IP address, got "zz"',
    ],
    [{ addresses: {} }, {}, {}, 6, '"ipam.addresses": want a list, got an object'],
    [{ addresses: [null] }, {}, {}, 6, '"ipam.addresses[0]": want an object, got null'],
    [{ addresses: [{}] }, {}, {}, 7, '"ipam.addresses[0].address" is missing: want a string'],
    [
      { routes: [{ dst: "10.0.0.0/8", scope: "x" }] },
      {},
      {},
      6,
      '"ipam.routes[0].scope": want a number, got "x"',
    ],
    [{ dns: { nameservers: "x" } }, {}, {}, 6, '"ipam.dns.nameservers": want a list, got "x"'],
    [{}, {}, { CNI_ARGS: "MAC=x" }, 4, /^CNI_ARGS: unknown args \["MAC=x"\]/],
    [
      { addresses: [v4, { address: "10.1.0.1/8" }] },
      { cniVersion: "0.2.0" },
      {},
      7,
      "CNI version 0.2.0 does not support more than 1 address per family",
    ],
  ];
  for (const [ipam, more, environment = {}, code, message] of refused) {
    it(`answers ${code}: ${message}`, () => {
      const run = call(ipam, more, { env: environment });
      equal(run.status, 1);
      equal(run.json.code, code);
      if (typeof message === "string") equal(run.json.msg, message);
      else match(run.json.msg, message);
    });
  }
});

describe("static CHECK", () => {
  const check = (prevResult: object | undefined, ipam: object = { addresses: [v4] }) =>
    call(ipam, prevResult ? { prevResult } : {}, { command: "CHECK" });

  it("is content with the result of ADD", () => {
    deepEqual(check({ cniVersion: "1.1.0", ips: [v4] }).stdout, "");
  });

  it("is content without the address, which a later plugin may have moved", () => {
    equal(check({ ips: [] }).status, 0);
  });

  it("wants prevResult", () => {
    const { json } = check(undefined);
    equal(json.code, 7);
    equal(json.msg, "Required prevResult missing");
  });

  it("names an address with another gateway", () => {
    const { json } = check({ ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.9" }] });
    equal(json.msg, "static: Failed to match addr 10.0.0.2/24 on interface eth0");
    equal(json.details, 'want gateway "10.0.0.1", prevResult has "10.0.0.9"');
  });
});

describe("static DEL, GC and STATUS", () => {
  for (const command of ["DEL", "GC", "STATUS"]) {
    it(`${command} says nothing`, () => {
      const run = call({ addresses: [v4] }, {}, { command });
      deepEqual([run.status, run.stdout, run.stderr], [0, "", ""]);
    });
  }

  it("DEL succeeds with a configuration that ADD refuses", () => {
    const run = call({ addresses: [{ address: "zz" }] }, { prevResult: "x" }, { command: "DEL" });
    equal(run.status, 0);
    equal(run.stdout, "");
    match(run.stderr, /leaves out "ipam.addresses\[0\].address"/);
    match(run.stderr, /goes on without prevResult/);
  });

  it("STATUS names what an ADD would refuse", () => {
    equal(call(undefined, {}, { command: "STATUS" }).json.code, 7);
  });
});
