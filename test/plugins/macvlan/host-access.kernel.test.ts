/**
 * `hostAccess` of the built macvlan: the host and its containers reach each other, and nothing stays of it.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, link, pings, refused, succeed } from "../bridge/network.ts";
import { comeAndGo } from "../links/crowd.ts";

const config: Config = {
  cniVersion: "1.1.0",
  name: "lan",
  type: "macvlan",
  master: "uplink",
  hostAccess: true,
  ipam: {
    type: "host-local",
    ranges: [
      [{ subnet: "192.0.2.0/24", rangeStart: "192.0.2.100" }],
      [{ subnet: "2001:db8::/64", rangeStart: "2001:db8::100" }],
    ],
  },
};
const hostAddresses = ["192.0.2.1", "2001:db8::1"];
const outsideAddresses = ["192.0.2.2", "2001:db8::2"];

/** A host on a network whose other machine has 192.0.2.2 and 2001:db8::2. */
function lan(): Sandbox {
  const sandbox = Sandbox.create();
  sandbox.outside();
  return sandbox;
}

/** Names of the host's own macvlans. */
function hostLinks(sandbox: Sandbox): string[] {
  return sandbox
    .ipJson("-d link")
    .filter(({ linkinfo }) => linkinfo?.info_kind === "macvlan")
    .map(({ ifname }) => ifname);
}

/** Destinations of the host's routes by its own macvlans, link-local ones left out. */
function routes(sandbox: Sandbox): string[] {
  const all = ["-4", "-6"].flatMap((family) => sandbox.ipJson(`${family} route`));
  return all
    .filter(({ dev, metric = 0 }) => dev?.startsWith("mv") && metric >= 2 ** 30)
    .map(({ dst }) => dst);
}

/** Addresses of a result without their prefix lengths. */
// biome-ignore lint/suspicious/noExplicitAny: results of every version
const addressesOf = ({ ips }: any): string[] =>
  ips.map(({ address }: { address: string }) => address.replace(/\/.*/, ""));

function reach(sandbox: Sandbox, addresses: readonly string[], netns?: string): boolean[] {
  return addresses.map((address) => pings(sandbox, address, netns));
}

