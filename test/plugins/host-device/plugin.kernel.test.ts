/**
 * The built host-device, with a veth as the device. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import type { CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { add, addresses, type Config, link, refused, succeed } from "../bridge/network.ts";
import {
  alias,
  atHome,
  config,
  givenBack,
  layer2,
  mac,
  mtu,
  traces,
  world,
} from "./device-world.ts";

describeKernel("host-device", () => {
  it("U-088, U-089, U-093: gives the device away, is checked, and gives it back", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    succeed(sandbox, { command: "DEL", config, netns });
    const result = add(sandbox, config, { netns });
    deepEqual(result.interfaces, [{ name: "eth0", mac, mtu, sandbox: netns }]);
    equal(link(sandbox, "nic0"), undefined);
    const found = link(sandbox, "eth0", netns);
    deepEqual([found.address, found.ifalias, found.flags.includes("UP")], [mac, "nic0", true]);
    deepEqual(addresses(sandbox, "eth0", netns), ["10.8.0.2/24", "fd08::2/64"]);
    const after = { ...config, prevResult: result };
    succeed(sandbox, { command: "CHECK", config: after, netns });
    succeed(sandbox, { command: "DEL", config: after, netns });
    deepEqual(atHome(sandbox), givenBack);
    equal(link(sandbox, "eth0", netns), undefined);
    succeed(sandbox, { command: "DEL", config: after, netns });
    deepEqual(atHome(sandbox), givenBack);
    refused(sandbox, { command: "CHECK", config: after, netns });
    deepEqual(traces(sandbox), []);
  });

  it("U-090: a link of that name on the host makes DEL fail, and the container keeps the device", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    sandbox.ok(["ip", "link", "add", "nic0", "type", "veth", "peer", "name", "other"]);
    const before = sandbox.snapshot(netns);
    const call: CniCall = { command: "DEL", config: { ...config, prevResult }, netns };
    const { msg, details = "" } = refused(sandbox, call);
    equal(msg, 'failed to give "eth0" back as "nic0": the host has a link of that name');
    match(details, /delete or rename the other "nic0"/);
    deepEqual(sandbox.snapshot(netns), before);
    sandbox.ok(["ip", "link", "delete", "nic0"]);
    succeed(sandbox, call);
    deepEqual(atHome(sandbox), givenBack);
    deepEqual(traces(sandbox), []);
  });

  const clashes: [what: string, ifName: string, inside: string, outside: string | undefined][] = [
    ["U-091: the container has a link by the device's name", "eth0", "nic0", undefined],
    ["the host has a link by the container's name", "eth0", "other", "eth0"],
    ["both have", "eth0", "nic0", "eth0"],
    ["the name stays the same", "nic0", "other", undefined],
  ];
  for (const [what, ifName, inside, outside] of clashes) {
    it(`${what}: it comes and goes`, () => {
      using sandbox = world();
      const netns = sandbox.pod("a");
      sandbox.ok(["ip", "link", "add", inside, "type", "veth", "peer", "name", "p"], { netns });
      if (outside) sandbox.ok(["ip", "link", "add", outside, "type", "veth", "peer", "name", "q"]);
      const before = [sandbox.snapshot().links, sandbox.snapshot(netns).links];
      const prevResult = add(sandbox, config, { netns, ifName });
      equal(link(sandbox, ifName, netns).address, mac);
      const call = { config: { ...config, prevResult }, netns, ifName };
      succeed(sandbox, { command: "CHECK", ...call });
      succeed(sandbox, { command: "DEL", ...call });
      deepEqual(atHome(sandbox), givenBack);
      sandbox.ok(["ip", "link", "set", "nic0", "up"]);
      deepEqual([sandbox.snapshot().links, sandbox.snapshot(netns).links], before);
    });
  }

  const changes: [what: string, commands: string[]][] = [
    ["is renamed", ["link set eth0 down", "link set eth0 name lan7"]],
    ["has another MAC address and MTU", ["link set eth0 address 02:00:00:00:00:99 mtu 1300"]],
    [
      "has another MAC address and name",
      ["link set eth0 down", "link set eth0 address 02:00:00:00:00:99 name lan7"],
    ],
    ["has no alias any more", ["link set eth0 alias x"]],
    ["is down", ["link set eth0 down"]],
  ];
  for (const [what, commands] of changes) {
    it(`pain 53: gives it back as it was when it ${what} in the container`, () => {
      using sandbox = world();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      for (const command of commands) sandbox.ok(["ip", ...command.split(" ")], { netns });
      succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
      deepEqual(atHome(sandbox), givenBack);
      deepEqual(traces(sandbox), []);
    });
  }

  it("gives it back as it was behind tuning, which has set MAC address and MTU", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    const first = add(sandbox, config, { netns });
    const tuning = { ...config, type: "tuning", mac: "02:00:00:00:00:77", mtu: 1300 };
    const prevResult = add(sandbox, { ...tuning, prevResult: first }, { netns });
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
    succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
    deepEqual(atHome(sandbox), givenBack);
  });

  it("the namespace is gone: says that a virtual link has ended with it, and frees the addresses", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    sandbox.deletePod("a");
    const call: CniCall = { command: "DEL", config: { ...config, prevResult }, netns };
    match(
      succeed(sandbox, call).stderr,
      /"nic0" is gone: links of kind veth end with the namespace/,
    );
    deepEqual(traces(sandbox), []);
  });

  for (const [how, name] of [
    ["under the container's name", "eth0"],
    ["under another name", "dev7"],
    ["under its own name", "nic0"],
  ] as const) {
    for (const command of ["DEL", "GC"]) {
      it(`the kernel has brought it back ${how}: ${command} gives it its name again`, () => {
        using sandbox = world();
        const netns = sandbox.pod("a");
        add(sandbox, config, { netns });
        sandbox.ok(["ip", "link", "set", "eth0", "name", name, "netns", String(hostPid(sandbox))], {
          netns,
        });
        sandbox.deletePod("a");
        const valid = command === "GC" ? { "cni.dev/valid-attachments": [] } : {};
        succeed(sandbox, { command, config: { ...config, ...valid }, netns });
        deepEqual(atHome(sandbox), givenBack);
        deepEqual(traces(sandbox), []);
      });
    }
  }

  it("DEL without CNI_NETNS finds the namespace by its record", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    succeed(sandbox, { command: "DEL", config, netns: "" });
    deepEqual(atHome(sandbox), givenBack);
    deepEqual(traces(sandbox), []);
  });

  it("GC brings home what is stale and keeps what is not", () => {
    using sandbox = world();
    sandbox.ok(["ip", "link", "add", "nic1", "type", "veth", "peer", "name", "p1"]);
    const [gone, kept] = [sandbox.pod("a"), sandbox.pod("b")];
    add(sandbox, config, { netns: gone, containerId: "gone" });
    const other = { ...config, device: "nic1" };
    const prevResult = add(sandbox, other, { netns: kept, containerId: "kept" });
    const valid = { "cni.dev/valid-attachments": [{ containerID: "kept", ifname: "eth0" }] };
    succeed(sandbox, { command: "GC", config: { ...config, ...valid } });
    deepEqual(atHome(sandbox), givenBack);
    const call: CniCall = { command: "CHECK", config: { ...other, prevResult }, netns: kept };
    succeed(sandbox, { ...call, containerId: "kept" });
    equal(traces(sandbox).filter((row) => row.includes("gone")).length, 0);
  });

  it("a device of the reference, without a record, is given back, whether prevResult or device name it", () => {
    for (const known of [{ prevResult: true }, { device: "nic0" }]) {
      using sandbox = world();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      sandbox.ok(["rm", "-r", "/run/netloom"]);
      const call =
        "prevResult" in known
          ? { device: undefined, hwaddr: "02:00:00:00:00:01", prevResult }
          : known;
      succeed(sandbox, { command: "DEL", config: { ...config, ...call }, netns });
      deepEqual(atHome(sandbox)?.slice(0, 3), ["nic0", mac, mtu]);
    }
  });

  it("SPEC-046, SPEC-047, SPEC-059: leaves links of others alone, at a refused ADD and at the DEL behind it", () => {
    using sandbox = world();
    sandbox.ok(["ip", "link", "add", "nic1", "type", "veth", "peer", "name", "p1"]);
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    const other = { ...config, name: "other", device: "nic1" };
    for (const each of [config, other]) {
      const before = [sandbox.snapshot(netns), sandbox.snapshot().links];
      match(
        refused(sandbox, { command: "ADD", config: { ...each, device: "nic1" }, netns }).msg,
        /"eth0" already exists/,
      );
      deepEqual([sandbox.snapshot(netns), sandbox.snapshot().links], before);
    }
    succeed(sandbox, { command: "DEL", config: other, netns });
    const stranger = { ...config, name: "other" };
    succeed(sandbox, { command: "DEL", config: stranger, netns });
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });

  it("names the container that has the device, which is no reason not to be ready", () => {
    using sandbox = world();
    add(sandbox, config, { netns: sandbox.pod("a"), containerId: "first" });
    const netns = sandbox.pod("b");
    for (const by of [{ device: "nic0" }, { device: undefined, hwaddr: mac }]) {
      const taken = { ...config, ...by };
      const { msg, details = "" } = refused(sandbox, { command: "ADD", config: taken, netns });
      equal(msg, "failed to find host device: failed to find physical interface");
      match(details, /container "first" of network "lan" has "nic0"/);
      succeed(sandbox, { command: "STATUS", config: taken });
    }
    const gone = { ...config, device: "nic9" };
    const { code, msg } = refused(sandbox, { command: "STATUS", config: gone });
    equal(code, 50);
    match(msg, /^no ADD could have its device: .*failed to find physical interface/);
  });

  it("gives the device back when its record cannot be read", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    const record = "/run/netloom/lan/c1:eth0/host-device.json";
    sandbox.ok(["tee", record], { input: "{" });
    const done = succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
    match(done.stderr, /steps over/);
    deepEqual(atHome(sandbox)?.slice(0, 3), ["nic0", mac, mtu]);
    deepEqual(traces(sandbox), []);
  });

  it("a failing ADD gives the device back, up as it was", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    const gateway = { dst: "10.99.0.0/16", gw: "10.77.0.1" };
    const ipam = { ...(config["ipam"] as Config), routes: [gateway] };
    match(refused(sandbox, { command: "ADD", config: { ...config, ipam }, netns }).msg, /route/);
    deepEqual(atHome(sandbox), ["nic0", mac, mtu, alias, true]);
    deepEqual(traces(sandbox), []);
  });

  it("does not touch the device when IPAM fails", () => {
    using sandbox = world();
    sandbox.ok(["ip", "address", "add", "192.0.2.9/24", "dev", "nic0"]);
    const before = sandbox.snapshot();
    const ipam = { type: "static", addresses: [{ address: "no address" }] };
    refused(sandbox, { command: "ADD", config: { ...config, ipam }, netns: sandbox.pod("a") });
    const { files: _, ...after } = sandbox.snapshot();
    deepEqual(after, (({ files: _, ...kernel }) => kernel)(before));
  });

  it("gives its default routes the metric that is wanted, before those of another network", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    const other = {
      ...config,
      name: "other",
      type: "tap",
      ipam: { ...(config["ipam"] as Config) },
    };
    add(sandbox, { ...other, defaultRoute: true, metric: 7 }, { netns, ifName: "tap0" });
    const result = add(sandbox, { ...config, defaultRoute: true, metric: 5 }, { netns });
    deepEqual(
      result.routes.map(({ dst, priority }: { dst: string; priority: number }) => [dst, priority]),
      [
        ["0.0.0.0/0", 5],
        ["::/0", 5],
      ],
    );
    const [first] = sandbox.ipJson("route show default", netns);
    deepEqual([first.dev, first.metric], ["eth0", 5]);
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult: result }, netns });
  });

  it("U-092: without IPAM the device has no addresses", () => {
    using sandbox = world();
    const netns = sandbox.pod("a");
    const result = add(sandbox, layer2, { netns });
    equal(result.ips, undefined);
    ok(link(sandbox, "eth0", netns).flags.includes("UP"));
    succeed(sandbox, { command: "CHECK", config: { ...layer2, prevResult: result }, netns });
  });

  const spoilt: [string, string[], RegExp][] = [
    ["the address is gone", ["address flush dev eth0"], /Failed to match addr/],
    ["the link is down", ["link set eth0 down"], /"eth0" is down/],
    ["the link is gone", ["link delete eth0"], /"eth0" not found/],
    [
      "the link is another's",
      [
        "link set eth0 down",
        "link set eth0 name x",
        "link add eth0 type bridge",
        "link set eth0 up",
      ],
      /MAC address|is not the device/,
    ],
  ];
  for (const [what, commands, says] of spoilt) {
    it(`CHECK names it when ${what}`, () => {
      using sandbox = world();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, layer2, { netns });
      const l3 = what === "the address is gone";
      if (l3) succeed(sandbox, { command: "DEL", config: layer2, netns });
      const own = l3
        ? { ...config, prevResult: add(sandbox, config, { netns }) }
        : { ...layer2, prevResult };
      for (const command of commands) sandbox.ok(["ip", ...command.split(" ")], { netns });
      match(refused(sandbox, { command: "CHECK", config: own, netns }).msg, says);
    });
  }

  const wrong: [string, Config, number, RegExp][] = [
    [
      "no device (U-097)",
      { device: undefined },
      7,
      /^specify either "device", "hwaddr", "kernelpath" or "pciBusID"$/,
    ],
    ["a device that is not there", { device: "gone" }, 999, /failed to find physical interface/],
    ["hwaddr that is none (U-098)", { hwaddr: "x" }, 7, /failed to parse MAC address "x"/],
    [
      "a kernel path elsewhere (U-098)",
      { kernelpath: "/sys/class/net" },
      7,
      /must be absolute and begin with \/sys\/devices\//,
    ],
    [
      "a kernel path that leads elsewhere",
      { kernelpath: "/sys/devices/../class" },
      7,
      /must be absolute and begin with/,
    ],
    ["a PCI id that is a path", { pciBusID: "../../etc" }, 7, /want a device's id/],
    [
      "a device id that nobody has (U-096)",
      { runtimeConfig: { deviceID: "none" } },
      7,
      /^runtime config DeviceID none not found or unsupported$/,
    ],
    ["a link that the kernel does not move", { device: "lo" }, 999, /failed to move link "lo"/],
  ];
  for (const [what, keys, code, says] of wrong) {
    it(`refuses ${what}, and changes nothing`, () => {
      using sandbox = world();
      const netns = sandbox.pod("a");
      const call = { config: { ...config, ...keys }, netns };
      const before = [traces(sandbox), sandbox.snapshot(netns), sandbox.snapshot().links];
      const error = refused(sandbox, { command: "ADD", ...call });
      deepEqual([error.code, says.test(error.msg)], [code, true], JSON.stringify(error));
      const after = [traces(sandbox), sandbox.snapshot(netns), sandbox.snapshot().links];
      deepEqual(after, before);
    });
  }

  it("U-099: STATUS is ready, also when each ADD is told which device is meant", () => {
    using sandbox = world();
    succeed(sandbox, { command: "STATUS", config });
    const told = { ...config, device: undefined, capabilities: { deviceID: true } };
    succeed(sandbox, { command: "STATUS", config: told });
    equal(
      refused(sandbox, { command: "STATUS", config: { ...config, device: undefined } }).code,
      7,
    );
  });

  it("moves a macvlan as well, and finds it by its MAC address", () => {
    using sandbox = world();
    sandbox.ok(["ip", "link", "add", "mac0", "link", "nic0", "type", "macvlan"]);
    sandbox.ok(["ip", "link", "set", "mac0", "address", "02:00:00:00:00:54"]);
    const netns = sandbox.pod("a");
    const keys = { ...layer2, device: undefined, hwaddr: "02:00:00:00:00:54" };
    const prevResult = add(sandbox, keys, { netns });
    equal(link(sandbox, "eth0", netns).linkinfo.info_kind, "macvlan");
    succeed(sandbox, { command: "CHECK", config: { ...keys, prevResult }, netns });
    succeed(sandbox, { command: "DEL", config: { ...keys, prevResult }, netns });
    equal(link(sandbox, "mac0").address, "02:00:00:00:00:54");
  });
});

/** A process that is in the sandbox's host. */
function hostPid(sandbox: Sandbox): number {
  return Number(/\/proc\/(\d+)\//.exec(sandbox.place.net)?.[1]);
}
