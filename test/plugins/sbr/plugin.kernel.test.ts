/**
 * The built sbr on links of a container. The conformance cases of 6.16 ask it, and the reference, for what both do; here is what
 * the reference does otherwise.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { type Config, refused, succeed } from "../bridge/network.ts";

interface Ip {
  address: string;
  gateway?: string;
}

const ipv4: Ip = { address: "192.168.1.209/24", gateway: "192.168.1.1" };
const ipv6: Ip = { address: "fd00::209/64", gateway: "fd00::1" };

/** A host with a container whose `eth0` has the default route, and `net1` further ones. */
class Host implements Disposable {
  readonly sandbox = Sandbox.create();
  readonly netns: string;

  constructor(...more: string[]) {
    try {
      this.netns = this.pod("a", ...more);
    } catch (error) {
      this.sandbox.dispose(); // or its holder keeps the test's process
      throw error;
    }
  }

  /** @param more further lines of `ip -batch` */
  pod(name: string, ...more: string[]): string {
    const netns = this.sandbox.pod(name);
    const lines = [
      ...this.link("eth0", "10.0.0.2/24", "fd01::2/64"),
      "route add default via 10.0.0.1 dev eth0",
      "route add default via fd01::1 dev eth0",
      ...this.link("net1", ipv4.address, ipv6.address),
      "route add 192.168.2.0/24 via 192.168.1.2 dev net1",
      ...more,
    ];
    this.sandbox.sysctl("net.ipv6.conf.default.accept_dad", 0, netns);
    this.ip(lines, netns);
    return netns;
  }

  link(name: string, ...addresses: string[]): string[] {
    return [
      `link add ${name} type veth peer name far-${name}`,
      `link set far-${name} up`,
      `link set ${name} up`,
      ...addresses.map((each) => `address add ${each} dev ${name}`),
    ];
  }

  ip(lines: string[], netns = this.netns): void {
    this.sandbox.ok(["ip", "-batch", "-"], { netns, input: `${lines.join("\n")}\n` });
  }

  config(keys: Config = {}, ips: readonly Ip[] = [ipv4, ipv6], name = "net1"): Config {
    const prevResult = {
      cniVersion: "1.1.0",
      interfaces: [{ name, sandbox: this.netns }],
      ips: ips.map((each) => ({ ...each, interface: 0 })),
    };
    return { cniVersion: "1.1.0", name: "net", type: "sbr", prevResult, ...keys };
  }

  call(command: string, config = this.config(), more: Partial<CniCall> = {}): CniCall {
    return { command, config, netns: this.netns, ifName: "net1", ...more };
  }

  /** Routes and rules of the container, and the files of the host. */
  state(netns = this.netns): string[] {
    const { routes, rules } = this.sandbox.snapshot(netns);
    return [...routes, ...rules, ...this.records()];
  }

  records(): string[] {
    return this.sandbox.snapshot().files.filter((row) => row.includes("sbr.json"));
  }

  rules(netns = this.netns): string[] {
    const rows = ["-4", "-6"].flatMap((family) => this.sandbox.ipJson(`${family} rule`, netns));
    return rows.filter(({ src }) => src !== "all").map(({ src, table }) => `${src} ${table}`);
  }

  table(table: number | "main", netns = this.netns): string[] {
    const rows = ["-4", "-6"].flatMap((family) => {
      const found = this.sandbox.run(
        ["ip", "-j", family, "route", "show", "table", String(table)],
        { netns },
      );
      return found.status === 0 ? JSON.parse(found.stdout || "[]") : [];
    });
    return rows
      .filter(({ dst, dev }) => dst !== "fe80::/64" && dev !== "eth0")
      .map(({ dst, gateway }) => (gateway === undefined ? dst : `${dst} via ${gateway}`));
  }

  [Symbol.dispose](): void {
    this.sandbox.dispose();
  }
}