describeKernel("macvlan with hostAccess", () => {
  it("pain 25: the host and the container reach each other, and nothing is left after DEL", () => {
    using sandbox = lan();
    const before = sandbox.snapshot();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    const own = addressesOf(prevResult);
    deepEqual(reach(sandbox, own), [true, true], "host to container");
    deepEqual(reach(sandbox, hostAddresses, netns), [true, true], "container to host");
    deepEqual(reach(sandbox, outsideAddresses, netns), [true, true]);
    deepEqual(reach(sandbox, outsideAddresses), [true, true], "host to the world");
    deepEqual(routes(sandbox), own);
    const after = { ...config, prevResult };
    succeed(sandbox, { command: "CHECK", config: after, netns });
    for (let round = 0; round < 2; round++)
      succeed(sandbox, { command: "DEL", config: after, netns });
    deepEqual(hostLinks(sandbox), []);
    const { links, addresses, routes: left } = sandbox.snapshot();
    deepEqual([links, addresses, left], [before.links, before.addresses, before.routes]);
  });

  it("the container finds the host first, too: without any neighbour known", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    deepEqual(reach(sandbox, hostAddresses, netns), [true, true]);
  });

  it("to the world outside the host keeps its one MAC address, and hears no router by that link", () => {
    using sandbox = lan();
    const outside = sandbox.outside();
    add(sandbox, config, { netns: sandbox.pod("a") });
    for (let round = 0; round < 5; round++) {
      sandbox.ok(["ip", "neigh", "flush", "all"], { netns: outside });
      deepEqual(reach(sandbox, hostAddresses, outside), [true, true]);
      const known = sandbox
        .ipJson("neigh", outside)
        .filter(({ dst }) => hostAddresses.includes(dst));
      const { address } = link(sandbox, "uplink");
      deepEqual(
        known.map(({ lladdr }) => lladdr),
        [address, address],
      );
    }
    const [name] = hostLinks(sandbox);
    equal(sandbox.sysctl(`net.ipv6.conf.${name}.accept_ra`), "0");
  });

  it("works where reverse paths are checked strictly", () => {
    using sandbox = lan();
    for (const name of ["all", "default"]) sandbox.sysctl(`net.ipv4.conf.${name}.rp_filter`, 1);
    const netns = sandbox.pod("a");
    const own = addressesOf(add(sandbox, config, { netns }));
    deepEqual(
      [...reach(sandbox, own), ...reach(sandbox, hostAddresses, netns)],
      [true, true, true, true],
    );
  });

  it("containers of a network share the host's link, which goes with the last", () => {
    using sandbox = lan();
    const [one, other] = [sandbox.pod("a"), sandbox.pod("b")];
    add(sandbox, config, { netns: one, containerId: "one" });
    const kept = add(sandbox, config, { netns: other, containerId: "other" });
    equal(hostLinks(sandbox).length, 1);
    succeed(sandbox, { command: "DEL", config, netns: one, containerId: "one" });
    deepEqual(routes(sandbox), addressesOf(kept));
    deepEqual(reach(sandbox, addressesOf(kept)), [true, true]);
    const checked = { ...config, prevResult: kept };
    succeed(sandbox, { command: "CHECK", config: checked, netns: other, containerId: "other" });
    succeed(sandbox, { command: "DEL", config, netns: other, containerId: "other" });
    deepEqual(hostLinks(sandbox), []);
  });

  it("each network has its own, on the same master too", () => {
    using sandbox = lan();
    add(sandbox, config, { netns: sandbox.pod("a") });
    const second = {
      ...config,
      name: "lan2",
      ipam: { type: "static", addresses: [{ address: "192.0.2.50/24" }] },
    };
    const netns = sandbox.pod("b");
    add(sandbox, second, { netns });
    equal(hostLinks(sandbox).length, 2);
    deepEqual(reach(sandbox, ["192.0.2.50"]), [true]);
    succeed(sandbox, { command: "DEL", config: second, netns });
    equal(hostLinks(sandbox).length, 1);
  });

  it("DEL cleans up when the namespace, the record or the key are gone", () => {
    using sandbox = lan();
    for (const spoil of ["namespace", "record", "key"]) {
      const netns = sandbox.pod("a");
      add(sandbox, config, { netns });
      if (spoil === "namespace") sandbox.deletePod("a");
      if (spoil === "record") sandbox.ok(["rm", "-r", "/run/netloom/lan"]);
      const later = spoil === "key" ? { ...config, hostAccess: false, master: "other" } : config;
      succeed(sandbox, { command: "DEL", config: later, netns });
      deepEqual([hostLinks(sandbox), routes(sandbox)], [[], []], spoil);
      if (spoil !== "namespace") sandbox.deletePod("a");
    }
  });

  it("GC takes away what is stale, and keeps what is not", () => {
    using sandbox = lan();
    add(sandbox, config, { netns: sandbox.pod("a"), containerId: "gone" });
    const kept = add(sandbox, config, { netns: sandbox.pod("b"), containerId: "kept" });
    sandbox.ok(["rm", "-r", "/run/netloom/lan"]);
    const gc = (...containerIds: string[]): CniCall => {
      const valid = containerIds.map((containerID) => ({ containerID, ifname: "eth0" }));
      return { command: "GC", config: { ...config, "cni.dev/valid-attachments": valid } };
    };
    succeed(sandbox, { command: "GC", config });
    equal(routes(sandbox).length, 4, "nothing is known of what is valid");
    succeed(sandbox, gc("kept"));
    deepEqual(routes(sandbox), addressesOf(kept));
    succeed(sandbox, { ...gc(), config: { ...(gc().config as Config), name: "another" } });
    deepEqual(routes(sandbox), addressesOf(kept), "of this network alone");
    succeed(sandbox, gc());
    deepEqual(hostLinks(sandbox), []);
  });

  const spoilt: [string, (name: string, address: string) => string[], RegExp][] = [
    [
      "the route",
      (name, address) => ["route", "delete", address, "dev", name],
      /has no route to 192\.0\.2\.\d+/,
    ],
    ["the link", (name) => ["link", "delete", name], /has no route to 192\.0\.2\.\d+/],
    [
      "up, the link's state,",
      (name) => ["link", "set", name, "down"],
      /has no route to 192\.0\.2\.\d+/,
    ],
  ];
  for (const [what, command, says] of spoilt) {
    it(`CHECK names it when ${what} is gone`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      const [name = ""] = hostLinks(sandbox);
      sandbox.ok(["ip", ...command(name, addressesOf(prevResult)[0]!)]);
      match(
        refused(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns }).msg,
        says,
      );
    });
  }

  it("DEL and GC take a link away that was half made", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    const [name = ""] = hostLinks(sandbox);
    const half = ["ip", "link", "add", name, "link", "uplink", "type", "macvlan", "mode", "bridge"];
    succeed(sandbox, { command: "DEL", config, netns });
    const valid = { "cni.dev/valid-attachments": [] };
    for (const call of [{ command: "DEL", netns }, { command: "GC" }]) {
      sandbox.ok(half);
      succeed(sandbox, { ...call, config: { ...config, ...valid } });
      deepEqual(hostLinks(sandbox), [], call.command);
    }
  });

  it("completes a link that was half made, and leaves a stranger's of that name alone", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    const [name = ""] = hostLinks(sandbox);
    succeed(sandbox, { command: "DEL", config, netns });
    sandbox.ok(["ip", "link", "add", name, "link", "uplink", "type", "macvlan", "mode", "bridge"]);
    const own = addressesOf(add(sandbox, config, { netns }));
    deepEqual(
      [...reach(sandbox, own), ...reach(sandbox, hostAddresses, netns)],
      [true, true, true, true],
    );
    succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(hostLinks(sandbox), []);
    sandbox.ok(["ip", "link", "add", name, "type", "bridge"]);
    const before = sandbox.snapshot(netns);
    match(
      refused(sandbox, { command: "ADD", config, netns }).msg,
      new RegExp(`make the host's link "${name}"`),
    );
    deepEqual(sandbox.snapshot(netns), before);
    ok(link(sandbox, name));
  });

  it("many at once, coming and going: who stays is reached, and nothing is left", async () => {
    using sandbox = lan();
    await comeAndGo(sandbox, config, {
      there: (added) => {
        const there = added.flatMap(({ json }) => addressesOf(json));
        deepEqual(routes(sandbox).sort(), there.toSorted());
        deepEqual(
          reach(sandbox, there),
          there.map(() => true),
        );
      },
      gone: () => deepEqual(hostLinks(sandbox), []),
    });
  });

  const wrong: [string, Config, RegExp][] = [
    ["another mode", { mode: "private" }, /"hostAccess" needs "mode": "bridge"/],
    [
      "a master in the container",
      { linkInContainer: true },
      /"hostAccess" needs a master on the host/,
    ],
    ["no IPAM", { ipam: {} }, /"hostAccess" needs "ipam"/],
  ];
  for (const [what, keys, says] of wrong) {
    it(`is refused with ${what}`, () => {
      using sandbox = lan();
      const call = { command: "ADD", config: { ...config, ...keys }, netns: sandbox.pod("a") };
      const error = refused(sandbox, call);
      equal(error.code, 7);
      match(error.msg, says);
    });
  }
});
