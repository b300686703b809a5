import { deepEqual, equal, throws } from "node:assert/strict";
import { parseConfig } from "../../../core/cni/config.ts";
import { describePlace } from "../../../core/nft/describe-element.ts";
import { allowanceOf } from "../../../plugins/firewall/allowance.ts";
import { firewallConfig, firewalldIsTold, sayUnused } from "../../../plugins/firewall/config.ts";

const parse = (keys: object) => parseConfig(firewallConfig, { name: "net", ...keys });
const attachment = { network: "net", containerId: "c1", ifname: "eth0" };

describe("firewallConfig", () => {
  it("takes empty texts as none", () => {
    const config = parse({ backend: "", iptablesAdminChainName: "", ingressPolicy: "" });
    equal(config.iptablesAdminChainName, undefined);
    equal(config.ingressPolicy, undefined);
  });

  for (const name of ["CNI-ADMIN", "DOCKER-USER", "my.chain_2", "9"]) {
    it(`takes chain ${name}`, () => {
      equal(parse({ iptablesAdminChainName: name }).iptablesAdminChainName, name);
    });
  }
  for (const name of ["-A", "a b", "a;b", "$(x)", '"', "ACCEPT", "CNI-FORWARD", "x".repeat(29)]) {
    it(`refuses chain ${name}`, () => {
      throws(() => parse({ iptablesAdminChainName: name }), {
        code: 7,
        message: /^"iptablesAdminChainName": want/,
      });
    });
  }

  it("names the policy that it does not know", () => {
    throws(() => parse({ ingressPolicy: "Open" }), {
      code: 7,
      message: /unknown ingress policy: "Open", want "open"/,
    });
  });

  it("knows when firewalld is told", () => {
    const told = (backend?: string) =>
      firewalldIsTold(parse(backend === undefined ? {} : { backend }));
    deepEqual(["firewalld", "iptables", "nftables"].map(told), ["always", "never", "never"]);
    deepEqual([undefined, "", "ufw"].map(told), ["if running", "if running", "if running"]);
  });

  it("says nothing of back ends that it knows", () => {
    const said: string[] = [];
    for (const backend of [undefined, "", "iptables", "nftables", "firewalld"]) {
      sayUnused(parse(backend === undefined ? {} : { backend }), (text) => said.push(text));
    }
    deepEqual(said, []);
  });
});

describe("allowanceOf", () => {
  const places = (keys: object, prevResult: object): string[] =>
    allowanceOf({ config: parse(keys), attachment, prevResult } as never).elements.map(
      describePlace,
    );

  it("has each address once, of whatever interface", () => {
    const ips = [
      { address: "10.1.0.5/24" },
      { address: "10.1.0.5/16", interface: 7 },
      { address: "fd00::5/64" },
    ];
    deepEqual(places({}, { ips }), [
      "inet netloom pods4 { 10.1.0.5 }",
      "inet netloom pods6 { fd00::5 }",
    ]);
  });

  it("closes the first interface of the result", () => {
    const interfaces = [{ name: "br0" }, { name: "eth0", sandbox: "/x" }];
    deepEqual(places({ ingressPolicy: "isolated" }, { interfaces }), [
      'inet netloom closed { "br0" }',
      'inet netloom same { "br0" . "br0" }',
      'inet netloom apart { "br0" . "br0" }',
    ]);
    const ported = [{ name: "br0" }, { name: "veth1" }, { name: "eth0", sandbox: "/x" }];
    const isolated = places({ ingressPolicy: "isolated" }, { interfaces: ported });
    equal(isolated.at(-1), 'bridge netloom apart_ports { "veth1" }');
    equal(places({ ingressPolicy: "same-bridge" }, { interfaces: ported }).length, 2);
    equal(places({ ingressPolicy: "same-bridge" }, { interfaces }).length, 2);
    deepEqual(places({ ingressPolicy: "open" }, { interfaces }), []);
  });

  it("has sources of the zone, with the length of one address", () => {
    const prevResult = { ips: [{ address: "10.1.0.5/24" }, { address: "fd00::5/64" }] };
    const of = (keys: object) =>
      allowanceOf({ config: parse(keys), attachment, prevResult }).sources;
    deepEqual(of({}), [
      { zone: "trusted", source: "10.1.0.5/32" },
      { zone: "trusted", source: "fd00::5/128" },
    ]);
    equal(of({ firewalldZone: "work" })[0]?.zone, "work");
    equal(of({ firewalldZone: "" })[0]?.zone, "trusted");
  });

  it("knows the host's link, and the families", () => {
    const config = parse({});
    const bridged = allowanceOf({
      config,
      attachment,
      prevResult: { interfaces: [{ name: "br0" }] },
    });
    equal(bridged.hostLink, "br0");
    deepEqual(bridged.forward.families, []);
    const macvlan = {
      interfaces: [{ name: "eth0", sandbox: "/x" }],
      ips: [{ address: "fd00::5/64" }],
    };
    const inside = allowanceOf({ config, attachment, prevResult: macvlan });
    equal(inside.hostLink, undefined);
    deepEqual(inside.forward.families, [10]);
  });
});
