/**
 * The built dummy, vlan and ipvlan, which need a kernel that has these kinds. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, link, pings, refused, succeed } from "../bridge/network.ts";
import { leavesOthersAlone } from "./others.ts";

const ipam = {
  type: "host-local",
  ranges: [
    [{ subnet: "192.0.2.0/24", rangeStart: "192.0.2.100" }],
    [{ subnet: "2001:db8::/64", rangeStart: "2001:db8::100" }],
  ],
};
const base = { cniVersion: "1.1.0", name: "lan", ipam };
const dummy: Config = { ...base, type: "dummy" };
const vlan: Config = { ...base, type: "vlan", master: "uplink", vlanId: 33 };
const ipvlan: Config = { ...base, type: "ipvlan", master: "uplink" };

/** A host on a network whose other machine has 192.0.2.2 and 2001:db8::2, and the same in VLAN 33. */
function lan(): Sandbox {
  const sandbox = Sandbox.create();
  sandbox.outside();
  return sandbox;
}

/** Records and reservations. */
function traces(sandbox: Sandbox): string[] {
  return sandbox.snapshot().files.filter((row) => /netloom\/\w|lan\/(\d+\.|\w+:)/.test(row));
}

describeKernel("links on others, in the container", () => {
  for (const config of [dummy, vlan, ipvlan]) {
    const { type } = config;

    it(`${type}: is made, checked, deleted, deleted again, and gone`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      succeed(sandbox, { command: "DEL", config, netns });
      const result = add(sandbox, config, { netns });
      const found = link(sandbox, "eth0", netns);
      equal(found.linkinfo.info_kind, type);
      ok(found.flags.includes("UP"));
      deepEqual(result.interfaces, [
        { name: "eth0", mac: found.address, mtu: 1500, sandbox: netns },
      ]);
      deepEqual(
        result.ips.map((ip: { interface: number }) => ip.interface),
        [0, 0],
      );
      const after = { ...config, prevResult: result };
      succeed(sandbox, { command: "CHECK", config: after, netns });
      succeed(sandbox, { command: "DEL", config: after, netns });
      succeed(sandbox, { command: "DEL", config: after, netns });
      equal(link(sandbox, "eth0", netns), undefined);
      refused(sandbox, { command: "CHECK", config: after, netns });
      deepEqual(traces(sandbox), []);
    });

    it(`${type}: leaves a link of that name alone, and its own attachment whole`, () => {
      using sandbox = lan();
      leavesOthersAlone(sandbox, config);
    });

    it(`${type}: CHECK names what is wrong, STATUS is ready, GC forgets`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      const check: CniCall = { command: "CHECK", config: { ...config, prevResult }, netns };
      sandbox.ok(["ip", "link", "set", "eth0", "down"], { netns });
      match(refused(sandbox, check).msg, /"eth0" is down/);
      sandbox.ok(["ip", "link", "set", "eth0", "up"], { netns });
      sandbox.ok(["ip", "address", "flush", "dev", "eth0"], { netns });
      match(refused(sandbox, check).msg, /Failed to match addr/);
      succeed(sandbox, { command: "STATUS", config });
      sandbox.deletePod("a");
      succeed(sandbox, { command: "GC", config: { ...config, "cni.dev/valid-attachments": [] } });
      deepEqual(traces(sandbox), []);
    });

    it(`${type}: DEL cleans up when the namespace is gone`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      add(sandbox, config, { netns });
      sandbox.deletePod("a");
      succeed(sandbox, { command: "DEL", config, netns });
      deepEqual(traces(sandbox), []);
    });
  }
});

describeKernel("dummy", () => {
  it("U-057: a link of the same name on the host is nothing to it", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["ip", "link", "add", "eth0", "type", "dummy"]);
    const before = sandbox.snapshot().links;
    add(sandbox, dummy, { netns: sandbox.pod("a") });
    deepEqual(sandbox.snapshot().links, before);
  });

  it("U-059: wants IPAM", () => {
    using sandbox = Sandbox.create();
    const call = { command: "ADD", config: { ...dummy, ipam: undefined }, netns: "/nowhere" };
    equal(refused(sandbox, call).code, 7);
  });
});

