/**
 * `internal` and `isolate` of the built bridge: what packets pass, in both families, and what stays of it.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { comeAndGo } from "../links/crowd.ts";
import { add, type Config, defaultGateways, layer3, pings, refused, succeed } from "./network.ts";

const policySets = ["internal", "isolated", "strict"];

/** One network a number: bridge `br<n>`, 10.6<n>.0.0/24 and fd6<n>::/64. */
function network(n: number, keys: Config = {}): Config {
  const subnets = [`10.6${n}.0.0/24`, `fd6${n}::/64`];
  return layer3(subnets, { name: `net${n}`, bridge: `br${n}`, ...keys });
}

const addressesOf = (n: number) => [`10.6${n}.0.2`, `fd6${n}::2`];
const gatewaysOf = (n: number) => [`10.6${n}.0.1`, `fd6${n}::1`];

function attach(sandbox: Sandbox, n: number, keys: Config = {}): { netns: string; result: Config } {
  const netns = sandbox.pod(`pod${n}`);
  return { netns, result: add(sandbox, network(n, keys), { netns, containerId: `c${n}` }) };
}

/** Elements of the sets that a policy is made of, as `internal br1`. */
function policies(sandbox: Sandbox): string[] {
  const sets = sandbox.nftJson().flatMap(({ set }) => set ?? []);
  return sets
    .filter(({ name }) => policySets.includes(name))
    .flatMap(({ name, elem = [] }) => elem.map((each: string) => `${name} ${each}`))
    .sort();
}

/** For each address whether a ping is answered. */
const answered = (sandbox: Sandbox, addresses: readonly string[], netns?: string): boolean[] =>
  addresses.map((address) => pings(sandbox, address, netns));

/** Whether a single datagram arrives, of which no reply is wanted. */
async function arrives(sandbox: Sandbox, from: string, to: string, address: string) {
  const family = address.includes(":") ? "AF_INET6" : "AF_INET";
  const prepare = `import socket\ns=socket.socket(socket.${family},socket.SOCK_DGRAM)\n`;
  const receive = `${prepare}s.bind(('${address}',7777))\ns.settimeout(1.5)\ntry: s.recv(9);print('came')\nexcept OSError: print('did not')\n`;
  const receiver = sandbox.start(["python3", "-c", receive], { netns: to });
  const send = `${prepare}import time\nfor _ in range(10):\n  s.sendto(b'x',('${address}',7777));time.sleep(.1)\n`;
  sandbox.run(["python3", "-c", send], { netns: from });
  return (await receiver.ended)?.stdout.trim() === "came";
}

