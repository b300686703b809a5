/**
 * What ADD refuses, and that nothing is left then. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { add, addresses, type Config, layer2, layer3, link, refused, succeed } from "./network.ts";

const config = layer3(["10.1.2.0/24"], { ipMasq: true });

/** Links, rules, and what belongs to an attachment in files. */
function state(sandbox: Sandbox) {
  const { links, addresses, nft, files } = sandbox.snapshot();
  const own = files.filter((row) => /\/c1:|\/10\.1\.2\.\d/.test(row));
  return { links, addresses, rules: nft.filter((row) => row.includes("/c1:")), own };
}

/** Makes something at a path with that command. @returns the path */
function made(sandbox: Sandbox, command: string): string {
  sandbox.ok([...command.split(" "), "/run/thing"]);
  return "/run/thing";
}

describeKernel("bridge ADD refuses, before it changes anything,", () => {
  const both = { hairpinMode: true, promiscMode: true };
  const long = { vlan: 100, bridge: "a-bridge-name15" };
  const cases: [string, Config, RegExp][] = [
    ["U-042: hairpin and promiscuous mode together", layer2(both), /at the same time/],
    [
      "U-038: IPAM for an interface that stays down",
      { ...config, disableContainerInterface: true },
      /cannot use IPAM/,
    ],
    [
      "OLD-005: no addresses in 0.2.0",
      layer2({ cniVersion: "0.2.0" }),
      /0\.2\.0.*without addresses/,
    ],
    [
      "U-019: VLAN 5000",
      layer2({ vlan: 5000 }),
      /invalid VLAN ID 5000 \(must be between 0 and 4094\)/,
    ],
    [
      "U-019: VLAN -100",
      layer2({ vlan: -100 }),
      /invalid VLAN ID -100 \(must be between 0 and 4094\)/,
    ],
    [
      "U-021: a trunk without maxID",
      layer2({ vlanTrunk: [{ minID: 5 }] }),
      /minID and maxID should be configured simultaneously, maxID is missing/,
    ],
    [
      "U-021: a trunk without minID",
      layer2({ vlanTrunk: [{ maxID: 5 }] }),
      /minID and maxID should be configured simultaneously, minID is missing/,
    ],
    [
      "U-022: a trunk with minID 5000",
      layer2({ vlanTrunk: [{ minID: 5000, maxID: 10 }] }),
      /incorrect trunk minID parameter/,
    ],
    [
      "U-022: a trunk with maxID -1",
      layer2({ vlanTrunk: [{ minID: 5, maxID: -1 }] }),
      /incorrect trunk maxID parameter/,
    ],
    [
      "U-022: a trunk with id -1",
      layer2({ vlanTrunk: [{ id: -1 }] }),
      /incorrect trunk id parameter/,
    ],
    [
      "U-023: a trunk from above",
      layer2({ vlanTrunk: [{ minID: 10, maxID: 5 }] }),
      /minID is greater than maxID in trunk parameter/,
    ],
    ["a gateway of a VLAN whose name is too long", { ...config, ...long }, /a-bridge-name15\.100/],
    [
      "a back end that there is not",
      { ...config, ipMasqBackend: "pf" },
      /unknown ipmasq backend "pf"/,
    ],
    [
      "CONV-006: a multicast MAC address",
      layer2({ runtimeConfig: { mac: "01:00:5e:00:00:01" } }),
      /runtimeConfig\.mac/,
    ],
    [
      "CONV-006: a MAC address that is none",
      layer2({ args: { cni: { mac: "zz" } } }),
      /args\.cni\.mac/,
    ],
    ["SPEC-188: a bridge's name of 16 bytes", layer2({ bridge: "a-bridge-name-16" }), /bridge/],
    ["SPEC-188: a bridge's name with a blank", layer2({ bridge: "a b" }), /bridge/],
    ["SPEC-188: an empty name of the bridge", layer2({ bridge: "" }), /bridge/],
    ["SPEC-187: a path as name of the bridge", layer2({ bridge: "../x" }), /bridge/],
    ["an MTU that is no number", layer2({ mtu: "1500" }), /mtu/],
    ["an MTU below zero", layer2({ mtu: -1 }), /mtu/],
  ];
  for (const [what, each, wanted] of cases) {
    it(what, () => {
      using sandbox = Sandbox.create();
      const before = sandbox.snapshot();
      const error = refused(sandbox, { command: "ADD", config: each, netns: sandbox.pod("a") });
      match(`${error.msg} ${error.details}`, wanted);
      deepEqual(sandbox.snapshot(), before);
    });
  }

  const paths: [string, (sandbox: Sandbox) => string][] = [
    ["a path that does not exist", () => "/run/netns/none"],
    ["a folder", () => "/run"],
    ["a regular file", (s) => made(s, "touch")],
    ["a FIFO nobody writes to", (s) => made(s, "mkfifo")],
    ["a device", () => "/dev/zero"],
    ["a dangling link", (s) => made(s, "ln -s /none")],
    ["a namespace of another kind", () => "/proc/self/ns/mnt"],
    ["a path of 5000 characters", () => `/${"x".repeat(5000)}`],
  ];
  for (const [what, path] of paths) {
    it(`SPEC-035, SPEC-141…143: ${what} as CNI_NETNS`, () => {
      using sandbox = Sandbox.create();
      const netns = path(sandbox);
      const before = sandbox.snapshot();
      const error = refused(sandbox, { command: "ADD", config, netns });
      equal(error.code, 4);
      match(error.msg, /CNI_NETNS/);
      deepEqual(sandbox.snapshot(), before);
    });
  }

  it("SPEC-031, SPEC-144: the namespace it is in itself", () => {
    using sandbox = Sandbox.create();
    const before = sandbox.snapshot();
    const call = { command: "ADD", config, netns: "/proc/self/ns/net" };
    equal(refused(sandbox, call).code, 8);
    deepEqual(sandbox.snapshot(), before);
  });

  it("a link that is no bridge", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["ip", "link", "add", "bridge0", "type", "veth", "peer", "name", "other"]);
    const before = sandbox.snapshot();
    const error = refused(sandbox, { command: "ADD", config, netns: sandbox.pod("a") });
    match(error.msg, /"bridge0" already exists but is not a bridge/);
    deepEqual(sandbox.snapshot(), before);
  });
});

