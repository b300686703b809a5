/**
 * The built vrf, on a kernel that has VRFs. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { peers } from "../../../scripts/place.ts";
import { describeKernel } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { addresses, type Config, link, refused, succeed } from "../bridge/network.ts";

const v4 = "10.0.0.2/24";
const v6 = "abcd:1234:ffff::cdde/64";

/** A host with a container that has links `net0` and `net1`. */
class Host implements Disposable {
  readonly sandbox = Sandbox.create();
  readonly netns: string;

  constructor(...more: string[]) {
    this.netns = this.sandbox.pod("a");
    this.sandbox.sysctl("net.ipv6.conf.default.accept_dad", 0, this.netns);
    for (const name of ["net0", "net1"]) {
      this.ip(`link add ${name} type dummy`, `link set ${name} up`);
    }
    this.ip(...more);
  }

  ip(...lines: string[]): void {
    const input = `${lines.join("\n")}\n`;
    this.sandbox.ok(["ip", "-batch", "-"], { netns: this.netns, input });
  }

  config(keys: Config = {}, ifName = "net0"): Config {
    const prevResult = {
      cniVersion: "1.1.0",
      interfaces: [{ name: ifName, sandbox: this.netns }],
      ips: [{ address: v4, gateway: "10.0.0.1", interface: 0 }],
    };
    const base = { cniVersion: "1.1.0", name: "net", type: "vrf", vrfname: "vrf0" };
    return { ...base, prevResult, ...keys };
  }

  call(command: string, keys: Config = {}, ifName = "net0"): CniCall {
    return { command, config: this.config(keys, ifName), netns: this.netns, ifName };
  }

  ok(command: string, keys: Config = {}, ifName = "net0") {
    return succeed(this.sandbox, this.call(command, keys, ifName));
  }

  // biome-ignore lint/suspicious/noExplicitAny: iproute2's JSON has no types
  link(name: string): any {
    return link(this.sandbox, name, this.netns);
  }

  tableOf(name: string): number {
    return this.link(name).linkinfo.info_data.table;
  }

  /** Routes of a table that go to others, both families: `10.1.0.0/16 via 10.0.0.1 net0`. */
  table(table: number | string): string[] {
    const rows = ["-4", "-6"].flatMap((family) =>
      this.sandbox.ipJson(`${family} -d route show table ${table}`, this.netns),
    );
    return rows
      .filter(({ type, dst }) => type === "unicast" && !/^f[ef]/.test(dst))
      .map(({ dst, gateway, dev }) => [dst, ...(gateway ? ["via", gateway] : []), dev].join(" "))
      .sort();
  }

  records(): number {
    return this.sandbox.snapshot().files.filter((row) => row.includes("vrf.json")).length;
  }

  /** All but when things were made. */
  state(): unknown[] {
    const { links, addresses, routes } = this.sandbox.snapshot(this.netns);
    return [links.length, addresses, routes.sort(), this.records()];
  }

  [Symbol.dispose](): void {
    this.sandbox.dispose();
  }
}

const routed = [
  `address add ${v4} dev net0`,
  `address add ${v6} dev net0 nodad`,
  "route add 10.10.10.0/24 via 10.0.0.1 dev net0",
  "route add 1111:dddd::/80 via abcd:1234:ffff::1 dev net0",
  "route add default via 10.0.0.254 dev net0 metric 7",
];
const moved = [
  "10.0.0.0/24 net0",
  "10.10.10.0/24 via 10.0.0.1 net0",
  "1111:dddd::/80 via abcd:1234:ffff::1 net0",
  "abcd:1234:ffff::/64 net0",
  "default via 10.0.0.254 net0",
];

