/**
 * CHECK, STATUS and GC of the built program. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, layer2, layer3, link, pings, refused, succeed } from "./network.ts";

const keys = { ipMasq: true, macspoofchk: true, hairpinMode: true };
const config = layer3(["10.1.2.0/24", "fd00::/64"], keys);

describeKernel("bridge CHECK", () => {
  for (const [what, each] of [
    ["IPv4", layer3(["10.1.2.0/24"])],
    ["IPv6", layer3(["fd00::/64"])],
    ["both families and all rules", config],
    ["0.4.0", { ...config, cniVersion: "0.4.0" }],
    ["1.0.0", { ...config, cniVersion: "1.0.0" }],
    ["layer 2", layer2({ promiscMode: true, portIsolation: true })],
    ["a container's end that stays down", layer2({ disableContainerInterface: true })],
  ] as [string, Config][]) {
    it(`U-036, SPEC-061: succeeds after ADD, and changes nothing: ${what}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, each, { netns });
      const before = sandbox.snapshot();
      for (let round = 0; round < 3; round++) {
        const call = { command: "CHECK", config: { ...each, prevResult }, netns };
        equal(succeed(sandbox, call).stdout, "");
      }
      deepEqual(sandbox.snapshot(), before);
    });
  }

  it("SPEC-062: wants prevResult", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    const error = refused(sandbox, { command: "CHECK", config, netns });
    deepEqual([error.code, /prevResult/.test(error.msg)], [7, true]);
  });

  it("SPEC-063: is content with what later plugins have added and changed", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    sandbox.ok(["ip", "link", "set", "eth0", "address", "02:00:00:00:00:55"], { netns });
    sandbox.ok(["ip", "address", "add", "10.99.0.1/24", "dev", "eth0"], { netns });
    prevResult.interfaces[2].mac = "02:00:00:00:00:55";
    prevResult.interfaces.push({ name: "ifb0" }, { name: "tun0", sandbox: netns });
    prevResult.ips.push({ address: "10.98.0.1/24", interface: 4 });
    prevResult.routes.push({ dst: "10.97.0.0/16", gw: "10.98.0.2" });
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });

  it("SPEC-063: finds a route that was moved to another table", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    sandbox.ok(["ip", "route", "del", "default"], { netns });
    sandbox.ok(["ip", "route", "add", "default", "via", "10.1.2.1", "table", "100"], { netns });
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });

  it("goes by the record when the configuration has changed", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    const changed = { ...config, prevResult, bridge: "other0", hairpinMode: false, ipMasq: false };
    succeed(sandbox, { command: "CHECK", config: changed, netns });
  });

  it("does without a record", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    sandbox.ok(["rm", "-r", "/run/netloom"]);
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
    sandbox.ok(["ip", "address", "flush", "dev", "eth0"], { netns });
    refused(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });

  const inside = { netns: "/run/netns/a" };
  const damages: [string, string, RegExp, { netns?: string }][] = [
    ["the container's link", "ip link del eth0", /eth0/, inside],
    ["the container's link being up", "ip link set eth0 down", /eth0.*down/, inside],
    ["its MAC address", "ip link set eth0 address 02:00:00:00:00:55", /02:00:00:00:00:55/, inside],
    ["its MTU", "ip link set eth0 mtu 1300", /1300/, inside],
    ["an address", "ip address del 10.1.2.2/24 dev eth0", /10\.1\.2\.2/, inside],
    ["an IPv6 address", "ip address del fd00::2/64 dev eth0", /fd00::2/, inside],
    ["a default route", "ip route del default", /0\.0\.0\.0\/0/, inside],
    ["the IPv6 default route", "ip -6 route del default", /::\/0/, inside],
    ["the bridge", "ip link del bridge0", /bridge0/, {}],
    ["the bridge's MAC address", "ip link set bridge0 address 02:00:00:00:00:55", /bridge0/, {}],
    ["the bridge being up", "ip link set bridge0 down", /bridge0.*down/, {}],
    ["the port's bridge", "ip link set $HOST nomaster", /bridge0 was not found/, {}],
    ["the port being up", "ip link set $HOST down", /veth.*down/, {}],
    ["hairpin mode", "bridge link set dev $HOST hairpin off", /hairpin/, {}],
    ["port isolation", "bridge link set dev $HOST isolated on", /isolation/, {}],
    ["masquerade", "nft flush set inet netloom masq4", /masq4/, {}],
    ["IPv6 masquerade", "nft flush set inet netloom masq6", /masq6/, {}],
    ["the MAC check", "nft flush set bridge netloom mac", /mac/, {}],
    ["every rule", "nft flush ruleset", /nf_tables/, {}],
    ["the reservation", "rm /var/lib/cni/networks/net/10.1.2.2", /10\.1\.2|c1/, {}],
  ];
  for (const [what, command, wanted, where] of damages) {
    it(`SPEC-064…067: misses ${what}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      const argv = command.replace("$HOST", prevResult.interfaces[1].name).split(" ");
      sandbox.ok(argv, where);
      const before = sandbox.snapshot();
      const error = refused(sandbox, {
        command: "CHECK",
        config: { ...config, prevResult },
        netns,
      });
      match(`${error.msg} ${error.details}`, wanted);
      // routes apart: the kernel may notice a lost carrier only now
      deepEqual({ ...sandbox.snapshot(), routes: [] }, { ...before, routes: [] });
    });
  }

  it("SPEC-064: names a sandbox that is another", () => {
    using sandbox = Sandbox.create();
    const prevResult = add(sandbox, config, { netns: sandbox.pod("a") });
    const netns = sandbox.pod("b");
    const error = refused(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
    match(error.msg, /\/run\/netns\/a doesn't match configured netns: \/run\/netns\/b/);
  });

  it("ROB-046, ROB-049: fails when the namespace is gone, and after DEL", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
    refused(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
    sandbox.deletePod("a");
    const error = refused(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
    match(error.msg, /CNI_NETNS/);
  });
});

describeKernel("bridge GC", () => {
  const valid = (...ids: string[]) => ({
    ...config,
    "cni.dev/valid-attachments": ids.map((containerID) => ({ containerID, ifname: "eth0" })),
  });

  it("SPEC-079, ROB-004: removes all of stale attachments, whose namespaces are gone or not", () => {
    using sandbox = Sandbox.create();
    for (const id of ["a", "b", "c", "d"]) {
      add(sandbox, config, { netns: sandbox.pod(id), containerId: id });
    }
    sandbox.deletePod("a");
    equal(succeed(sandbox, { command: "GC", config: valid("c") }).stdout, "");
    const marks = sandbox.ipJson("-d link").flatMap(({ ifalias }) => ifalias ?? []);
    deepEqual(marks, ["net/c:eth0"]);
    deepEqual(
      new Set(JSON.stringify(sandbox.nftJson()).match(/net\/\w+:eth0/g)),
      new Set(["net/c:eth0"]),
    );
    deepEqual(sandbox.ok(["ls", "/run/netloom/net"]).trim(), "c:eth0");
    ok(pings(sandbox, "10.1.2.1", "/run/netns/c"));
    const before = sandbox.snapshot();
    succeed(sandbox, { command: "GC", config: valid("c") });
    deepEqual(sandbox.snapshot(), before);
  });

  it("SPEC-080: an attachment is container and interface", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns, containerId: "a" });
    add(sandbox, config, { netns, containerId: "a", ifName: "eth1" });
    succeed(sandbox, { command: "GC", config: valid("a") });
    ok(link(sandbox, "eth0", netns));
    equal(link(sandbox, "eth1", netns), undefined);
  });

  it("SPEC-081, SPEC-089: leaves other networks and strangers alone", () => {
    using sandbox = Sandbox.create();
    const other = {
      ...config,
      name: "net2",
      ipam: { type: "host-local", subnet: "10.1.2.128/25" },
    };
    add(sandbox, { ...other, isDefaultGateway: false }, { netns: sandbox.pod("a") });
    sandbox.ok([
      "ip",
      "link",
      "add",
      "veth00000000",
      "type",
      "veth",
      "peer",
      "name",
      "vethffffffff",
    ]);
    sandbox.ok(["ip", "link", "set", "veth00000000", "alias", "administrator's"]);
    const before = sandbox.snapshot();
    succeed(sandbox, { command: "GC", config: valid() });
    deepEqual(sandbox.snapshot().links, before.links);
    deepEqual(sandbox.snapshot().nft, before.nft);
  });

  it("SPEC-082: removes nothing without the list", () => {
    using sandbox = Sandbox.create();
    add(sandbox, config, { netns: sandbox.pod("a") });
    const before = sandbox.snapshot();
    succeed(sandbox, { command: "GC", config });
    deepEqual(sandbox.snapshot(), before);
  });

  it("ROB-054: has nothing to do on a virgin host", () => {
    using sandbox = Sandbox.create();
    succeed(sandbox, { command: "GC", config: valid() });
  });
});

describeKernel("bridge STATUS", () => {
  it("U-041, SPEC-077: is ready, and changes nothing", () => {
    using sandbox = Sandbox.create();
    const before = sandbox.snapshot();
    equal(succeed(sandbox, { command: "STATUS", config }).stdout, "");
    const { links, nft } = sandbox.snapshot();
    deepEqual({ links, nft }, { links: before.links, nft: before.nft });
    succeed(sandbox, { command: "STATUS", config: layer2() });
  });

  it("SPEC-073, ROB-064: tells with code 50 that a link is no bridge, or that IPAM is missing", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["ip", "link", "add", "bridge0", "type", "veth", "peer", "name", "other0"]);
    equal(refused(sandbox, { command: "STATUS", config: layer2() }).code, 50);
    const lacking = { ...layer2({ bridge: "b0" }), ipam: { type: "gone" } };
    equal(refused(sandbox, { command: "STATUS", config: lacking }).code, 50);
  });
});
