/**
 * The built ptp. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import {
  add,
  addresses,
  type Config,
  hostLocal,
  link,
  pings,
  refused,
  succeed,
} from "../bridge/network.ts";

const both = hostLocal("10.1.2.0/24", "2001:db8:1::/66");
const config: Config = {
  cniVersion: "1.1.0",
  name: "net",
  type: "ptp",
  ipMasq: true,
  ipam: { ...both, routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] },
};

/** Routes of a link as `ip route` writes them, link-local and multicast ones left out. */
function routes(sandbox: Sandbox, dev: string, netns?: string): string[] {
  const where = netns === undefined ? {} : { netns };
  const lines = ["-4", "-6"].flatMap((family) =>
    sandbox.ok(["ip", family, "route", "show", "dev", dev], where).split("\n"),
  );
  const told = lines.map((line) => line.replace(/ (metric 1024 pref medium|pref medium) ?$/, ""));
  return told.map((line) => line.trim()).filter((line) => line !== "" && !/^fe80/.test(line));
}

describeKernel("ptp ADD", () => {
  it("U-043, U-045: has the addresses and exactly the routes that are documented", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const ipam = {
      ...both,
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }, { dst: "1.2.3.4/32" }],
    };
    const { interfaces, ips } = add(sandbox, { ...config, ipam }, { netns });
    const [{ name: host }] = interfaces;
    deepEqual(
      ips.map(({ interface: index }: { interface: number }) => index),
      [1, 1],
    );
    deepEqual(addresses(sandbox, "eth0", netns), ["10.1.2.2/24", "2001:db8:1::2/66"]);
    deepEqual(addresses(sandbox, host), ["10.1.2.1/32", "2001:db8:1::1/128"]);
    deepEqual(routes(sandbox, "eth0", netns), [
      "default via 10.1.2.1",
      "1.2.3.4 via 10.1.2.1",
      "10.1.2.0/24 via 10.1.2.1 src 10.1.2.2",
      "10.1.2.1 scope link src 10.1.2.2",
      "2001:db8:1::1 src 2001:db8:1::2",
      "2001:db8:1::/66 via 2001:db8:1::1 src 2001:db8:1::2",
      "default via 2001:db8:1::1",
    ]);
    deepEqual(routes(sandbox, host), [
      "10.1.2.2 scope host",
      "2001:db8:1::1 proto kernel metric 256",
      "2001:db8:1::2",
    ]);
  });

  it("U-043, U-052: tells of the host's end, then of the container's", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const { interfaces } = add(sandbox, { ...config, mtu: 5000 }, { netns });
    const [outside, inside] = [link(sandbox, interfaces[0].name), link(sandbox, "eth0", netns)];
    deepEqual(interfaces, [
      { name: outside.ifname, mac: outside.address, mtu: 5000 },
      { name: "eth0", mac: inside.address, mtu: 5000, sandbox: netns },
    ]);
    equal(outside.ifalias, "net/c1:eth0");
    match(outside.ifname, /^veth[0-9a-f]{8}$/);
    deepEqual([outside.operstate, inside.operstate], ["UP", "UP"]);
    deepEqual([outside.mtu, inside.mtu], [5000, 5000]);
  });

  it("reaches the host, another container and the world of both families at once", () => {
    using sandbox = Sandbox.create();
    sandbox.outside();
    const [netns, other] = [sandbox.pod("a"), sandbox.pod("b")];
    add(sandbox, config, { netns });
    ok(pings(sandbox, "10.1.2.1", netns), "host");
    ok(pings(sandbox, "2001:db8:1::1", netns), "host, IPv6");
    add(sandbox, config, { netns: other, containerId: "c2" });
    ok(pings(sandbox, "10.1.2.3", netns), "container");
    ok(pings(sandbox, "2001:db8:1::3", netns), "container, IPv6");
    ok(pings(sandbox, "10.1.2.3") && pings(sandbox, "2001:db8:1::3"), "from the host");
    ok(pings(sandbox, "192.0.2.2", netns), "world");
    ok(pings(sandbox, "2001:db8::2", netns), "world, IPv6");
  });

  it("forwards to a new container's IPv6 address without a wait", () => {
    using sandbox = Sandbox.create();
    const outside = sandbox.outside();
    const netns = sandbox.pod("a");
    sandbox.ok(["ip", "route", "add", "2001:db8:1::/66", "via", "2001:db8::1"], { netns: outside });
    ok(!pings(sandbox, "2001:db8:1::2", outside));
    const { interfaces } = add(sandbox, { ...config, ipMasq: false }, { netns });
    const [row] = sandbox.ipJson(`-6 address show dev ${interfaces[0].name}`);
    deepEqual(
      row.addr_info.filter(({ tentative }: { tentative?: boolean }) => tentative),
      [],
    );
    ok(pings(sandbox, "2001:db8:1::2", outside));
  });

  for (const ipMasqBackend of ["iptables", "nftables"]) {
    it(`U-044: masquerades by our table with ipMasqBackend ${ipMasqBackend}, until DEL`, () => {
      using sandbox = Sandbox.create();
      sandbox.outside();
      const netns = sandbox.pod("a");
      add(sandbox, { ...config, ipMasqBackend }, { netns });
      ok(pings(sandbox, "192.0.2.2", netns));
      const tables = sandbox.nftJson().flatMap(({ table }) => table?.name ?? []);
      deepEqual([...new Set(tables)], ["netloom"]);
      succeed(sandbox, { command: "DEL", config: { ...config, ipMasqBackend }, netns });
      ok(!JSON.stringify(sandbox.nftJson()).includes("net/c1:eth0"));
    });
  }

  it("makes no rule without ipMasq", () => {
    using sandbox = Sandbox.create();
    add(sandbox, { ...config, ipMasq: false }, { netns: sandbox.pod("a") });
    deepEqual(sandbox.nftJson(), []);
  });

  it("lets the container tell the host of no router, and turns forwarding on", () => {
    using sandbox = Sandbox.create();
    const { interfaces } = add(sandbox, config, { netns: sandbox.pod("a") });
    equal(sandbox.sysctl(`net.ipv6.conf.${interfaces[0].name}.accept_ra`), "0");
    equal(sandbox.sysctl("net.ipv4.ip_forward"), "1");
    equal(sandbox.sysctl("net.ipv6.conf.all.forwarding"), "1");
  });

  it("leaves IPv6 forwarding alone without an IPv6 address", () => {
    using sandbox = Sandbox.create();
    const ipv4 = { ...config, ipam: hostLocal("10.1.2.0/24") };
    const { interfaces } = add(sandbox, ipv4, { netns: sandbox.pod("a") });
    equal(sandbox.sysctl("net.ipv6.conf.all.forwarding"), "0");
    equal(sandbox.sysctl(`net.ipv6.conf.${interfaces[0].name}.accept_ra`), "0");
  });

  it("takes addresses of one subnet, of none, and routes to neighbours that are behind the host", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const ipam = {
      type: "static",
      addresses: [
        { address: "10.1.2.5/24", gateway: "10.1.2.1" },
        { address: "10.1.2.6/24", gateway: "10.1.2.1" },
        { address: "10.7.0.1/32", gateway: "169.254.1.1" },
        { address: "fd00::5/64", gateway: "fd00::1" },
        { address: "fd00::6/64", gateway: "fd00::1" },
      ],
      routes: [{ dst: "10.50.0.0/16", gw: "10.1.2.254" }],
    };
    const { interfaces } = add(sandbox, { ...config, ipam }, { netns });
    deepEqual(routes(sandbox, "eth0", netns), [
      "10.1.2.0/24 via 10.1.2.1 src 10.1.2.5",
      "10.1.2.1 scope link src 10.1.2.5",
      "10.50.0.0/16 via 10.1.2.254 onlink",
      "169.254.1.1 scope link src 10.7.0.1",
      "fd00::1 src fd00::5",
      "fd00::/64 via fd00::1 src fd00::5",
    ]);
    const gateways = ["10.1.2.1/32", "169.254.1.1/32", "fd00::1/128"];
    deepEqual(addresses(sandbox, interfaces[0].name), gateways);
  });

  const wrong: [string, Config, RegExp][] = [
    ["an address without a gateway", { address: "10.1.2.5/24" }, /no gateway .*"10\.1\.2\.5\/24"/],
    [
      "a gateway of the other family",
      { address: "10.1.2.5/24", gateway: "fd00::1" },
      /"10\.1\.2\.5\/24" a gateway of the other family: "fd00::1"/,
    ],
  ];
  for (const [what, address, says] of wrong) {
    it(`refuses ${what}, and undoes all`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const before = [sandbox.snapshot(), sandbox.snapshot(netns)];
      const ipam = { type: "static", addresses: [address] };
      const call: CniCall = { command: "ADD", config: { ...config, ipam }, netns };
      match(refused(sandbox, call).msg, says);
      deepEqual([sandbox.snapshot(), sandbox.snapshot(netns)], before);
    });
  }

  it("refuses a backend that is none, and to work without IPAM", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    for (const [keys, says] of [
      [{ ipMasqBackend: "x" }, /unknown ipmasq backend "x"/],
      [{ ipam: undefined }, /ipam/],
    ] as const) {
      const call: CniCall = { command: "ADD", config: { ...config, ...keys }, netns };
      const { code, msg } = refused(sandbox, call);
      equal(code, 7);
      match(msg, says);
    }
  });

  it("SPEC-047: refuses a name that is taken, and leaves it and its addresses alone", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    match(refused(sandbox, { command: "ADD", config, netns }).msg, /already exists/);
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });
});

