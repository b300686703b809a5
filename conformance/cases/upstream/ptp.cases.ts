/**
 * ptp: links, addresses, routes and name servers (checklist 6.2).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { addressesOf } from "../../runner/ipam-network.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { BridgeNetwork, ranges } from "./bridge-network.ts";

const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const one = { ipMasq: true, mtu: 5000, ipam: ranges("10.1.2.0/24") };
const dns = {
  nameservers: ["10.1.2.123"],
  domain: "some.domain.test",
  search: ["search.test"],
  options: ["option1:foo"],
};

function ptpCase(
  lines: Case["lines"],
  fact: string,
  config: object | ((trial: Trial) => object),
  run: (network: BridgeNetwork) => void,
): Case {
  return {
    lines,
    program: "ptp",
    beside: ["host-local"],
    fact,
    run: (trial) => {
      const keys = typeof config === "function" ? config(trial) : config;
      run(new BridgeNetwork(trial, { type: "ptp", bridge: undefined, ...keys }));
    },
  };
}

function pings(net: BridgeNetwork, address: string): boolean {
  const argv = ["ping", "-c1", "-W5", address];
  return net.trial.host.run(argv, { netns: net.netns }).status === 0;
}

/** The pair as the result tells of it is the pair that the kernel has. @returns the row of the host's end */
function tellsOfPair(net: BridgeNetwork, { interfaces, ips }: Reply): Reply {
  const [host, container] = interfaces;
  match(host.name, /^veth/);
  deepEqual([host.sandbox ?? "", container.sandbox], ["", net.netns]);
  const [outside, inside] = [net.link(host.name), net.link("eth0", net.netns)];
  deepEqual([host.mac, container.mac], [outside.address, inside.address]);
  for (const ip of ips) equal(ip.interface, 1);
  return outside;
}

/** Destinations of a container's routes, `via` their gateways. */
function routesOf(net: BridgeNetwork, family: string): string[] {
  const rows: Reply[] = net.trial.host.ipJson(`${family} route show dev eth0`, net.netns);
  const own = rows.filter(({ dst }) => !/^(fe80|ff00|multicast)/.test(dst));
  return own
    .map(({ dst, gateway, prefsrc }) =>
      [dst, gateway && `via ${gateway}`, prefsrc && `src ${prefsrc}`].filter(Boolean).join(" "),
    )
    .sort();
}

const inEachVersion = versions.map(
  (cniVersion): Case => ({
    ...ptpCase(
      ["U-043", "U-046", "U-050", "U-052"],
      `attaches a container and takes it away in ${cniVersion}`,
      { ...one, cniVersion, dns },
      (net) => {
        net.trial.ok(net.call("DEL"));
        const result = net.add();
        deepEqual(addressesOf(result), ["10.1.2.2/24"]);
        deepEqual(result.dns, dns);
        const host = cniVersion >= "0.3.0" ? tellsOfPair(net, result) : undefined;
        if (host !== undefined) equal(host.mtu, 5000);
        equal(net.link("eth0", net.netns).mtu, 5000);
        deepEqual(net.addresses("eth0", net.netns), ["10.1.2.2/24"]);
        ok(pings(net, "10.1.2.1"));
        const after = cniVersion >= "0.4.0" ? { prevResult: result } : {};
        if (cniVersion >= "0.4.0") net.trial.ok(net.call("CHECK", after));
        net.trial.ok(net.call("DEL", after));
        equal(net.link("eth0", net.netns), undefined);
        if (host !== undefined) equal(net.link(host.ifname), undefined);
      },
    ),
    version: cniVersion,
  }),
);

const routes = ["0.0.0.0/0", "::/0", "192.168.0.0/16", "1.2.3.4/32"].map((dst) => ({ dst }));

