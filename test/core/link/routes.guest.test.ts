/**
 * Which of three networks owns a container's default route, of kinds that take another kernel; and what such links take of keys that all
 * have.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import {
  add,
  type Config,
  defaultGateways,
  link,
  refused,
  succeed,
} from "../../plugins/bridge/network.ts";

const kinds: Record<string, Config> = {
  dummy: { type: "dummy" },
  vlan: { type: "vlan", master: "uplink", vlanId: 7 },
  ipvlan: { type: "ipvlan", master: "uplink" },
};
const names = Object.keys(kinds);

function configOf(name: string, keys: Config = {}): Config {
  const n = names.indexOf(name) + 1;
  const addresses = [
    { address: `10.9${n}.0.5/16`, gateway: `10.9${n}.0.1` },
    { address: `fd9${n}::5/64`, gateway: `fd9${n}::1` },
  ];
  const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
  const ipam = { type: "static", addresses, routes };
  return { cniVersion: "1.1.0", name: `net-${name}`, ...kinds[name], ipam, ...keys };
}

function lan(): Sandbox {
  const sandbox = Sandbox.create();
  sandbox.outside();
  return sandbox;
}

/** The links that each family's packets leave by. */
function ways(sandbox: Sandbox, netns: string): (string | undefined)[] {
  return ["198.51.100.1", "2001:db8:1::1"].map(
    (to) => /dev (\S+)/.exec(sandbox.run(["ip", "route", "get", to], { netns }).stdout)?.[1],
  );
}

describeKernel("the default route of a container on dummy, vlan and ipvlan", () => {
  for (const owner of [undefined, "ipvlan"]) {
    it(`is ${owner === undefined ? "the first one's when nobody owns it" : `${owner}'s, which owns it`}`, () => {
      using sandbox = lan();
      for (const [at, first] of names.entries()) {
        const order = [first, names[(at + 1) % 3]!, names[(at + 2) % 3]!];
        const netns = sandbox.pod("a");
        const keys = (name: string) => (name === owner ? { defaultRoute: true } : {});
        const present: string[] = [];
        for (const name of order) {
          const config = configOf(name, keys(name));
          const prevResult = add(sandbox, config, { netns, ifName: name });
          succeed(sandbox, {
            command: "CHECK",
            config: { ...config, prevResult },
            netns,
            ifName: name,
          });
          present.push(name);
          const way = owner !== undefined && present.includes(owner) ? owner : present[0];
          deepEqual(ways(sandbox, netns), [way, way], String(present));
        }
        for (const name of order.toReversed()) {
          succeed(sandbox, { command: "DEL", config: configOf(name), netns, ifName: name });
          present.splice(present.indexOf(name), 1);
          const way = owner !== undefined && present.includes(owner) ? owner : present[0];
          deepEqual(ways(sandbox, netns), [way, way], `${present} are left`);
        }
        sandbox.deletePod("a");
      }
    });
  }
});

describeKernel("keys of links on others", () => {
  for (const name of names) {
    it(`${name}: metric is told, and found; with defaultRoute false there is none`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      const { routes } = add(sandbox, configOf(name, { metric: 44 }), { netns });
      deepEqual(
        routes.map(({ priority }: { priority: number }) => priority),
        [44, 44],
      );
      for (const family of ["-4", "-6"]) {
        equal(sandbox.ipJson(`${family} route show default`, netns)[0].metric, 44);
      }
      succeed(sandbox, { command: "DEL", config: configOf(name), netns });
      add(sandbox, configOf(name, { defaultRoute: false }), { netns });
      deepEqual(defaultGateways(sandbox, netns), []);
    });
  }

  for (const name of ["vlan", "ipvlan"]) {
    it(`${name}: the MTU "auto" is the master's`, () => {
      using sandbox = lan();
      sandbox.ok(["ip", "link", "set", "uplink", "mtu", "1404"]);
      const netns = sandbox.pod("a");
      add(sandbox, configOf(name, { mtu: "auto" }), { netns });
      equal(link(sandbox, "eth0", netns).mtu, 1404);
    });
  }

  it("ipvlan: an internal network has no default route, and portmap publishes nothing of it", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, configOf("ipvlan", { internal: true }), { netns });
    deepEqual(defaultGateways(sandbox, netns), []);
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const portmap = { cniVersion: "1.1.0", name: "net-ipvlan", type: "portmap", prevResult };
    const config = { ...portmap, runtimeConfig: { portMappings } };
    match(refused(sandbox, { command: "ADD", config, netns }).msg, /"internal" of ipvlan is true/);
  });
});
