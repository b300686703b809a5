/**
 * Which of a container's networks owns the default route: three networks of three kinds, in every order of attaching and of
 * detaching, for both families.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, refused, succeed } from "../../plugins/bridge/network.ts";

type Name = "a" | "b" | "c";
type Keys = Partial<Record<Name, Config>>;

const orders: readonly Name[][] = [
  ["a", "b", "c"],
  ["a", "c", "b"],
  ["b", "a", "c"],
  ["b", "c", "a"],
  ["c", "a", "b"],
  ["c", "b", "a"],
];
const kinds: Record<Name, Config> = {
  a: { type: "bridge", bridge: "bridge0", isGateway: true },
  b: { type: "ptp" },
  c: { type: "macvlan", master: "uplink" },
};
const numbers: Record<Name, number> = { a: 1, b: 2, c: 3 };
const somewhere = ["198.51.100.1", "2001:db8:1::1"];

function configOf(name: Name, keys: Keys): Config {
  const n = numbers[name];
  const ranges = [[{ subnet: `10.9${n}.0.0/16` }], [{ subnet: `fd9${n}::/64` }]];
  const ipam = { type: "host-local", ranges, routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] };
  return { cniVersion: "1.1.0", name: `net${name}`, ...kinds[name], ipam, ...keys[name] };
}

function host(): Sandbox {
  const sandbox = Sandbox.create();
  sandbox.outside();
  return sandbox;
}

/** The network that each family's packets leave by. */
function owners(sandbox: Sandbox, netns: string): (string | undefined)[] {
  return somewhere.map((address) => {
    const done = sandbox.run(["ip", "route", "get", address], { netns });
    return /dev net(\w)/.exec(done.stdout)?.[1];
  });
}

/** Metrics of the default routes, IPv4 and IPv6, ascending. */
function metrics(sandbox: Sandbox, netns: string): number[][] {
  return ["-4", "-6"].map((family) =>
    sandbox
      .ipJson(`${family} route show default`, netns)
      .map(({ metric = 0 }: { metric?: number }) => metric)
      .sort((one: number, other: number) => one - other),
  );
}

/** What ADD told of the default routes of both families. */
// biome-ignore lint/suspicious/noExplicitAny: results of every version
function toldMetrics({ routes = [] }: any): (number | undefined)[] {
  return routes.map(({ priority }: { priority?: number }) => priority);
}

/** Attaches one after another. @returns the results by network */
function attachAll(sandbox: Sandbox, netns: string, order: readonly Name[], keys: Keys) {
  const results = new Map<Name, Config>();
  for (const name of order) {
    const call = { netns, ifName: `net${name}` };
    results.set(name, add(sandbox, configOf(name, keys), call));
  }
  return results;
}

function callOf(
  command: string,
  netns: string,
  name: Name,
  keys: Keys,
  more: Config = {},
): CniCall {
  return { command, config: { ...configOf(name, keys), ...more }, netns, ifName: `net${name}` };
}

/**
 * Attaches in every order and, for each, detaches in every order.
 * @param detachments the orders of detaching that are tried for one of attaching
 * @param rank the networks that have a default route, of those that are there in the order they came; the first owns it
 */
function everyOrder(
  keys: Keys,
  rank: (present: Name[]) => Name[],
  detachments: (attached: readonly Name[]) => readonly Name[][] = () => orders,
): void {
  using sandbox = host();
  for (const attached of orders) {
    for (const detached of detachments(attached)) {
      const netns = sandbox.pod("pod");
      const results = attachAll(sandbox, netns, attached, keys);
      const expected = (present: Name[]) => [rank(present)[0], rank(present)[0]];
      const what = `${attached} then ${detached}`;
      deepEqual(owners(sandbox, netns), expected([...attached]), what);
      for (const [name, prevResult] of results) {
        succeed(sandbox, callOf("CHECK", netns, name, keys, { prevResult }));
      }
      const present = [...attached];
      for (const name of detached) {
        succeed(sandbox, callOf("DEL", netns, name, keys, { prevResult: results.get(name) }));
        present.splice(present.indexOf(name), 1);
        deepEqual(owners(sandbox, netns), expected(present), `${what}: without ${name}`);
      }
      sandbox.deletePod("pod");
    }
  }
}

/** Each order of detaching once in all. */
function inTurn(attached: readonly Name[]): readonly Name[][] {
  return orders.slice(orders.indexOf(attached as Name[])).slice(0, 1);
}

describeKernel("the default route of a container with three networks", () => {
  it("is the first network's when nobody says anything", () => {
    everyOrder({}, (present) => present);
  });

  it("is that of the network that owns it, whenever that came", () => {
    everyOrder({ b: { defaultRoute: true } }, (present) =>
      present.includes("b") ? ["b"] : present,
    );
  });

  it("is that of the lowest metric", () => {
    everyOrder(
      { a: { metric: 30 }, b: { metric: 10 }, c: { metric: 20 } },
      (present) => present.toSorted((one, other) => "bca".indexOf(one) - "bca".indexOf(other)),
      inTurn,
    );
  });

  it("is never that of a network that has none", () => {
    everyOrder(
      { a: { defaultRoute: false } },
      (present) => present.filter((name) => name !== "a"),
      inTurn,
    );
  });
});