describeKernel("bridge with internal", () => {
  it("reaches its own containers and the host, and nothing else, in both families", () => {
    using sandbox = Sandbox.create();
    const outside = sandbox.outside();
    for (const family of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"])
      sandbox.sysctl(family, 1);
    const inside = attach(sandbox, 1, { internal: true, ipMasq: true });
    const beside = sandbox.pod("beside");
    add(sandbox, network(1, { internal: true }), { netns: beside, containerId: "beside" });
    const open = attach(sandbox, 2);
    const pod = inside.netns;
    for (const [gateway, route] of [
      ["10.61.0.1", "default"],
      ["fd61::1", "::/0"],
    ] as const)
      sandbox.ok(["ip", "route", "add", route, "via", gateway], { netns: pod });
    sandbox.ok(["ip", "route", "add", "10.61.0.0/24", "via", "192.0.2.1"], { netns: outside });
    sandbox.ok(["ip", "route", "add", "fd61::/64", "via", "2001:db8::1"], { netns: outside });
    deepEqual(answered(sandbox, ["10.61.0.3", "fd61::3", ...gatewaysOf(1)], pod), [
      ...[true, true],
      ...[true, true],
    ]);
    deepEqual(answered(sandbox, addressesOf(1)), [true, true], "from the host");
    deepEqual(answered(sandbox, ["192.0.2.2", "2001:db8::2", ...addressesOf(2)], pod), [
      ...[false, false],
      ...[false, false],
    ]);
    deepEqual(answered(sandbox, addressesOf(1), outside), [false, false], "from outside");
    deepEqual(answered(sandbox, addressesOf(1), open.netns), [false, false], "from a neighbour");
    deepEqual(answered(sandbox, addressesOf(2)), [true, true]);
    sandbox.ok(["nft", "delete", "element", "inet", "netloom", "internal", "{ br1 }"]);
    deepEqual(answered(sandbox, addressesOf(1), open.netns), [true, true], "it was that");
    deepEqual(answered(sandbox, addressesOf(1), outside), [true, true], "it was that");
  });

  it("has no default route, turns no forwarding on, and masquerades nothing", () => {
    using sandbox = Sandbox.create();
    const { netns, result } = attach(sandbox, 1, {
      internal: true,
      ipMasq: true,
      defaultRoute: true,
    });
    deepEqual([defaultGateways(sandbox, netns), result["routes"]], [[], undefined]);
    equal(sandbox.sysctl("net.ipv4.ip_forward"), "0");
    ok(!JSON.stringify(sandbox.nftJson()).includes("net1/c1:eth0"));
  });

  it("is checked, and goes with the last container that wants it", () => {
    using sandbox = Sandbox.create();
    const keys = { internal: true };
    const { netns, result } = attach(sandbox, 1, keys);
    const beside = sandbox.pod("beside");
    add(sandbox, network(1, keys), { netns: beside, containerId: "beside" });
    const open = sandbox.pod("open");
    add(sandbox, network(1), { netns: open, containerId: "open" });
    const own = { netns, containerId: "c1" };
    const check = { command: "CHECK", config: { ...network(1, keys), prevResult: result }, ...own };
    succeed(sandbox, check);
    sandbox.ok(["nft", "delete", "element", "inet", "netloom", "internal", "{ br1 }"]);
    match(refused(sandbox, check).msg, /nf_tables has no internal { "br1" }/);
    sandbox.ok(["nft", "add", "element", "inet", "netloom", "internal", "{ br1 }"]);
    sandbox.deletePod("beside"); // and with it its namespace
    const gone = { command: "DEL", netns: beside, containerId: "beside" };
    succeed(sandbox, { ...gone, config: network(1, { internal: false }) }); // the record tells
    deepEqual(policies(sandbox), ["internal br1"]);
    for (let round = 0; round < 2; round++)
      succeed(sandbox, { command: "DEL", config: network(1, keys), ...own });
    deepEqual(policies(sandbox), [], "one that does not want it is left");
    succeed(sandbox, { command: "DEL", config: network(1), netns: open, containerId: "open" });
  });

  it("goes by GC with what is stale, and stays with what is not", () => {
    using sandbox = Sandbox.create();
    const keys = { internal: true, isolate: true };
    attach(sandbox, 1, keys);
    const kept = attach(sandbox, 2, keys);
    const gc = (n: number, config: Config, containerID?: string): CniCall => {
      const valid = containerID === undefined ? [] : [{ containerID, ifname: "eth0" }];
      const list = { "cni.dev/valid-attachments": valid };
      return { command: "GC", config: { ...network(n, config), ...list } };
    };
    succeed(sandbox, gc(1, keys, "c1"));
    equal(policies(sandbox).length, 4);
    succeed(sandbox, gc(1, { bridge: "renamed" }));
    deepEqual(policies(sandbox), ["internal br2", "isolated br2"]);
    const prevResult = kept.result;
    const call = { netns: kept.netns, containerId: "c2" };
    succeed(sandbox, { command: "CHECK", config: { ...network(2, keys), prevResult }, ...call });
    sandbox.ok(["rm", "-r", "/run/netloom/net2"]);
    succeed(sandbox, { command: "DEL", config: network(2, keys), ...call });
    deepEqual(policies(sandbox), [], "without a record the configuration tells");
  });

  it("a failing ADD leaves nothing of it", () => {
    using sandbox = Sandbox.create();
    const config = network(1, { internal: true, isolate: "strict" });
    const routes = [{ dst: "10.0.0.0/8", gw: "172.16.0.1" }];
    const ipam = { ...(config["ipam"] as Config), routes };
    refused(sandbox, { command: "ADD", config: { ...config, ipam }, netns: sandbox.pod("a") });
    deepEqual(policies(sandbox), []);
  });

  it("many at once, coming and going: who stays is internal, and nobody leaves it behind", async () => {
    using sandbox = Sandbox.create();
    await comeAndGo(sandbox, network(1, { internal: true }), {
      there: () => deepEqual(policies(sandbox), ["internal br1"]),
      gone: () => deepEqual(policies(sandbox), []),
    });
  });

  it("portmap refuses to publish ports, says why, and leaves nothing", () => {
    using sandbox = Sandbox.create();
    const { netns, result } = attach(sandbox, 1, { internal: true });
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const base = { cniVersion: "1.1.0", name: "net1", type: "portmap", prevResult: result };
    const call = { command: "ADD", netns, containerId: "c1" };
    const publish = { ...call, config: { ...base, runtimeConfig: { portMappings } } };
    const error = refused(sandbox, publish);
    equal(error.code, 7);
    match(error.msg, /ports of an internal network cannot be published: "internal" of bridge/);
    succeed(sandbox, { ...call, config: base });

    sandbox.ok(["sh", "-ec", "echo >/run/netloom/net1/c1:eth0/bridge.json"]);
    match(refused(sandbox, publish).msg, /the record "\/run\/.*\/bridge\.json" cannot be used/);
    ok(!JSON.stringify(sandbox.nftJson()).includes("8080"));
  });
});

describeKernel("bridge with isolate", () => {
  it("lets pass what it should between nine pairs of bridges, in both families", async () => {
    using sandbox = Sandbox.create();
    const kinds: (boolean | "strict")[] = [true, "strict", false];
    const pods = [...kinds, ...kinds].map((isolate, n) => attach(sandbox, n, { isolate }).netns);
    const passes = (from: unknown, to: unknown) =>
      from !== "strict" && to !== "strict" && !(from === true && to === true);
    for (const [from, one] of kinds.entries()) {
      for (const [to, other] of kinds.entries()) {
        const target = addressesOf(to + kinds.length);
        const wanted = passes(one, other);
        const what = `${one} to ${other}`;
        deepEqual(answered(sandbox, target, pods[from]), [wanted, wanted], what);
      }
    }
    const [open, strict] = [pods[2]!, pods[1]!];
    for (const address of addressesOf(1)) {
      equal(await arrives(sandbox, open, strict, address), false, "one way, open to strict");
    }
    const openToIsolated = addressesOf(0)[0]!;
    equal(await arrives(sandbox, open, pods[0]!, openToIsolated), true);
  });

  it("strict knows bridges that were there before any table, and those that come later", () => {
    using sandbox = Sandbox.create();
    const before = attach(sandbox, 1).netns;
    deepEqual(sandbox.nftJson(), []);
    attach(sandbox, 2, { isolate: "strict" });
    const after = attach(sandbox, 3).netns;
    deepEqual(answered(sandbox, addressesOf(2), before), [false, false]);
    deepEqual(answered(sandbox, addressesOf(2), after), [false, false]);
    deepEqual(answered(sandbox, addressesOf(1), after), [true, true]);
  });

  it("keeps the host, the world and the bridge's own containers reachable", () => {
    using sandbox = Sandbox.create();
    sandbox.outside();
    for (const [n, isolate] of [
      [1, true],
      [2, "strict"],
    ] as const) {
      const { netns } = attach(sandbox, n, { isolate, ipMasq: true });
      const beside = sandbox.pod(`beside${n}`);
      add(sandbox, network(n, { isolate }), { netns: beside, containerId: `b${n}` });
      const targets = ["192.0.2.2", "2001:db8::2", ...gatewaysOf(n), `10.6${n}.0.3`, `fd6${n}::3`];
      deepEqual(
        answered(sandbox, targets, netns),
        targets.map(() => true),
        String(isolate),
      );
      deepEqual(answered(sandbox, addressesOf(n)), [true, true]);
    }
  });

  it("leaves published ports reachable by the host's addresses", () => {
    using sandbox = Sandbox.create();
    sandbox.outside();
    const from = attach(sandbox, 1, { isolate: "strict" }).netns;
    const to = attach(sandbox, 2, { isolate: "strict" });
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const portmap = { cniVersion: "1.1.0", name: "net2", type: "portmap", prevResult: to.result };
    const config = { ...portmap, runtimeConfig: { portMappings } };
    succeed(sandbox, { command: "ADD", config, netns: to.netns, containerId: "c2" });
    sandbox.start(["python3", "-m", "http.server", "80", "--bind", "::"], { netns: to.netns });
    const get =
      "import time,urllib.request\nfor _ in range(100):\n  try: urllib.request.urlopen('http://192.0.2.1:8080/',timeout=2).read();break\n  except OSError: time.sleep(.05)\nelse: raise SystemExit(1)\n";
    sandbox.ok(["python3", "-c", get], { netns: from });
    deepEqual(answered(sandbox, addressesOf(2), from), [false, false]);
  });

  it("a bridge whose key changes has the new one when its containers have", () => {
    using sandbox = Sandbox.create();
    const first = attach(sandbox, 1, { isolate: true });
    const second = sandbox.pod("second");
    add(sandbox, network(1, { isolate: "strict" }), { netns: second, containerId: "second" });
    deepEqual(policies(sandbox), ["isolated br1", "strict br1"]);
    const gone = { command: "DEL", netns: first.netns, containerId: "c1" };
    succeed(sandbox, { ...gone, config: network(1, { isolate: "strict" }) });
    deepEqual(policies(sandbox), ["strict br1"]);
  });

  it("is refused when it is another word", () => {
    using sandbox = Sandbox.create();
    const call = { command: "ADD", config: network(1, { isolate: "x" }), netns: sandbox.pod("a") };
    match(refused(sandbox, call).msg, /"isolate"/);
  });
});
