/**
 * ADD of the built program, seen with iproute2. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { add, addresses, defaultGateways, layer2, layer3, link, pings } from "./network.ts";

describeKernel("bridge ADD", () => {
  it("U-001: makes the bridge with its MTU, up", () => {
    using sandbox = Sandbox.create();
    add(sandbox, layer2({ mtu: 5000 }), { netns: sandbox.pod("a") });
    const bridge = link(sandbox, "bridge0");
    equal(bridge.linkinfo.info_kind, "bridge");
    equal(bridge.mtu, 5000);
    ok(bridge.flags.includes("UP"));
    equal(link(sandbox, "eth0", "/run/netns/a").mtu, 5000);
  });

  it("U-002: takes a bridge that is there", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["ip", "link", "add", "bridge0", "address", "02:00:00:00:00:99", "type", "bridge"]);
    const before = link(sandbox, "bridge0");
    add(sandbox, layer3(["10.1.2.0/24"]), { netns: sandbox.pod("a") });
    const after = link(sandbox, "bridge0");
    deepEqual([after.ifindex, after.address], [before.ifindex, "02:00:00:00:00:99"]);
  });

  it("U-003, U-004: tells of bridge, host end and container, which has address and default route", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const result = add(sandbox, layer3(["10.1.2.0/24"]), { netns });
    const [bridge, host, container] = result.interfaces;
    deepEqual(
      result.interfaces.map(({ name, sandbox }: { name: string; sandbox?: string }) => [
        name,
        sandbox,
      ]),
      [
        ["bridge0", undefined],
        [host.name, undefined],
        ["eth0", netns],
      ],
    );
    match(host.name, /^veth[0-9a-f]{8}$/);
    deepEqual(
      [bridge.mac, host.mac, container.mac],
      [link(sandbox, "bridge0"), link(sandbox, host.name), link(sandbox, "eth0", netns)].map(
        ({ address }) => address,
      ),
    );
    deepEqual(result.ips, [{ address: "10.1.2.2/24", gateway: "10.1.2.1", interface: 2 }]);
    deepEqual(addresses(sandbox, "bridge0"), ["10.1.2.1/24"]);
    deepEqual(addresses(sandbox, "eth0", netns), ["10.1.2.2/24"]);
    deepEqual(defaultGateways(sandbox, netns), ["10.1.2.1"]);
  });

  it("U-006: an IPv6 address can be used at once, on both sides", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, layer3(["2001:db8:1::/64"]), { netns });
    for (const [name, where] of [
      ["eth0", netns],
      ["bridge0", undefined],
    ] as const) {
      const [row] = sandbox.ipJson(`-6 address show dev ${name} scope global`, where);
      equal(row.addr_info[0].tentative, undefined);
    }
    deepEqual(addresses(sandbox, "bridge0"), ["2001:db8:1::1/64"]);
    deepEqual(defaultGateways(sandbox, netns), ["2001:db8:1::1"]);
    ok(pings(sandbox, "2001:db8:1::1", netns));
  });

  it("U-007: gives both families addresses, gateways and default routes", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, layer3(["192.168.0.0/24", "fd00::/64"]), { netns });
    deepEqual(addresses(sandbox, "eth0", netns), ["192.168.0.2/24", "fd00::2/64"]);
    deepEqual(addresses(sandbox, "bridge0"), ["192.168.0.1/24", "fd00::1/64"]);
    deepEqual(defaultGateways(sandbox, netns), ["192.168.0.1", "fd00::1"]);
    ok(pings(sandbox, "192.168.0.1", netns) && pings(sandbox, "fd00::1", netns));
  });

  it("U-008: gives three addresses and gateways", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, layer3(["192.168.0.0/24", "fd00::/64", "fd01::/64"]), { netns });
    equal(addresses(sandbox, "eth0", netns).length, 3);
    equal(addresses(sandbox, "bridge0").length, 3);
  });

  it("U-011: without IPAM the container is up and has no address", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const result = add(sandbox, layer2(), { netns });
    equal(result.interfaces.length, 3);
    equal(result.ips, undefined);
    ok(link(sandbox, "eth0", netns).flags.includes("UP"));
    deepEqual(addresses(sandbox, "eth0", netns), []);
  });

  it("U-018: leaves VLAN filtering off without VLANs", () => {
    using sandbox = Sandbox.create();
    add(sandbox, layer2(), { netns: sandbox.pod("a") });
    equal(link(sandbox, "bridge0").linkinfo.info_data.vlan_filtering ?? 0, 0);
  });

  it("U-028: makes the bridge promiscuous", () => {
    using sandbox = Sandbox.create();
    add(sandbox, layer2({ promiscMode: true }), { netns: sandbox.pod("a") });
    equal(link(sandbox, "bridge0").promiscuity, 1);
  });

  for (const subnet of ["10.1.2.0/24", "fd00::/64"]) {
    it(`U-029: keeps the bridge's MAC address when ports come and go (${subnet})`, () => {
      using sandbox = Sandbox.create();
      const config = layer3([subnet]);
      const [bridge, host] = add(sandbox, config, { netns: sandbox.pod("a") }).interfaces;
      notEqual(bridge.mac, host.mac);
      add(sandbox, config, { netns: sandbox.pod("b"), containerId: "c2" });
      sandbox.cni({ command: "DEL", config, netns: "/run/netns/a" });
      equal(link(sandbox, "bridge0").address, bridge.mac);
    });
  }

  it("keeps the MAC address that a bridge without one of its own has when it becomes the gateway", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["ip", "link", "add", "bridge0", "type", "bridge"]);
    const { address } = link(sandbox, "bridge0");
    add(sandbox, layer3(["10.1.2.0/24"]), { netns: sandbox.pod("a") });
    sandbox.ok([
      "ip",
      "link",
      "add",
      "low",
      "address",
      "00:00:00:00:00:01",
      "master",
      "bridge0",
      "type",
      "veth",
    ]);
    equal(link(sandbox, "bridge0").address, address);
  });

  const args = "IgnoreUnknown=1;MAC=02:00:00:00:00:00";
  const named = { args: { cni: { mac: "02:00:00:00:00:01" } } };
  const runtime = { ...named, runtimeConfig: { mac: "02:00:00:00:00:02" } };
  for (const [id, keys, mac] of [
    ["U-030: of CNI_ARGS", {}, "02:00:00:00:00:00"],
    ["U-031: of args.cni before CNI_ARGS", named, "02:00:00:00:00:01"],
    ["U-032: of runtimeConfig before both", runtime, "02:00:00:00:00:02"],
  ] as const) {
    it(`takes the MAC address ${id}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const result = add(sandbox, layer2(keys), { netns, args });
      equal(result.interfaces[2].mac, mac);
      equal(link(sandbox, "eth0", netns).address, mac);
    });
  }

  it("U-039: leaves the container's end down when it is told to", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const result = add(sandbox, layer2({ disableContainerInterface: true }), { netns });
    equal(result.interfaces.length, 3);
    ok(!link(sandbox, "eth0", netns).flags.includes("UP"));
  });

  for (const portIsolation of [false, true]) {
    it(`U-040: port isolation ${portIsolation}`, () => {
      using sandbox = Sandbox.create();
      const { interfaces } = add(sandbox, layer2({ portIsolation }), { netns: sandbox.pod("a") });
      const { linkinfo } = link(sandbox, interfaces[1].name);
      equal(linkinfo.info_slave_data.isolated, portIsolation);
    });
  }

  for (const hairpinMode of [false, true]) {
    it(`U-042: hairpin mode ${hairpinMode}`, () => {
      using sandbox = Sandbox.create();
      const { interfaces } = add(sandbox, layer2({ hairpinMode }), { netns: sandbox.pod("a") });
      const { linkinfo } = link(sandbox, interfaces[1].name);
      equal(linkinfo.info_slave_data.hairpin, hairpinMode);
    });
  }

  it("SPEC-105: tells the MTU in version 1.1.0 and not before 1.0.0", () => {
    using sandbox = Sandbox.create();
    const config = layer2({ mtu: 1400 });
    const newest = add(sandbox, config, { netns: sandbox.pod("a") });
    deepEqual(
      newest.interfaces.map(({ mtu }: { mtu: number }) => mtu),
      [1400, 1400, 1400],
    );
    const older = { ...config, cniVersion: "0.4.0" };
    const { interfaces } = add(sandbox, older, { netns: sandbox.pod("b"), containerId: "c2" });
    deepEqual(
      interfaces.map(({ mtu }: { mtu?: number }) => mtu),
      [undefined, undefined, undefined],
    );
  });

  for (const cniVersion of ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]) {
    it(`speaks version ${cniVersion}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const result = add(sandbox, layer3(["10.1.2.0/24"], { cniVersion }), { netns });
      equal(result.cniVersion, cniVersion);
      equal(result.ip4?.ip ?? result.ips[0].address, "10.1.2.2/24");
      deepEqual(addresses(sandbox, "eth0", netns), ["10.1.2.2/24"]);
    });
  }

  it("SPEC-045: keeps what earlier plugins made", () => {
    using sandbox = Sandbox.create();
    const prevResult = {
      cniVersion: "1.1.0",
      interfaces: [{ name: "foreign0" }],
      ips: [{ address: "192.168.9.9/24" }],
    };
    const config = layer3(["10.1.2.0/24"], { prevResult });
    const result = add(sandbox, config, { netns: sandbox.pod("a") });
    equal(result.interfaces[0].name, "foreign0");
    equal(result.interfaces[result.ips[1].interface].name, "eth0");
  });

  it("SPEC-108: sets every field of a route", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const routes = [
      { dst: "10.50.0.0/16", mtu: 1300, advmss: 1200, priority: 7 },
      { dst: "10.51.0.0/16", table: 1000, gw: "10.1.2.254" },
      { dst: "10.52.3.4/16", scope: 253 },
    ];
    const ipam = { type: "host-local", subnet: "10.1.2.0/24", routes };
    add(sandbox, layer3([], { ipam }), { netns });
    const all = sandbox.ipJson("-d route show table all", netns);
    const byDst = (dst: string) => all.find((route) => route.dst === dst);
    const full = byDst("10.50.0.0/16");
    deepEqual([full.gateway, full.metric], ["10.1.2.1", 7]);
    deepEqual(full.metrics, [{ mtu: 1300, advmss: 1200 }]);
    deepEqual([byDst("10.51.0.0/16").table, byDst("10.51.0.0/16").gateway], ["1000", "10.1.2.254"]);
    deepEqual([byDst("10.52.0.0/16").scope, byDst("10.52.0.0/16").gateway], ["link", undefined]);
  });

  it("adds a gateway's route after the route that leads to the gateway", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const routes = [
      { dst: "0.0.0.0/0", gw: "169.254.1.1" },
      { dst: "169.254.1.1/32", gw: "0.0.0.0" },
    ];
    const ipam = { type: "host-local", subnet: "10.1.2.0/24", routes };
    add(sandbox, layer3([], { isDefaultGateway: false, ipam }), { netns });
    deepEqual(defaultGateways(sandbox, netns), ["169.254.1.1"]);
  });

  it("SPEC-048: gives one container two interfaces on one network", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const config = layer3(["10.1.2.0/24"]);
    add(sandbox, config, { netns });
    add(sandbox, config, { netns, ifName: "net1" });
    equal(sandbox.cni({ command: "DEL", config, netns }).status, 0);
    deepEqual(addresses(sandbox, "net1", netns), ["10.1.2.3/24"]);
    ok(pings(sandbox, "10.1.2.1", netns));
  });

  it("SPEC-042: takes a name of 15 bytes that is not ASCII", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const ifName = "ééééééé0";
    add(sandbox, layer3(["10.1.2.0/24", "fd00::/64"]), { netns, ifName });
    equal(addresses(sandbox, ifName, netns).length, 2);
  });

  it("SPEC-034: takes any path to a namespace, and tells it as it was given", () => {
    using sandbox = Sandbox.create();
    sandbox.pod("a");
    sandbox.ok(["mkdir", "-p", "/run/with blank"]);
    sandbox.ok(["ln", "-s", "/run/netns/a", "/run/with blank/näme"]);
    const netns = "/run/with blank/näme";
    const result = add(sandbox, layer3(["10.1.2.0/24"]), { netns });
    equal(result.interfaces[2].sandbox, netns);
    deepEqual(addresses(sandbox, "eth0", "/run/netns/a"), ["10.1.2.2/24"]);
  });

  it("SPEC-031: works in its own namespace when CNI_NETNS_OVERRIDE allows it", () => {
    using sandbox = Sandbox.create();
    const call = { netns: "/proc/self/ns/net", env: { CNI_NETNS_OVERRIDE: "1" } };
    const config = layer3(["10.1.2.0/24"]);
    add(sandbox, config, call);
    deepEqual(addresses(sandbox, "eth0"), ["10.1.2.2/24"]);
    equal(sandbox.cni({ command: "DEL", config, ...call }).status, 0);
    equal(link(sandbox, "eth0"), undefined);
  });

  it("SPEC-011, U-009: takes name servers from IPAM, or its own when it has some", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["tee", "/run/resolv.conf"], { input: "nameserver 192.0.2.0\n" });
    const ipam = { type: "host-local", subnet: "10.1.2.0/24", resolvConf: "/run/resolv.conf" };
    const first = add(sandbox, layer3([], { ipam }), { netns: sandbox.pod("a") });
    deepEqual(first.dns, { nameservers: ["192.0.2.0"] });
    const own = layer3([], { ipam, dns: { search: ["example.com"] } });
    const second = add(sandbox, own, { netns: sandbox.pod("b"), containerId: "c2" });
    deepEqual(second.dns, { search: ["example.com"] });
  });

  it("an address that was another's is reachable at once: neighbours are told", () => {
    using sandbox = Sandbox.create();
    const config = layer3(["10.1.2.0/29", "fd00::/125"]);
    const neighbour = sandbox.pod("n");
    add(sandbox, config, { netns: neighbour, containerId: "n" });
    const ips = { runtimeConfig: { ips: ["10.1.2.5", "fd00::5"] } };
    add(sandbox, { ...config, ...ips }, { netns: sandbox.pod("a"), containerId: "a" });
    for (const from of [undefined, neighbour]) {
      ok(pings(sandbox, "10.1.2.5", from) && pings(sandbox, "fd00::5", from));
    }
    sandbox.cni({ command: "DEL", config, netns: "/run/netns/a", containerId: "a" });
    add(sandbox, { ...config, ...ips }, { netns: sandbox.pod("b"), containerId: "b" });
    const { address } = link(sandbox, "eth0", "/run/netns/b");
    for (const from of [undefined, neighbour]) {
      const known = sandbox
        .ipJson("neigh", from)
        .filter(({ dst }) => ["10.1.2.5", "fd00::5"].includes(dst));
      deepEqual(
        known.map(({ lladdr }) => lladdr),
        [address, address],
      );
    }
  });

  it("a bridge without an address of its own keeps the one it has with its first port", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["ip", "-batch", "-"], {
      input:
        "link add bridge0 type bridge\nlink add p0 address 02:aa:00:00:00:01 type veth\nlink set p0 master bridge0 up\n",
    });
    const before = link(sandbox, "bridge0").address;
    for (const id of ["a", "b", "c", "d", "e"]) {
      add(sandbox, layer2(), { netns: sandbox.pod(id), containerId: id });
    }
    deepEqual([before, link(sandbox, "bridge0").address], Array(2).fill("02:aa:00:00:00:01"));
  });
});