describeKernel("sbr", function () {
  this.timeout(60_000);

  it("leads what each address sends out of its own link, and DEL leaves everything as it was", () => {
    using host = new Host();
    const before = host.state();
    const way = (from: string, to: string) =>
      host.sandbox.ipJson(`route get ${to} from ${from}`, host.netns)[0].dev;
    equal(way("192.168.1.209", "203.0.113.1"), "eth0");
    succeed(host.sandbox, host.call("ADD"));
    deepEqual(host.rules(), ["192.168.1.209 100", "fd00::209 101"]);
    deepEqual(
      [way("192.168.1.209", "203.0.113.1"), way("fd00::209", "2001:db8::9")],
      ["net1", "net1"],
    );
    deepEqual([way("10.0.0.2", "203.0.113.1"), way("fd01::2", "2001:db8::9")], ["eth0", "eth0"]);
    succeed(host.sandbox, host.call("CHECK"));
    for (const _ of "12") succeed(host.sandbox, host.call("DEL"));
    deepEqual(host.state(), before);
  });

  it("with source hints comes and goes without a trace too", () => {
    using host = new Host();
    const before = host.state();
    const config = host.config({ addSourceHints: true });
    succeed(host.sandbox, host.call("ADD", config));
    deepEqual(host.table("main"), ["192.168.1.0/24", "fd00::/64"]);
    succeed(host.sandbox, host.call("CHECK", config));
    succeed(host.sandbox, host.call("DEL", config));
    deepEqual(host.state(), before);
  });

  it("loses no route: through several gateways, beyond the subnet, on the link by decree", () => {
    using host = new Host(
      "route add 172.16.0.0/16 nexthop via 192.168.1.3 dev net1 nexthop via 192.168.1.4 dev net1",
      "route add 169.254.1.1 dev net1",
      "route add 172.17.0.0/16 via 169.254.1.1 dev net1",
      "route add 172.18.0.0/16 via 100.64.0.1 dev net1 onlink mtu 1400",
      "route add fd77::/64 nexthop via fd00::3 dev net1 nexthop via fd00::4 dev net1",
    );
    const before = host.state();
    succeed(host.sandbox, host.call("ADD"));
    deepEqual(host.table("main"), []);
    deepEqual(host.table(100), [
      "default via 192.168.1.1",
      "169.254.1.1",
      "172.16.0.0/16",
      "172.17.0.0/16 via 169.254.1.1",
      "172.18.0.0/16 via 100.64.0.1",
      "192.168.1.0/24",
      "192.168.2.0/24 via 192.168.1.2",
      "fd00::/64",
    ]);
    deepEqual(
      host.table(101),
      ["169.254.1.1", "192.168.1.0/24", "fd00::/64", "fd77::/64", "default via fd00::1"].filter(
        (row) => row !== "192.168.1.0/24",
      ),
    );
    succeed(host.sandbox, host.call("CHECK"));
    succeed(host.sandbox, host.call("DEL"));
    deepEqual(host.state(), before);
  });

  it("moves thousands of routes", () => {
    const many = Array.from({ length: 4000 }, (_, at) => `172.${16 + (at >> 8)}.${at & 255}.0/24`);
    using host = new Host(...many.map((each) => `route add ${each} via 192.168.1.5 dev net1`));
    const before = host.state();
    succeed(host.sandbox, host.call("ADD"));
    equal(host.table(100).length, many.length + 4);
    succeed(host.sandbox, host.call("DEL"));
    deepEqual(host.state(), before);
  });

  it("a gateway of the configuration wins against a default route of the link", () => {
    using host = new Host("route append default via 192.168.1.1 dev net1");
    const before = host.state();
    const config = host.config({ gateways: ["192.168.1.254"] });
    succeed(host.sandbox, host.call("ADD", config));
    equal(host.table(100)[0], "default via 192.168.1.254");
    succeed(host.sandbox, host.call("CHECK", config));
    succeed(host.sandbox, host.call("DEL", config));
    deepEqual(host.state(), before);
  });

  it("takes no table that somebody has routes in", () => {
    using host = new Host("route add 10.8.0.0/16 via 10.0.0.9 dev eth0 table 100");
    succeed(host.sandbox, host.call("ADD"));
    deepEqual(host.rules(), ["192.168.1.209 101", "fd00::209 102"]);
  });

  const failing: [what: string, keys: Config, ips: Ip[], says: RegExp][] = [
    [
      "a gateway that cannot be reached",
      {},
      [ipv4, { ...ipv6, gateway: "fd99::1" }],
      /^Failed to add default route to fd99::1/,
    ],
    [
      "an address that the link does not have, to be hinted at",
      { addSourceHints: true },
      [ipv4, { address: "172.20.0.1/24" }],
      /^Failed to add source hint 172\.20\.0\.0\/24/,
    ],
    ["no address of the link", {}, [], /^No IP addresses supplied on interface: net1/],
    ["two gateways of a family", { gateways: ["10.0.0.1", "10.0.0.2"] }, [ipv4], /multiple IPv4/],
    ["table 0", { table: 0 }, [ipv4], /"table": want at least 1, got 0/],
  ];
  for (const [what, keys, ips, says] of failing) {
    it(`ADD with ${what} fails and leaves everything as it was`, () => {
      using host = new Host();
      const before = host.state();
      match(refused(host.sandbox, host.call("ADD", host.config(keys, ips))).msg, says);
      deepEqual(host.state(), before);
    });
  }

  it("ADD without the link names it", () => {
    using host = new Host();
    const call = host.call("ADD", host.config({}, [ipv4], "net7"), { ifName: "net7" });
    match(refused(host.sandbox, call).msg, /^Cannot find network interface net7 in "\/run/);
  });

  for (const keys of [{}, { table: 5000 }]) {
    it(`a second ADD is refused and harms nothing: ${JSON.stringify(keys)}`, () => {
      using host = new Host();
      const config = host.config(keys);
      succeed(host.sandbox, host.call("ADD", config));
      const once = host.state();
      match(refused(host.sandbox, host.call("ADD", config)).msg, /have table \d+ already/);
      deepEqual(host.state(), once);
      succeed(host.sandbox, host.call("CHECK", config));
    });
  }

  it("ADD for a new link ends what an old one of that name has left", () => {
    using host = new Host();
    succeed(host.sandbox, host.call("ADD"));
    host.ip(["link delete net1", ...host.link("net1", ipv4.address, ipv6.address)]);
    succeed(host.sandbox, host.call("ADD"));
    deepEqual(host.rules().length, 2);
    succeed(host.sandbox, host.call("CHECK"));
    succeed(host.sandbox, host.call("DEL"));
    deepEqual(host.rules(), []);
  });

  const changes: [what: string, commands: string[], says: RegExp][] = [
    [
      "a rule is gone",
      ["rule del from 192.168.1.209"],
      /no rule .* 192\.168\.1\.209 to table 100$/,
    ],
    [
      "a rule leads elsewhere",
      ["rule del from 192.168.1.209", "rule add from 192.168.1.209 lookup 77"],
      /to table 100, but one to table 77/,
    ],
    [
      "the default route is gone",
      ["route del default table 100"],
      /table 100 has no default route: the one to 192\.168\.1\.1/,
    ],
    [
      "the default route leads elsewhere",
      ["route replace default via 192.168.1.9 dev net1 table 100"],
      /route to 0\.0\.0\.0\/0 via 192\.168\.1\.1 table 100 is missing/,
    ],
    [
      "a route is gone",
      ["route del 192.168.2.0/24 table 100"],
      /route to 192\.168\.2\.0\/24 via 192\.168\.1\.2 table 100 is missing/,
    ],
    [
      "an IPv6 route is gone",
      ["-6 route del fd00::/64 table 101"],
      /fd00::\/64 table 101 is missing/,
    ],
    ["the link is gone", ["link delete net1"], /^Cannot find network interface net1/],
  ];
  for (const [what, commands, says] of changes) {
    it(`CHECK sees that ${what}`, () => {
      using host = new Host();
      succeed(host.sandbox, host.call("ADD"));
      for (const command of commands) {
        host.sandbox.ok(["ip", ...command.split(" ")], { netns: host.netns });
      }
      match(refused(host.sandbox, host.call("CHECK")).msg, says);
    });
  }

  it("CHECK does not mind what others add, and wants a rule in the table of the configuration", () => {
    using host = new Host();
    succeed(host.sandbox, host.call("ADD"));
    host.ip([
      "route add 172.30.0.0/16 via 10.0.0.9 dev eth0",
      "route add 172.31.0.0/16 via 192.168.1.8 dev net1 table 100",
      "rule add from 10.0.0.2 lookup 200",
    ]);
    succeed(host.sandbox, host.call("CHECK"));
    const elsewhere = host.config({ table: 5000 });
    match(refused(host.sandbox, host.call("CHECK", elsewhere)).msg, /to table 5000, but one/);
  });

  it("DEL works when the addresses have changed, and when the link is gone", () => {
    using host = new Host();
    succeed(host.sandbox, host.call("ADD"));
    host.ip(["address flush dev net1", "address add 172.16.5.5/24 dev net1"]);
    const { stderr } = succeed(host.sandbox, host.call("DEL"));
    match(stderr, /does not put back the route to 192\.168\.1\.0\/24 table 254/);
    deepEqual([host.rules(), host.table(100), host.table(101)], [[], [], []]);

    const netns = host.pod("b");
    succeed(host.sandbox, host.call("ADD", host.config(), { netns }));
    host.ip(["link delete net1"], netns);
    succeed(host.sandbox, host.call("DEL", host.config({ prevResult: undefined }), { netns }));
    deepEqual([host.rules(netns), host.records()], [[], []]);
  });

  it("DEL goes by the kernel when the record is gone or broken, the link there or not", () => {
    using host = new Host();
    const forget = (how: string) =>
      host.sandbox.ok(["sh", "-ec", `cd /run/netloom/net/c1:net1; ${how}`]);
    for (const how of ["rm sbr.json", "echo '{' >sbr.json"]) {
      succeed(host.sandbox, host.call("ADD"));
      forget(how);
      succeed(host.sandbox, host.call("DEL"));
      deepEqual([host.rules(), host.table(100), host.records()], [[], [], []], how);
      deepEqual(host.table("main"), [
        "192.168.1.0/24",
        "192.168.2.0/24 via 192.168.1.2",
        "fd00::/64",
      ]);
    }
    succeed(host.sandbox, host.call("ADD"));
    forget("rm sbr.json");
    host.ip(["link delete net1"]);
    succeed(host.sandbox, host.call("DEL"));
    deepEqual(host.rules(), []);
  });

  it("DEL makes no file where the namespace was, and touches no other namespace that lies there", () => {
    using host = new Host();
    succeed(host.sandbox, host.call("ADD"));
    const other = host.pod("b");
    const netns = "/run/netns/gone";
    succeed(host.sandbox, host.call("DEL", host.config(), { netns }));
    equal(host.sandbox.run(["ls", netns]).status, 2);
    deepEqual(host.records(), []);

    succeed(host.sandbox, {
      ...host.call("ADD", host.config(), { netns: other }),
      containerId: "c2",
    });
    const kept = host.state(other);
    const third = host.pod("c");
    const before = host.state(third);
    succeed(host.sandbox, host.call("DEL", host.config(), { netns: third, containerId: "c3" }));
    deepEqual([host.state(third), host.state(other)], [before, kept]);
  });

  it("DEL leaves alone what another network has for the interface, and rules that say more", () => {
    using host = new Host("rule add from 192.168.1.209 fwmark 7 lookup 300");
    succeed(host.sandbox, host.call("ADD"));
    const added = host.state();
    succeed(host.sandbox, host.call("DEL", host.config({ name: "other" })));
    deepEqual(host.state(), added);
    succeed(host.sandbox, host.call("DEL"));
    deepEqual(host.rules(), ["192.168.1.209 300"]);
  });

  it("networks that come at once never get the same table", async () => {
    using host = new Host();
    const names = Array.from({ length: 8 }, (_, at) => `net${at + 10}`);
    const addressOf = (at: number) => `10.50.${at}.2/24`;
    host.ip(names.flatMap((name, at) => host.link(name, addressOf(at))));
    const call = (command: string, at: number): CniCall => {
      const ifName = names[at]!;
      const ips = [{ address: addressOf(at), gateway: `10.50.${at}.1` }];
      return { ...host.call(command, host.config({ name: `n${at}` }, ips, ifName)), ifName };
    };
    for (let round = 0; round < 3; round++) {
      const before = host.state();
      const done = await host.sandbox.cniAtOnce(names.map((_, at) => call("ADD", at)));
      deepEqual(
        done.map(({ status }) => status),
        names.map(() => 0),
        done[0]?.stdout,
      );
      const tables = host.rules().map((row) => Number(row.split(" ")[1]));
      deepEqual(
        tables.sort(),
        names.map((_, at) => 100 + at),
      );
      for (const [at] of names.entries()) succeed(host.sandbox, call("CHECK", at));
      const gone = await host.sandbox.cniAtOnce(names.map((_, at) => call("DEL", at)));
      deepEqual(
        gone.map(({ status }) => status),
        names.map(() => 0),
      );
      deepEqual(host.state(), before);
    }
  });

  it("GC ends stale attachments of its network, where their namespaces live and where not", () => {
    using host = new Host();
    const before = host.state();
    const [second, third] = [host.pod("b"), host.pod("c")];
    succeed(host.sandbox, host.call("ADD"));
    const valid = host.call("ADD", host.config(), { netns: second, containerId: "c2" });
    succeed(host.sandbox, valid);
    const elsewhere = host.config({ name: "other" });
    succeed(host.sandbox, host.call("ADD", elsewhere, { netns: third, containerId: "c3" }));
    const kept = [host.state(second).length, host.state(third).length];
    const gc = (list: unknown): CniCall => {
      const config = host.config({ prevResult: undefined, "cni.dev/valid-attachments": list });
      return { command: "GC", config, containerId: null, ifName: null };
    };
    succeed(host.sandbox, gc(undefined));
    equal(host.records().length, 3);
    for (const _ of "12") succeed(host.sandbox, gc([{ containerID: "c2", ifname: "net1" }]));
    deepEqual(
      host.state().filter((row) => !row.includes("sbr.json")),
      before,
    );
    deepEqual([host.state(second).length + 1, host.state(third).length + 1], kept);
    host.sandbox.deletePod("b");
    succeed(host.sandbox, gc([]));
    deepEqual([host.records().length, host.rules(third).length], [1, 2]);
  });

  it("STATUS is ready, and names gateways that cannot be", () => {
    using host = new Host();
    const status = (keys: Config): CniCall => {
      const config = host.config({ prevResult: undefined, ...keys });
      return { command: "STATUS", config, containerId: null, ifName: null };
    };
    succeed(host.sandbox, status({}));
    equal(refused(host.sandbox, status({ gateways: ["x"] })).code, 7);
    host.sandbox.ok(["sh", "-ec", "mkdir -p /run/netloom; mount -t tmpfs -o ro full /run/netloom"]);
    const { code, msg } = refused(host.sandbox, status({}));
    ok(code === 50 && msg.includes("/run/netloom"), msg);
  });
});