const routing: Case[] = [
  {
    ...ptpCase(
      ["U-045"],
      "attaches both families with their routes",
      { ...one, ipam: { ...ranges("10.1.2.0/24", "2001:db8:1::/66"), routes } },
      (net) => {
        const result = net.add();
        tellsOfPair(net, result);
        deepEqual(result.routes, routes);
        deepEqual(addressesOf(result), ["10.1.2.2/24", "2001:db8:1::2/66"]);
        deepEqual(net.addresses("eth0", net.netns), ["10.1.2.2/24", "2001:db8:1::2/66"]);
        ok(pings(net, "10.1.2.1"));
        ok(pings(net, "2001:db8:1::1"));
        deepEqual(routesOf(net, "-4"), [
          "1.2.3.4 via 10.1.2.1",
          "10.1.2.0/24 via 10.1.2.1 src 10.1.2.2",
          "10.1.2.1 src 10.1.2.2",
          "192.168.0.0/16 via 10.1.2.1",
          "default via 10.1.2.1",
        ]);
        deepEqual(routesOf(net, "-6"), [
          "2001:db8:1::/66 via 2001:db8:1::1 src 2001:db8:1::2",
          "2001:db8:1::1 src 2001:db8:1::2",
          "default via 2001:db8:1::1",
        ]);
      },
    ),
    version: "0.3.0",
  },
  {
    ...ptpCase(["U-043"], "makes the host the next hop, and nothing more", one, (net) => {
      const [{ name }] = net.add().interfaces;
      deepEqual(net.addresses(name), ["10.1.2.1/32"]);
      const found: Reply[] = net.trial.host.ipJson(`-4 route show dev ${name}`);
      deepEqual(
        found.map(({ dst, scope }) => [dst, scope]),
        [["10.1.2.2", "host"]],
      );
      equal(net.trial.host.sysctl("net.ipv4.ip_forward"), "1");
      equal(net.trial.host.sysctl(`net.ipv6.conf.${name}.accept_ra`), "0");
    }),
    version: "0.3.0",
  },
];

const masquerade: Case[] = ["iptables", "nftables"].map((ipMasqBackend) =>
  ptpCase(
    ["U-044"],
    `masquerades with ipMasqBackend ${ipMasqBackend}, until DEL`,
    { ...one, ipMasqBackend, ipam: { ...ranges("10.1.2.0/24"), routes: [{ dst: "0.0.0.0/0" }] } },
    (net) => {
      net.trial.host.outside();
      const result = net.add();
      ok(pings(net, "192.0.2.2"));
      ok(JSON.stringify(net.trial.host.nftJson()).includes("10.1.2.2"));
      net.trial.ok(net.call("DEL", { prevResult: result }));
      ok(!JSON.stringify(net.trial.host.nftJson()).includes("10.1.2.2"));
    },
  ),
);

/** IPAM that says these name servers. */
function resolving(trial: Trial): object {
  trial.host.ok(["tee", "/run/resolv.conf"], {
    input: "nameserver 192.0.2.53\ndomain example.com\nsearch example.org\noptions ndots:2\n",
  });
  return { ...one, ipam: { ...ranges("10.1.2.0/24"), resolvConf: "/run/resolv.conf" } };
}

const ofIpam = {
  nameservers: ["192.0.2.53"],
  domain: "example.com",
  search: ["example.org"],
  options: ["ndots:2"],
};

const resolver: Case[] = [
  ptpCase(["U-047"], "has IPAM's name servers when it is given none", resolving, (net) => {
    deepEqual(net.add().dns, ofIpam);
  }),
  ...Object.entries(dns).map(([key, value]) =>
    ptpCase(["U-048"], `has no name servers of IPAM beside its own ${key}`, resolving, (net) => {
      deepEqual(net.add({ dns: { [key]: value } }).dns, { [key]: value });
    }),
  ),
  ptpCase(["U-049"], "has none when its own lists are empty", resolving, (net) => {
    const empty = { nameservers: [], search: [], options: [] };
    const { dns: told = {} } = net.add({ dns: empty });
    deepEqual(
      Object.values(told).filter((value) => (value as string | string[]).length > 0),
      [],
    );
  }),
];

const status: Case = {
  ...ptpCase(["U-051"], "is ready", one, (net) => {
    net.trial.ok(net.call("STATUS"));
  }),
  version: "1.1.0",
};

export const cases: readonly Case[] = [
  ...inEachVersion,
  ...routing,
  ...masquerade,
  ...resolver,
  status,
];