describeKernel("vlan", () => {
  it("U-077: carries its tag: the machine outside answers in that VLAN and in no other", () => {
    using sandbox = lan();
    const outside = "/run/netns/outside";
    const there = "link add link eth0 name v33 type vlan id 33\naddress flush dev eth0\n";
    const up = "address add 192.0.2.2/24 dev v33\nlink set v33 up\n";
    sandbox.ok(["ip", "-batch", "-"], { input: there + up, netns: outside });
    const [right, wrong] = [sandbox.pod("a"), sandbox.pod("b")];
    add(sandbox, vlan, { netns: right });
    add(sandbox, { ...vlan, vlanId: 34 }, { netns: wrong, containerId: "c2" });
    equal(link(sandbox, "eth0", right).linkinfo.info_data.id, 33);
    ok(pings(sandbox, "192.0.2.2", right));
    ok(!pings(sandbox, "192.0.2.2", wrong));
  });

  it("U-078, U-080: has the master's MTU or less", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const tooMuch = refused(sandbox, { command: "ADD", config: { ...vlan, mtu: 1600 }, netns });
    equal(tooMuch.msg, "invalid MTU 1600, must be [0, master MTU(1500)]");
    sandbox.ok(["ip", "link", "set", "uplink", "mtu", "1280"]);
    add(sandbox, vlan, { netns });
    equal(link(sandbox, "eth0", netns).mtu, 1280);
  });

  it("U-081: wants a master and a VLAN that there can be", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const without = { ...vlan, master: undefined };
    match(refused(sandbox, { command: "ADD", config: without, netns }).msg, /"master" is missing/);
    const wrong = { ...vlan, vlanId: 4095 };
    match(refused(sandbox, { command: "ADD", config: wrong, netns }).msg, /invalid VLAN ID 4095/);
  });

  it("SPEC-058: DEL and CHECK when the master is gone", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, vlan, { netns });
    sandbox.ok(["ip", "link", "delete", "uplink"]);
    refused(sandbox, { command: "CHECK", config: { ...vlan, prevResult }, netns });
    succeed(sandbox, { command: "DEL", config: vlan, netns });
  });
});

describeKernel("ipvlan", () => {
  for (const mode of ["l2", "l3", "l3s"]) {
    it(`makes a link of mode ${mode}`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, { ...ipvlan, mode }, { netns });
      const found = link(sandbox, "eth0", netns);
      equal(found.linkinfo.info_data.mode, mode);
      equal(found.address, link(sandbox, "uplink").address);
      succeed(sandbox, { command: "CHECK", config: { ...ipvlan, mode, prevResult }, netns });
      const other = { ...ipvlan, mode: mode === "l2" ? "l3" : "l2", prevResult };
      match(refused(sandbox, { command: "CHECK", config: other, netns }).msg, /mode .* expected/);
      if (mode === "l2") ok(pings(sandbox, "192.0.2.2", netns));
    });
  }

  it("U-073: in a chain takes link and addresses of the plugin before, without IPAM", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const prevResult = {
      cniVersion: "1.1.0",
      interfaces: [{ name: "uplink" }],
      ips: [{ address: "192.0.2.77/24", gateway: "192.0.2.2", interface: 0 }],
      routes: [{ dst: "0.0.0.0/0" }],
    };
    const config = { cniVersion: "1.1.0", name: "lan", type: "ipvlan", prevResult };
    const result = add(sandbox, config, { netns });
    deepEqual(
      result.interfaces.map(({ name }: { name: string }) => name),
      ["uplink", "eth0"],
    );
    deepEqual(result.ips, [{ address: "192.0.2.77/24", gateway: "192.0.2.2", interface: 1 }]);
    equal(result.routes.length, 1);
    ok(pings(sandbox, "192.0.2.2", netns));
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult: result }, netns });
  });

  it("U-075, U-076: takes the link of the default route; refuses an unknown mode, and a network without addresses", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const unknown = { ...ipvlan, mode: "l9" };
    match(refused(sandbox, { command: "ADD", config: unknown, netns }).msg, /unknown ipvlan mode/);
    const bare = { ...ipvlan, ipam: undefined };
    match(refused(sandbox, { command: "ADD", config: bare, netns }).msg, /no "prevResult"/);
    add(sandbox, { ...ipvlan, master: undefined }, { netns });
    equal(link(sandbox, "eth0", netns).address, link(sandbox, "uplink").address);
  });
});