describeKernel("metrics of routes", () => {
  it("are told when they are not what was asked for", () => {
    using sandbox = host();
    const netns = sandbox.pod("pod");
    const results = attachAll(sandbox, netns, ["a", "b", "c"], {});
    deepEqual(
      ["a", "b", "c"].map((name) => toldMetrics(results.get(name as Name))),
      [
        [undefined, undefined],
        [1, 1025],
        [2, 1026],
      ],
    );
    deepEqual(metrics(sandbox, netns), [
      [0, 1, 2],
      [1024, 1025, 1026],
    ]);
  });

  it("are those of `metric`, but for routes that have their own", () => {
    using sandbox = host();
    const netns = sandbox.pod("pod");
    const config = configOf("b", { b: { metric: 77 } });
    const ipam = config["ipam"] as Config;
    const routes = [...(ipam["routes"] as Config[]), { dst: "10.1.0.0/16", priority: 5 }];
    const all = { ...config, ipam: { ...ipam, routes: [...routes, { dst: "10.2.0.0/16" }] } };
    const prevResult = add(sandbox, all, { netns, ifName: "netb" });
    deepEqual(toldMetrics(prevResult), [77, 77, 5, 77]);
    const found = sandbox.ipJson("-4 route show", netns);
    const metricOf = (dst: string) => found.find((row) => row.dst === dst)?.metric;
    deepEqual(["default", "10.1.0.0/16", "10.2.0.0/16"].map(metricOf), [77, 5, 77]);
    const check: CniCall = {
      command: "CHECK",
      config: { ...all, prevResult },
      netns,
      ifName: "netb",
    };
    succeed(sandbox, check);
    sandbox.ok(["ip", "route", "delete", "10.2.0.0/16"], { netns });
    sandbox.ok(["ip", "route", "add", "10.2.0.0/16", "via", "10.92.0.1", "metric", "78"], {
      netns,
    });
    match(refused(sandbox, check).msg, /Expected Route 10\.2\.0\.0\/16 metric 77 not found/);
  });

  it("make way for the owner in the order they have, and keep what routes have beside", () => {
    using sandbox = host();
    const netns = sandbox.pod("pod");
    attachAll(sandbox, netns, ["a", "c"], {});
    for (const [family, metric] of [
      ["-4", "1"],
      ["-6", "1025"],
    ] as const) {
      const lock = ["mtu", "1300", "advmss", "1200"];
      const gateway = family === "-4" ? "10.93.0.1" : "fd93::1";
      const route = ["default", "via", gateway, "dev", "netc", "metric", metric];
      sandbox.ok(["ip", family, "route", "replace", ...route, ...lock], { netns });
    }
    add(sandbox, configOf("b", { b: { defaultRoute: true } }), { netns, ifName: "netb" });
    deepEqual(metrics(sandbox, netns), [
      [0, 1, 2],
      [1, 1024, 1025],
    ]);
    for (const family of ["-4", "-6"]) {
      const rows = sandbox.ipJson(`${family} route show default`, netns);
      const moved = rows.find(({ dev }: { dev: string }) => dev === "netc");
      deepEqual(moved.metrics, [{ mtu: 1300, advmss: 1200 }], family);
    }
  });

  it("CHECK names a default route that has got before the owner's", () => {
    using sandbox = host();
    const netns = sandbox.pod("pod");
    const keys = { b: { defaultRoute: true, metric: 50 } };
    const prevResult = attachAll(sandbox, netns, ["a", "b"], keys).get("b");
    const check = callOf("CHECK", netns, "b", keys, { prevResult });
    succeed(sandbox, check);
    sandbox.ok(["ip", "route", "prepend", "default", "via", "10.91.0.1", "metric", "50"], {
      netns,
    });
    match(refused(sandbox, check).msg, /"netb" owns the default route, and another with metric 50/);
  });

  it("two owners: the metric decides, and one that both have is refused with nothing left", () => {
    using sandbox = host();
    const netns = sandbox.pod("pod");
    const keys = { a: { defaultRoute: true, metric: 9 }, b: { defaultRoute: true, metric: 9 } };
    attachAll(sandbox, netns, ["c", "a"], keys);
    const before = sandbox.snapshot(netns);
    const error = refused(sandbox, callOf("ADD", netns, "b", keys));
    equal(error.code, 7);
    match(error.msg, /another network of the container owns the default route with metric 9/);
    deepEqual(sandbox.snapshot(netns), before);
    add(sandbox, configOf("b", { b: { defaultRoute: true, metric: 8 } }), {
      netns,
      ifName: "netb",
    });
    deepEqual(owners(sandbox, netns), ["b", "b"]);
  });

  it("a default route is made through the gateway for an owner whose IPAM has none", () => {
    using sandbox = host();
    const netns = sandbox.pod("pod");
    const config = configOf("c", { c: { defaultRoute: true } });
    const ipam = { ...(config["ipam"] as Config), routes: undefined };
    add(sandbox, { ...config, ipam }, { netns, ifName: "netc" });
    deepEqual(owners(sandbox, netns), ["c", "c"]);
    const addresses = [{ address: "10.99.0.5/16" }];
    const without = { ...config, name: "bare", ipam: { type: "static", addresses } };
    const call: CniCall = { command: "ADD", config: without, netns, ifName: "bare" };
    match(refused(sandbox, call).msg, /"defaultRoute" is true, and IPAM gave no gateway/);
  });

  it("two ADDs at once get two metrics", async () => {
    using sandbox = host();
    for (let round = 0; round < 10; round++) {
      const netns = sandbox.pod("pod");
      const calls = orders[0]!.map((name) => callOf("ADD", netns, name, {}));
      const done = await sandbox.cniAtOnce(calls);
      deepEqual(
        done.map(({ status }) => status),
        [0, 0, 0],
        done.map((d) => d.stdout).join(),
      );
      deepEqual(metrics(sandbox, netns), [
        [0, 1, 2],
        [1024, 1025, 1026],
      ]);
      for (const name of orders[0]!) succeed(sandbox, callOf("DEL", netns, name, {}));
      sandbox.deletePod("pod");
    }
  });
});