describeKernel("ptp CHECK", () => {
  for (const cniVersion of ["0.4.0", "1.0.0", "1.1.0"]) {
    it(`U-046: succeeds after ADD of version ${cniVersion}, and changes nothing`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, { ...config, cniVersion }, { netns });
      const before = sandbox.snapshot();
      const after = { ...config, cniVersion, prevResult };
      succeed(sandbox, { command: "CHECK", config: after, netns });
      deepEqual(sandbox.snapshot(), before);
    });
  }

  const inside: [string, RegExp][] = [
    ["address flush dev eth0 scope global", /Failed to match addr/],
    ["link set eth0 down", /"eth0" is down/],
    ["link set eth0 address 02:00:00:00:00:09", /MAC address/],
    ["link set eth0 mtu 1300", /MTU of 1300/],
    ["route del default", /Expected Route 0\.0\.0\.0\/0/],
    ["route del 10.1.2.0/24", /Expected Route 10\.1\.2\.0\/24 via 10\.1\.2\.1/],
    ["route del 2001:db8:1::1", /Expected Route 2001:db8:1::1\/128/],
    ["link delete eth0", /"eth0" not found/],
  ];
  const outside: [string, RegExp][] = [
    ["link set HOST down", /is down|default|Expected Route/],
    ["link set HOST mtu 1300", /MTU of 1300/],
    ["address del 10.1.2.1/32 dev HOST", /on the host: Failed to match addr 10\.1\.2\.1\/32/],
    ["address del 2001:db8:1::1/128 dev HOST", /on the host: Failed to match addr 2001:db8:1::1/],
    ["route del 10.1.2.2 dev HOST", /on the host: Expected Route 10\.1\.2\.2\/32/],
    ["route del 2001:db8:1::2 dev HOST", /on the host: Expected Route 2001:db8:1::2\/128/],
  ];
  const spoilt = [
    ...inside.map(([command, says]) => ({ command, says, where: "container" })),
    ...outside.map(([command, says]) => ({ command, says, where: "host" })),
  ];
  for (const { command, says, where } of spoilt) {
    it(`names it after "ip ${command}" in the ${where}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      const words = command.replace("HOST", prevResult.interfaces[0].name).split(" ");
      sandbox.ok(["ip", ...words], where === "host" ? {} : { netns });
      const call: CniCall = { command: "CHECK", config: { ...config, prevResult }, netns };
      match(refused(sandbox, call).msg, says);
    });
  }

  it("names a rule that is gone, and forwarding that is off", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    const call: CniCall = { command: "CHECK", config: { ...config, prevResult }, netns };
    sandbox.sysctl("net.ipv4.ip_forward", 0);
    match(refused(sandbox, call).msg, /"net\/ipv4\/ip_forward" is not 1/);
    sandbox.sysctl("net.ipv4.ip_forward", 1);
    succeed(sandbox, call);
    sandbox.ok(["nft", "flush", "set", "inet", "netloom", "masq6"]);
    match(refused(sandbox, call).msg, /nf_tables has no .*"net\/c1:eth0"/);
  });
});

describeKernel("ptp DEL, GC and STATUS", () => {
  /** What an attachment may leave of its own. */
  function leftovers(sandbox: Sandbox): string[] {
    const { links, routes, nft, files } = sandbox.snapshot();
    const own = /veth|net\/c\d|10\.1\.2\.2|c1:eth0/;
    return [...links, ...routes, ...nft, ...files].filter((row) => own.test(row));
  }

  it("U-046, U-050: is deleted, deleted again, and gone", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    succeed(sandbox, { command: "DEL", config, netns });
    const prevResult = add(sandbox, config, { netns });
    ok(leftovers(sandbox).length > 0);
    for (let round = 0; round < 2; round++) {
      succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
    }
    deepEqual(leftovers(sandbox), []);
    equal(link(sandbox, "eth0", netns), undefined);
  });

  for (const [what, netns] of [
    ["the path of a namespace", null],
    ["a namespace that exists", "/run/netns/gone"],
  ] as const) {
    it(`needs neither ${what} nor prevResult nor ipMasq`, () => {
      using sandbox = Sandbox.create();
      add(sandbox, config, { netns: sandbox.pod("a") });
      succeed(sandbox, { command: "DEL", config: { ...config, ipMasq: false }, netns });
      deepEqual(leftovers(sandbox), []);
    });
  }

  it("SPEC-059: leaves a pair of that name alone which somebody else made", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    sandbox.ok(["ip", "link", "add", "veth01234567", "type", "veth", "peer", "name", "made"]);
    sandbox.ok(["ip", "link", "set", "made", "netns", "a", "name", "eth0"]);
    sandbox.ok(["ip", "link", "set", "veth01234567", "up"]);
    sandbox.ok(["ip", "address", "add", "10.1.2.1/24", "dev", "veth01234567"]);
    sandbox.ok(["ip", "link", "set", "eth0", "up"], { netns });
    sandbox.ok(["ip", "address", "add", "10.1.2.2/24", "dev", "eth0"], { netns });
    const before = sandbox.snapshot(netns);
    succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(sandbox.snapshot(netns), before);
  });

  it("GC removes what is stale of its network, and nothing else", () => {
    using sandbox = Sandbox.create();
    const [gone, kept, foreign] = ["a", "b", "c"].map((name) => sandbox.pod(name));
    const other = { ...config, name: "other", ipam: hostLocal("10.9.0.0/24") };
    add(sandbox, config, { netns: gone!, containerId: "c1" });
    const prevResult = add(sandbox, config, { netns: kept!, containerId: "c2" });
    const foreignResult = add(sandbox, other, { netns: foreign!, containerId: "c3" });
    const valid = { "cni.dev/valid-attachments": [{ containerID: "c2", ifname: "eth0" }] };
    for (let round = 0; round < 2; round++) {
      succeed(sandbox, { command: "GC", config: { ...config, ...valid } });
    }
    deepEqual(
      leftovers(sandbox).filter((row) => /c1:eth0|10\.1\.2\.2/.test(row)),
      [],
    );
    equal(link(sandbox, "eth0", gone), undefined);
    const check = (keys: Config, netns: string, containerId: string) =>
      succeed(sandbox, { command: "CHECK", config: keys, netns, containerId });
    check({ ...config, prevResult }, kept!, "c2");
    check({ ...other, prevResult: foreignResult }, foreign!, "c3");
  });

  it("U-051: STATUS is ready", () => {
    using sandbox = Sandbox.create();
    succeed(sandbox, { command: "STATUS", config });
  });
});