describeKernel("bridge ADD undoes everything when", () => {
  it("SPEC-046: the container has an interface of that name, which stays as it is", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    sandbox.ok(["ip", "link", "add", "eth0", "type", "veth"], { netns });
    const before = sandbox.snapshot();
    const inside = sandbox.snapshot(netns);
    const error = refused(sandbox, { command: "ADD", config, netns });
    match(
      error.msg,
      /container veth name \("eth0"\) peer provided \("veth[0-9a-f]{8}"\) already exists/,
    );
    deepEqual(sandbox.snapshot(), before);
    deepEqual(sandbox.snapshot(netns).links, inside.links);
    match(refused(sandbox, { command: "ADD", config, netns, ifName: "lo" }).msg, /exists/);
  });

  it("SPEC-047, ROB-001: it is the second one, and the first attachment goes on", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    const before = sandbox.snapshot();
    refused(sandbox, { command: "ADD", config, netns });
    deepEqual(sandbox.snapshot(), before);
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });

  const unreachable = [{ dst: "10.50.0.0/16", gw: "10.60.0.1" }];
  const ipams: [string, Config, RegExp][] = [
    [
      "U-033: a route's gateway cannot be reached",
      { type: "host-local", subnet: "10.1.2.0/24", routes: unreachable },
      /10\.50\.0\.0\/16 via 10\.60\.0\.1/,
    ],
    [
      "the pool is full",
      { type: "host-local", subnet: "10.1.2.0/24", rangeStart: "10.1.2.9", rangeEnd: "10.1.2.9" },
      /10\.1\.2\.9/,
    ],
    ["IPAM refuses its configuration", { type: "host-local", subnet: "10.1.2.0/33" }, /subnet/],
    ["IPAM cannot be executed", { type: "gone" }, /gone/],
    ["IPAM is a name with a path in it", { type: "../bridge" }, /\.\.\/bridge/],
  ];
  for (const [what, ipam, wanted] of ipams) {
    it(what, () => {
      using sandbox = Sandbox.create();
      add(
        sandbox,
        { ...layer3([], { ipam: ipams[1]![1] }), name: "net" },
        { netns: sandbox.pod("z"), containerId: "z" },
      );
      const before = state(sandbox);
      const netns = sandbox.pod("a");
      const error = refused(sandbox, { command: "ADD", config: { ...config, ipam }, netns });
      match(`${error.msg} ${error.details}`, wanted);
      deepEqual(state(sandbox), before);
      equal(link(sandbox, "eth0", netns), undefined);
    });
  }

  it("the bridge it had made has no other port: then the bridge goes too", () => {
    using sandbox = Sandbox.create();
    const before = sandbox.snapshot();
    const ipam = { type: "host-local", subnet: "10.1.2.0/24", routes: unreachable };
    refused(sandbox, { command: "ADD", config: { ...config, ipam }, netns: sandbox.pod("a") });
    deepEqual(sandbox.snapshot().links, before.links);
  });

  it("U-025: the bridge has another address, unless it is forced", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["ip", "link", "add", "bridge0", "type", "bridge"]);
    sandbox.ok(["ip", "address", "add", "10.0.0.1/8", "dev", "bridge0"]);
    const netns = sandbox.pod("a");
    const error = refused(sandbox, { command: "ADD", config: layer3(["10.1.0.0/16"]), netns });
    match(error.msg, /"bridge0" already has an IP address different from 10\.1\.0\.1\/16/);
    deepEqual(addresses(sandbox, "bridge0"), ["10.0.0.1/8"]);
    add(sandbox, layer3(["10.1.0.0/16"], { forceAddress: true }), { netns });
    deepEqual(addresses(sandbox, "bridge0"), ["10.1.0.1/16"]);
  });

  it("U-026, U-027: the bridge has an overlapping IPv6 prefix; another one beside it is fine", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["ip", "link", "add", "bridge0", "type", "bridge"]);
    sandbox.ok(["ip", "address", "add", "2001:db8:1::1/48", "dev", "bridge0"]);
    const netns = sandbox.pod("a");
    const overlap = layer3(["2001:db8:1:2::/64"]);
    match(refused(sandbox, { command: "ADD", config: overlap, netns }).msg, /different from/);
    add(sandbox, layer3(["fd00:1234::/64"]), { netns });
    deepEqual(addresses(sandbox, "bridge0").sort(), ["2001:db8:1::1/48", "fd00:1234::1/64"]);
  });

  it("state cannot be written", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["mkdir", "-p", "/run/netloom"]);
    sandbox.ok(["mount", "--bind", "/run/netloom", "/run/netloom"]);
    sandbox.ok(["mount", "-o", "remount,ro,bind", "/run/netloom"]);
    const before = state(sandbox);
    const error = refused(sandbox, { command: "ADD", config, netns: sandbox.pod("a") });
    equal(error.code, 5);
    deepEqual(state(sandbox), before);
  });
});
