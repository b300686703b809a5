/**
 * The built macvlan on a veth whose other end is the network outside. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import {
  add,
  type Config,
  defaultGateways,
  link,
  pings,
  refused,
  succeed,
} from "../bridge/network.ts";
import { leavesOthersAlone } from "../links/others.ts";

const config: Config = {
  cniVersion: "1.1.0",
  name: "lan",
  type: "macvlan",
  master: "uplink",
  ipam: {
    type: "host-local",
    ranges: [
      [{ subnet: "192.0.2.0/24", rangeStart: "192.0.2.100" }],
      [{ subnet: "2001:db8::/64", rangeStart: "2001:db8::100" }],
    ],
  },
};
const layer2: Config = { ...config, ipam: {} };

/** A host on a network whose other machine has 192.0.2.2 and 2001:db8::2. */
function lan(): Sandbox {
  const sandbox = Sandbox.create();
  sandbox.outside();
  return sandbox;
}

describeKernel("macvlan", () => {
  it("U-061, U-062: makes a link of both families that reaches the network outside", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const result = add(sandbox, { ...config, mtu: 1400, bcqueuelen: 2000 }, { netns });
    const found = link(sandbox, "eth0", netns);
    equal(found.linkinfo.info_kind, "macvlan");
    equal(found.linkinfo.info_data.mode, "bridge");
    deepEqual([found.mtu, found.linkinfo.info_data.bcqueuelen], [1400, 2000]);
    deepEqual(result.interfaces, [{ name: "eth0", mac: found.address, mtu: 1400, sandbox: netns }]);
    equal(result.ips.length, 2);
    ok(pings(sandbox, "192.0.2.2", netns));
    ok(pings(sandbox, "2001:db8::2", netns));
  });

  for (const mode of ["private", "vepa", "passthru"]) {
    it(`makes a link of mode ${mode}`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, { ...config, mode }, { netns });
      equal(link(sandbox, "eth0", netns).linkinfo.info_data.mode, mode);
      succeed(sandbox, { command: "CHECK", config: { ...config, mode, prevResult }, netns });
      const other = { ...config, mode: "bridge", prevResult };
      match(refused(sandbox, { command: "CHECK", config: other, netns }).msg, /mode .* bridge/);
    });
  }

  it("U-064: does without addresses", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const result = add(sandbox, layer2, { netns });
    equal(result.ips, undefined);
    ok(link(sandbox, "eth0", netns).flags.includes("UP"));
  });

  it("U-066: takes the link of the default route for its master", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    add(sandbox, { ...config, master: undefined }, { netns });
    const below = sandbox.ipJson("link show dev uplink")[0].ifindex;
    equal(link(sandbox, "eth0", netns).link_index, below);
  });

  it("takes a master inside the container", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    sandbox.ok(["ip", "link", "add", "below", "type", "veth"], { netns });
    const inside = { ...config, master: "below", linkInContainer: true };
    const prevResult = add(sandbox, inside, { netns });
    equal(link(sandbox, "eth0", netns).link, "below");
    succeed(sandbox, { command: "CHECK", config: { ...inside, prevResult }, netns });
    succeed(sandbox, { command: "DEL", config: inside, netns });
    equal(link(sandbox, "eth0", netns), undefined);
  });

  const macs: [string, Config, Partial<CniCall>, string][] = [
    ["mac", { mac: "02:00:00:00:00:01" }, {}, "02:00:00:00:00:01"],
    [
      "CNI_ARGS before mac (U-067)",
      { mac: "02:00:00:00:00:01" },
      { args: "IgnoreUnknown=true;MAC=c2:11:22:33:44:66" },
      "c2:11:22:33:44:66",
    ],
    [
      "runtimeConfig before all (U-068)",
      { mac: "02:00:00:00:00:01", runtimeConfig: { mac: "C2:11:22:33:44:67" } },
      { args: "IgnoreUnknown=true;MAC=c2:11:22:33:44:66" },
      "c2:11:22:33:44:67",
    ],
  ];
  for (const [from, keys, call, mac] of macs) {
    it(`has the MAC address of ${from}`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      const result = add(sandbox, { ...layer2, ...keys }, { netns, ...call });
      equal(result.interfaces[0].mac, mac);
      equal(link(sandbox, "eth0", netns).address, mac);
    });
  }

  const wrong: [string, Config, number, RegExp][] = [
    ["a mode that is none", { mode: "x" }, 7, /unknown macvlan mode: "x"/],
    [
      "an MTU above the master's",
      { mtu: 9000 },
      7,
      /invalid MTU 9000, must be \[0, master MTU\(1500\)\]/,
    ],
    ["a negative MTU", { mtu: -100 }, 7, /invalid MTU -100, must be/],
    ["a master that is not there", { master: "none" }, 7, /failed to lookup master "none"/],
    ["a MAC address of many", { mac: "01:00:00:00:00:01" }, 7, /"mac" wants a unicast MAC/],
  ];
  for (const [what, keys, code, says] of wrong) {
    it(`refuses ${what}, and changes nothing`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      const before = [sandbox.snapshot(), sandbox.snapshot(netns)];
      const error = refused(sandbox, { command: "ADD", config: { ...config, ...keys }, netns });
      equal(error.code, code);
      match(error.msg, says);
      deepEqual([sandbox.snapshot(), sandbox.snapshot(netns)], before);
    });
  }

  it("refuses to guess a master where there is no default route", () => {
    using sandbox = Sandbox.create();
    const call = { config: { ...config, master: undefined }, netns: sandbox.pod("a") };
    match(refused(sandbox, { command: "ADD", ...call }).msg, /no default route interface found/);
    equal(refused(sandbox, { command: "STATUS", ...call }).code, 50);
  });

  it("SPEC-046, SPEC-047, SPEC-059: leaves a link of that name alone, and its own attachment whole", () => {
    using sandbox = lan();
    leavesOthersAlone(sandbox, config);
  });

  it("U-063, U-065: is checked, deleted, deleted again, and gone", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    succeed(sandbox, { command: "DEL", config, netns });
    const prevResult = add(sandbox, config, { netns });
    const after = { ...config, prevResult };
    succeed(sandbox, { command: "CHECK", config: after, netns });
    succeed(sandbox, { command: "DEL", config: after, netns });
    succeed(sandbox, { command: "DEL", config: after, netns });
    equal(link(sandbox, "eth0", netns), undefined);
    refused(sandbox, { command: "CHECK", config: after, netns });
    deepEqual(
      sandbox.snapshot().files.filter((row) => /netloom\/\w|\d\.\d+\.\d+\.\d/.test(row)),
      [],
    );
  });

  const spoilt: [string, string, RegExp][] = [
    ["the address is gone", "address flush dev eth0", /Failed to match addr 192\.0\.2\.\d+\/24/],
    ["the link is down", "link set eth0 down", /"eth0" is down/],
    ["the MAC address is another", "link set eth0 address 02:00:00:00:00:09", /MAC address/],
    ["the link is gone", "link delete eth0", /"eth0" not found/],
  ];
  for (const [what, command, says] of spoilt) {
    it(`CHECK names it when ${what}`, () => {
      using sandbox = lan();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      sandbox.ok(["ip", ...command.split(" ")], { netns });
      const call: CniCall = { command: "CHECK", config: { ...config, prevResult }, netns };
      match(refused(sandbox, call).msg, says);
    });
  }

  it("pain 54: starts again 50 times with the same MAC address, while the old namespace lingers", () => {
    using sandbox = lan();
    const keys = { ...config, mac: "02:00:00:00:00:54" };
    for (let round = 0; round < 50; round++) {
      const netns = sandbox.pod(`a${round}`);
      add(sandbox, keys, { netns, containerId: `c${round}` });
      succeed(sandbox, { command: "DEL", config: keys, netns, containerId: `c${round}` });
    }
  });

  it("pain 54: names who has the MAC address already, and leaves nothing", () => {
    using sandbox = lan();
    const keys = { ...config, mac: "02:00:00:00:00:54" };
    add(sandbox, keys, { netns: sandbox.pod("a"), containerId: "first" });
    const netns = sandbox.pod("b");
    const before = sandbox.snapshot(netns);
    const second: CniCall = { command: "ADD", config: keys, netns, containerId: "second" };
    const recorded = refused(sandbox, second).msg;
    match(
      recorded,
      /^MAC address 02:00:00:00:00:54 is taken on the link below by "lan\/first:eth0"/,
    );
    deepEqual(sandbox.snapshot(netns), before);
    succeed(sandbox, { command: "DEL", config: keys, netns, containerId: "first" });
    const made = ["link", "add", "shim", "link", "uplink", "address", "02:00:00:00:00:55"];
    sandbox.ok(["ip", ...made, "type", "macvlan", "mode", "bridge"]);
    sandbox.ok(["ip", "link", "set", "shim", "up"]);
    const third = { ...second, config: { ...config, mac: "02:00:00:00:00:55" } };
    match(refused(sandbox, third).msg, /is taken on the link below by link "shim" of the host/);
  });

  it("pain 49: has a MAC address of its own from birth, which udev leaves alone", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    add(sandbox, { ...config, hostAccess: true }, { netns });
    const NET_ADDR_SET = "3"; // include/uapi/linux/netdevice.h
    for (const [where, pattern] of [
      [netns, "eth0"],
      [undefined, "mv*"],
    ] as const) {
      const show = `mount -t sysfs sysfs /mnt && cat /mnt/class/net/${pattern}/addr_assign_type`;
      const argv = ["unshare", "-m", "sh", "-c", show];
      equal(sandbox.ok(argv, where === undefined ? {} : { netns: where }).trim(), NET_ADDR_SET);
    }
    const macs = new Set([link(sandbox, "eth0", netns).address]);
    for (let n = 0; n < 20; n++) {
      const pod = sandbox.pod(`n${n}`);
      macs.add(add(sandbox, layer2, { netns: pod, containerId: `n${n}` }).interfaces[0].mac);
    }
    equal(macs.size, 21);
    for (const mac of macs) equal(Number.parseInt(mac.slice(0, 2), 16) & 3, 2, mac);
  });

  const neighbours: [string, boolean][] = [
    ["bridge", true],
    ["private", false],
    ["vepa", false], // the other machine is no switch that sends back
  ];
  for (const [mode, reach] of neighbours) {
    it(`mode ${mode}: containers on one master ${reach ? "" : "do not "}reach each other, but the world`, () => {
      using sandbox = lan();
      const [one, other] = [sandbox.pod("a"), sandbox.pod("b")];
      add(sandbox, { ...config, mode }, { netns: one, containerId: "one" });
      const { ips } = add(sandbox, { ...config, mode }, { netns: other, containerId: "other" });
      for (const { address } of ips) {
        equal(pings(sandbox, address.replace(/\/.*/, ""), one), reach, address);
      }
      for (const address of ["192.0.2.2", "2001:db8::2"]) ok(pings(sandbox, address, one), address);
    });
  }

  it("mode passthru: has the master for itself, and sends with its MAC address changed to the container's", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const keys = { ...config, mode: "passthru" };
    const { interfaces } = add(sandbox, keys, { netns });
    equal(link(sandbox, "uplink").address, interfaces[0].mac);
    const call: CniCall = { command: "ADD", config: keys, netns: sandbox.pod("b") };
    match(refused(sandbox, { ...call, containerId: "c2" }).msg, /failed to create macvlan "eth0"/);
  });

  it("an internal network has no default route, and portmap publishes nothing of it", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    const routes = [
      { dst: "0.0.0.0/0", gw: "192.0.2.2" },
      { dst: "::/0", gw: "2001:db8::2" },
    ];
    const keys = { ...config, ipam: { ...(config["ipam"] as Config), routes } };
    const prevResult = add(sandbox, { ...keys, internal: true, defaultRoute: true }, { netns });
    deepEqual(defaultGateways(sandbox, netns), []);
    for (const address of ["192.0.2.2", "2001:db8::2"]) ok(pings(sandbox, address, netns), address);
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const portmap = { cniVersion: "1.1.0", name: "lan", type: "portmap", prevResult };
    const call = { command: "ADD", config: { ...portmap, runtimeConfig: { portMappings } }, netns };
    match(refused(sandbox, call).msg, /"internal" of macvlan is true/);
    succeed(sandbox, { command: "DEL", config: keys, netns });
    add(sandbox, keys, { netns });
    deepEqual(defaultGateways(sandbox, netns), ["192.0.2.2", "2001:db8::2"]);
  });

  it("bcqueuelen: is the kernel's when it is 0, and refused when it is no number of packets", () => {
    using sandbox = lan();
    const netns = sandbox.pod("a");
    add(sandbox, { ...layer2, bcqueuelen: 0 }, { netns });
    equal(link(sandbox, "eth0", netns).linkinfo.info_data.bcqueuelen, 1000);
    for (const bcqueuelen of [-1, 2 ** 32, 1.5]) {
      const call = { command: "ADD", config: { ...layer2, bcqueuelen }, netns: sandbox.pod("b") };
      match(refused(sandbox, call).msg, /"bcqueuelen": want/);
      sandbox.deletePod("b");
    }
  });

  it("GC forgets what is stale and keeps what is not; STATUS is ready", () => {
    using sandbox = lan();
    const [gone, kept] = [sandbox.pod("a"), sandbox.pod("b")];
    add(sandbox, config, { netns: gone, containerId: "gone" });
    const prevResult = add(sandbox, config, { netns: kept, containerId: "kept" });
    sandbox.deletePod("a");
    const valid = { "cni.dev/valid-attachments": [{ containerID: "kept", ifname: "eth0" }] };
    succeed(sandbox, { command: "GC", config: { ...config, ...valid } });
    const files = sandbox.snapshot().files.join("\n");
    ok(!files.includes("gone"), files);
    const call: CniCall = { command: "CHECK", config: { ...config, prevResult }, netns: kept };
    succeed(sandbox, { ...call, containerId: "kept" });
    succeed(sandbox, { command: "STATUS", config });
  });
});