describeKernel("vrf", () => {
  it("U-196, U-197, U-198, U-203: address and routes come along, and are back after DEL", () => {
    using host = new Host(...routed);
    const before = host.state();
    deepEqual(host.ok("ADD").json, host.config()["prevResult"]);
    equal(host.link("net0").master, "vrf0");
    ok(host.link("vrf0").flags.includes("UP"));
    deepEqual(addresses(host.sandbox, "net0", host.netns), [v4, v6]);
    deepEqual([host.table(host.tableOf("vrf0")), host.table("main")], [moved, []]);
    host.ok("CHECK");
    for (const _ of "12") host.ok("DEL");
    equal(host.link("vrf0"), undefined);
    deepEqual(host.state(), before);
  });

  const killed: [what: string, ...lines: string[]][] = [
    ["a DEL that took the link out", "link set net0 nomaster"],
    ["a DEL that deleted the VRF, too", "link set net0 nomaster", "link delete vrf0"],
    ["an ADD that put the link in", "link set net0 nomaster", "link set net0 master vrf0"],
  ];
  for (const [what, ...lines] of killed) {
    it(`ROB-025: DEL gives back what was lost when ${what} was killed`, () => {
      using host = new Host(...routed);
      const before = host.state();
      host.ok("ADD");
      host.ip(...lines);
      for (const _ of "12") host.ok("DEL");
      equal(host.link("vrf0"), undefined);
      deepEqual(host.state(), before);
    });
  }

  it("DEL gives nothing of the record to another link of that name", () => {
    using host = new Host(...routed);
    host.ok("ADD");
    host.ip("link delete net0", "link add net0 type dummy", "link set net0 up");
    host.ok("DEL");
    deepEqual(addresses(host.sandbox, "net0", host.netns), []);
  });

  it("U-199: only the routes of the interface come along", () => {
    const others = [
      "address add 10.0.1.2/24 dev net1",
      "route add 10.11.0.0/16 via 10.0.1.1 dev net1",
    ];
    using host = new Host(...routed, ...others);
    host.ok("ADD");
    deepEqual(host.table("main"), ["10.0.1.0/24 net1", "10.11.0.0/16 via 10.0.1.1 net1"]);
    deepEqual(host.table(1), moved);
  });

  it("U-200: refuses an interface that has a master, one that is missing, and a link that is no VRF", () => {
    using host = new Host(...routed, "link add br0 type bridge", "link set net1 master br0");
    const before = host.state();
    const says = (call: CniCall) => refused(host.sandbox, call).msg;
    equal(says(host.call("ADD", {}, "net1")), "interface net1 has already a master set: br0");
    equal(says(host.call("ADD", {}, "net7")), "could not get link by name net7");
    equal(says(host.call("ADD", { vrfname: "br0" })), "Netlink br0 is not a VRF");
    match(says(host.call("ADD", { vrfname: "" })), /expected to have a valid vrf name/);
    deepEqual(host.state(), before);
  });

  for (const [what, address] of [
    ["IPv4", v4],
    ["IPv6", v6],
  ] as const) {
    it(`U-201, U-203: two interfaces with the same ${what} address, in one VRF and in two`, () => {
      const nodad = address === v6 ? " nodad" : "";
      using host = new Host(
        `address add ${address} dev net0${nodad}`,
        `address add ${address} dev net1${nodad}`,
      );
      host.ok("ADD");
      host.ok("ADD", { vrfname: "vrf1" }, "net1");
      deepEqual([host.tableOf("vrf0"), host.tableOf("vrf1")], [1, 2]);
      for (const name of ["net0", "net1"]) {
        deepEqual(addresses(host.sandbox, name, host.netns), [address]);
      }
      host.ok("DEL", { vrfname: "vrf1" }, "net1");
      host.ok("ADD", {}, "net1");
      deepEqual([host.link("net0").master, host.link("net1").master], ["vrf0", "vrf0"]);
      host.ok("DEL");
      equal(host.link("net1").master, "vrf0");
      host.ok("DEL", {}, "net1");
      equal(host.link("vrf0"), undefined);
    });
  }

  it("U-202: a table may be given twice, but a VRF has one", () => {
    using host = new Host();
    host.ok("ADD", { table: 1001 });
    host.ok("ADD", { table: 1001 }, "net1");
    host.ok("DEL", { table: 1001 }, "net1");
    host.ok("ADD", { vrfname: "vrf1", table: 1001 }, "net1");
    deepEqual([host.tableOf("vrf0"), host.tableOf("vrf1")], [1001, 1001]);
    host.ip("link set net1 nomaster");
    const { msg } = refused(host.sandbox, host.call("ADD", { table: 1002 }, "net1"));
    equal(msg, "VRF vrf0 already exist with different routing table 1001");
  });

  it("U-204: goes through in each of its versions, with the key in another spelling", () => {
    using host = new Host(...routed);
    for (const cniVersion of ["0.3.1", "0.4.0", "1.0.0", "1.1.0"]) {
      const ips = [{ version: "4", address: v4, interface: 0 }];
      const prevResult = { cniVersion, interfaces: [{ name: "net0" }], ips };
      const keys = { cniVersion, prevResult, vrfname: undefined, vrfName: "vrf0" };
      equal(host.ok("ADD", keys).json.cniVersion, cniVersion);
      if (cniVersion !== "0.3.1") host.ok("CHECK", keys);
      host.ok("DEL", keys);
    }
  });

  it("U-205: takes the smallest table that no VRF has", () => {
    using host = new Host(
      ...[1, 2, 4].map((table) => `link add v${table} type vrf table ${table}`),
    );
    host.ok("ADD");
    equal(host.tableOf("vrf0"), 3);
  });

  const changes: [what: string, line: string, says: RegExp][] = [
    ["the VRF is down", "link set vrf0 down", /VRF vrf0 is down/],
    ["the interface is out of it", "link set net0 nomaster", /to find net0 associated to vrf vrf0/],
    [
      "an address is gone",
      `address del ${v6} dev net0`,
      /address abcd:1234:ffff::cdde\/64 is missing/,
    ],
    [
      "a route is gone",
      "route del 10.10.10.0/24 table 1",
      /route to 10\.10\.10\.0\/24 .* is missing/,
    ],
    ["the VRF is gone", "link del vrf0", /VRF vrf0 not found/],
  ];
  it("SPEC-067: CHECK sees what is not as it was", () => {
    for (const [what, line, says] of changes) {
      using host = new Host(...routed);
      host.ok("ADD");
      host.ip(line);
      match(refused(host.sandbox, host.call("CHECK")).msg, says, what);
    }
  });

  it("SPEC-051, SPEC-054: DEL without the link, the record, the VRF or the namespace", () => {
    using host = new Host(...routed);
    host.ok("ADD");
    host.ip("link del net0");
    host.ok("DEL");
    equal(host.link("vrf0"), undefined);
    host.ok("ADD", {}, "net1");
    host.sandbox.ok(["rm", "-r", "/run/netloom"]);
    host.ok("DEL", {}, "net1");
    equal(host.link("vrf0"), undefined);
    host.ok("ADD", {}, "net1");
    host.ip("link del vrf0");
    host.ok("DEL", {}, "net1");
    host.ok("ADD", {}, "net1");
    host.sandbox.deletePod("a");
    host.ok("DEL", {}, "net1");
    equal(host.records(), 0);
  });

  it("two ADDs at once share the VRF that one of them makes, and the last DEL deletes it", async () => {
    using host = new Host(...routed, `address add ${v4} dev net1`);
    for (const command of ["ADD", "CHECK", "DEL"]) {
      const calls = ["net0", "net1"].map((name) => host.call(command, {}, name));
      const done = await host.sandbox.cniAtOnce(calls);
      deepEqual(
        done.map(({ status }) => status),
        [0, 0],
        done.map(({ stdout }) => stdout).join(),
      );
    }
    equal(host.link("vrf0"), undefined);
  });

  it("two interfaces in one VRF keep their default routes", () => {
    const other = [
      "address add 10.0.1.2/24 dev net1",
      "route append default via 10.0.1.1 dev net1 metric 7",
    ];
    using host = new Host(...routed, ...other);
    host.ok("ADD");
    host.ok("ADD", {}, "net1");
    deepEqual(
      host.table(1).filter((row) => row.startsWith("default")),
      ["default via 10.0.0.254 net0", "default via 10.0.1.1 net1"],
    );
    for (const name of ["net0", "net1"]) host.ok("CHECK", {}, name);
  });

  for (const [first, second] of [
    ["ours", "the reference"],
    ["the reference", "ours"],
  ]) {
    it(`what ${first} has made, ${second} takes apart`, function () {
      if (!existsSync(join(peers, "vrf"))) this.skip();
      const folder = (whose = "") => (whose === "ours" ? {} : { bin: peers });
      using host = new Host(...routed);
      const call = (command: string, whose?: string) =>
        succeed(host.sandbox, { ...host.call(command), ...folder(whose) });
      call("ADD", first);
      deepEqual(host.table(1), moved);
      call("CHECK", second);
      call("DEL", second);
      deepEqual([host.link("vrf0"), host.link("net0").master], [undefined, undefined]);
      call("DEL", first === "ours" ? first : second);
      equal(host.records(), 0);
    });
  }

  it("GC takes stale interfaces out; STATUS is ready", () => {
    using host = new Host(...routed);
    host.ok("ADD");
    host.ok("ADD", {}, "net1");
    const gc = (ifname: string): CniCall => {
      const valid = { "cni.dev/valid-attachments": [{ containerID: "c1", ifname }] };
      return { command: "GC", config: host.config({ ...valid, prevResult: undefined }) };
    };
    succeed(host.sandbox, gc("net1"));
    deepEqual([host.link("net0").master, host.link("net1").master], [undefined, "vrf0"]);
    succeed(host.sandbox, gc("none"));
    equal(host.link("vrf0"), undefined);
    succeed(host.sandbox, { command: "STATUS", config: host.config({ prevResult: undefined }) });
  });
});
