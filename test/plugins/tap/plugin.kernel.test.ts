/**
 * The built tap. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { builtPrograms, type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, hostLocal, link, refused, succeed } from "../bridge/network.ts";
import { leavesOthersAlone } from "../links/others.ts";

const config: Config = {
  cniVersion: "1.1.0",
  name: "machines",
  type: "tap",
  owner: 107,
  group: 108,
  ipam: hostLocal("10.9.0.0/24", "fd09::/64"),
};
const layer2: Config = { ...config, ipam: {} };

// biome-ignore lint/suspicious/noExplicitAny: iproute2's JSON has no types
function dataOf(found: any): any {
  return found.linkinfo.info_data;
}

/** Records and reservations. */
function traces(sandbox: Sandbox): string[] {
  const own = /netloom\/\w|machines\/(\d+\.|fd09)/;
  return sandbox.snapshot().files.filter((row) => own.test(row));
}

describeKernel("tap", () => {
  it("U-082, U-083, U-084: is made, checked, deleted, deleted again, and gone", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    succeed(sandbox, { command: "DEL", config, netns });
    const result = add(sandbox, config, { netns });
    const found = link(sandbox, "eth0", netns);
    equal(found.linkinfo.info_kind, "tun");
    const { type, persist, user, group } = dataOf(found);
    deepEqual([type, persist, Number(user), Number(group)], ["tap", true, 107, 108]);
    ok(found.flags.includes("UP"));
    deepEqual(result.interfaces, [{ name: "eth0", mac: found.address, mtu: 1500, sandbox: netns }]);
    equal(result.ips.length, 2);
    const after = { ...config, prevResult: result };
    succeed(sandbox, { command: "CHECK", config: after, netns });
    succeed(sandbox, { command: "DEL", config: after, netns });
    succeed(sandbox, { command: "DEL", config: after, netns });
    equal(link(sandbox, "eth0", netns), undefined);
    refused(sandbox, { command: "CHECK", config: after, netns });
    deepEqual(traces(sandbox), []);
  });

  it("U-085: is a port of a bridge of the container", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const bridged = { ...layer2, bridge: "br1" };
    const call: CniCall = { command: "ADD", config: bridged, netns };
    match(refused(sandbox, call).msg, /failed to get bridge "br1": Link not found/);
    sandbox.ok(["ip", "link", "add", "br1", "type", "veth"], { netns });
    match(refused(sandbox, call).msg, /failed to get bridge "br1": it is no bridge/);
    sandbox.ok(["ip", "link", "delete", "br1"], { netns });
    sandbox.ok(["ip", "link", "add", "br1", "type", "bridge"], { netns });
    const prevResult = add(sandbox, bridged, { netns });
    equal(link(sandbox, "eth0", netns).master, "br1");
    const check: CniCall = { command: "CHECK", config: { ...bridged, prevResult }, netns };
    succeed(sandbox, check);
    sandbox.ok(["ip", "link", "set", "eth0", "nomaster"], { netns });
    match(refused(sandbox, check).msg, /"eth0" is no port of bridge "br1"/);
    succeed(sandbox, { command: "DEL", config: bridged, netns });
    equal(link(sandbox, "eth0", netns), undefined);
  });

  it("U-087: has the queues, the MTU and the MAC address that are asked for, beside owner and group too", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const keys = { ...layer2, multiQueue: true, mtu: 9000, mac: "02:00:00:00:00:87" };
    const result = add(sandbox, keys, { netns });
    const found = link(sandbox, "eth0", netns);
    deepEqual([found.mtu, found.address], [9000, "02:00:00:00:00:87"]);
    ok(dataOf(found).multi_queue);
    deepEqual([result.interfaces[0].mtu, result.interfaces[0].mac], [9000, "02:00:00:00:00:87"]);
  });

  const macs: [string, Config, Partial<CniCall>, string][] = [
    [
      "CNI_ARGS before mac",
      { mac: "02:00:00:00:00:01" },
      { args: "IgnoreUnknown=true;MAC=c2:11:22:33:44:66" },
      "c2:11:22:33:44:66",
    ],
    [
      "runtimeConfig before all",
      { mac: "02:00:00:00:00:01", runtimeConfig: { mac: "C2:11:22:33:44:67" } },
      { args: "IgnoreUnknown=true;MAC=c2:11:22:33:44:66" },
      "c2:11:22:33:44:67",
    ],
  ];
  for (const [from, keys, call, mac] of macs) {
    it(`CONV-027: has the MAC address of ${from}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      equal(add(sandbox, { ...layer2, ...keys }, { netns, ...call }).interfaces[0].mac, mac);
      equal(link(sandbox, "eth0", netns).address, mac);
    });
  }

  it("can be attached to by its owner, who sees what the container sends", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, { ...config, owner: 0, group: 0 }, { netns });
    const script = [
      "import fcntl, os, select, struct",
      "tap = os.open('/dev/net/tun', os.O_RDWR)",
      "fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH22x', b'eth0', 0x1002))",
      "os.system('ping -c1 -W1 10.9.0.77 >/dev/null')",
      "assert select.select([tap], [], [], 5)[0]",
      "frames = [os.read(tap, 2000) for _ in range(8) if select.select([tap], [], [], 0.2)[0]]",
      "assert any(frame[12:14] == b'\\x08\\x06' for frame in frames), frames",
    ];
    sandbox.ok(["python3", "-c", script.join("\n")], { netns });
    ok(link(sandbox, "eth0", netns), "it stays when the other end is closed");
  });

  const wrong: [string, Config, number, RegExp][] = [
    ["a MAC address of many", { mac: "01:00:00:00:00:01" }, 7, /"mac" wants a unicast MAC/],
    ["an owner that cannot be", { owner: -1 }, 7, /owner/],
    ["an MTU beyond the driver's", { mtu: 65_522 }, 7, /mtu/],
    ["args of another type", { args: "x" }, 6, /args/],
    [
      "a label where there is no SELinux",
      { selinuxContext: "system_u:system_r:container_t:s0" },
      50,
      /failed set socket label: "selinuxContext" cannot be had/,
    ],
  ];
  for (const [what, keys, code, says] of wrong) {
    it(`refuses ${what}, and changes nothing`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const call = { config: { ...config, ...keys }, netns };
      const before = [traces(sandbox), sandbox.snapshot(netns)];
      const error = refused(sandbox, { command: "ADD", ...call });
      deepEqual([error.code, says.test(error.msg)], [code, true], JSON.stringify(error));
      deepEqual([traces(sandbox), sandbox.snapshot(netns)], before);
    });
  }

  it("says so where the driver is missing, at ADD and at STATUS", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    succeed(sandbox, { command: "STATUS", config });
    sandbox.ok(["mount", "-t", "tmpfs", "tmpfs", "/dev/net"]);
    for (const command of ["ADD", "STATUS"]) {
      const { code, msg, details = "" } = refused(sandbox, { command, config, netns });
      deepEqual([code, msg], [50, "cannot make a tap: the kernel's tun is missing"]);
      match(details, /"\/dev\/net\/tun" cannot be opened/);
    }
    equal(link(sandbox, "eth0", netns), undefined);
    deepEqual(traces(sandbox), []);
  });

  it("makes the tap alone when it is executed for that, as it does itself for a label", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const wanted = {
      ifname: "eth0",
      ifalias: "machines/c1:eth0",
      address: [2, 0, 0, 0, 0, 1],
      multiQueue: true,
      owner: 107,
      mtu: 1400,
    };
    const argv = [`${builtPrograms}/tap`, "make-tap"];
    sandbox.ok(argv, { netns, input: JSON.stringify(wanted) });
    const { address, mtu, ifalias, linkinfo } = link(sandbox, "eth0", netns);
    const { user, multi_queue: queues } = linkinfo.info_data;
    const found = [address, mtu, ifalias, Number(user), queues];
    deepEqual(found, ["02:00:00:00:00:01", 1400, "machines/c1:eth0", 107, true]);
    const again = sandbox.run(argv, { netns, input: JSON.stringify(wanted) });
    deepEqual([again.status, again.stdout], [1, ""]);
    match(again.stderr, /"eth0" already exists/);
  });

  it("STATUS names a label that cannot be had", () => {
    using sandbox = Sandbox.create();
    const labelled = { ...config, selinuxContext: "system_u:system_r:container_t:s0" };
    equal(refused(sandbox, { command: "STATUS", config: labelled }).code, 50);
  });

  it("SPEC-046, SPEC-047, SPEC-059: leaves a link of that name alone, and its own attachment whole", () => {
    using sandbox = Sandbox.create();
    leavesOthersAlone(sandbox, config);
  });

  it("does not take over a persistent tap of that name", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    sandbox.ok(["ip", "tuntap", "add", "eth0", "mode", "tap"], { netns });
    const before = sandbox.snapshot(netns);
    match(refused(sandbox, { command: "ADD", config, netns }).msg, /"eth0" already exists/);
    succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(sandbox.snapshot(netns), before);
  });

  const spoilt: [string, string, RegExp][] = [
    ["another kind", "link add eth0 type veth", /"?eth0"? not of type tun/],
    ["no tap", "tuntap add eth0 mode tun", /"eth0" is no tap/],
  ];
  for (const [what, command, says] of spoilt) {
    it(`CHECK names it when the link is ${what}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, layer2, { netns });
      delete prevResult.interfaces[0].mac;
      for (const each of ["link delete eth0", command, "link set eth0 up"]) {
        sandbox.ok(["ip", ...each.split(" ")], { netns });
      }
      const call: CniCall = { command: "CHECK", config: { ...layer2, prevResult }, netns };
      match(refused(sandbox, call).msg, says);
    });
  }

  for (const [key, change] of [
    ["MAC address", ["address", "02:00:00:00:00:09"]],
    ["MTU", ["mtu", "1400"]],
    ["down", ["down"]],
  ] as const) {
    it(`CHECK names what has changed: ${key}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, layer2, { netns });
      sandbox.ok(["ip", "link", "set", "eth0", ...change], { netns });
      const call: CniCall = { command: "CHECK", config: { ...layer2, prevResult }, netns };
      match(refused(sandbox, call).msg, new RegExp(key));
    });
  }

  for (const [key, other] of Object.entries({ owner: 1, group: 2, multiQueue: true })) {
    it(`CHECK names it when ${key} is another`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, layer2, { netns });
      const call = { config: { ...layer2, prevResult, [key]: other }, netns };
      match(refused(sandbox, { command: "CHECK", ...call }).msg, new RegExp(`"${key}" of "eth0"`));
    });
  }

  it("DEL and GC clean up when the namespace is gone", () => {
    using sandbox = Sandbox.create();
    for (const command of ["DEL", "GC"]) {
      const netns = sandbox.pod("a");
      add(sandbox, config, { netns });
      sandbox.deletePod("a");
      const valid = command === "GC" ? { "cni.dev/valid-attachments": [] } : {};
      succeed(sandbox, { command, config: { ...config, ...valid }, netns });
      deepEqual(traces(sandbox), []);
    }
  });
});
