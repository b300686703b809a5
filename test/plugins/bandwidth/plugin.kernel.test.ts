/**
 * The built bandwidth: what it puts on links, sees, and takes away. Numbers are those of the conformance checklist, whose cases
 * for bandwidth are asked of the reference too; here is what the reference does otherwise.
 */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { ifbNames } from "../../../plugins/bandwidth/ifb.ts";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { type Config, refused, succeed } from "../bridge/network.ts";
import { ShapedWorld } from "./shaped-world.ts";

const ifb = "bwp623e1c388032";
const both: Config = { ingressRate: 8000, ingressBurst: 80, egressRate: 8000, egressBurst: 80 };
const fast: Config = { ingressRate: "10Mbit", egressRate: "1.5Gbit" };
const subnets = ["10.0.0.0/8", "fd00:db8:abcd:1234:e000::/68"];
const classful: Config = { ...fast, unshapedSubnets: subnets };

/** Chapter 8.4 of what is known of the reference, as tc prints it. */
const wanted = `qdisc show dev host1
qdisc tbf 1: root  rate 8Kbit burst 10b/1 mpu 0b lat 25ms linklayer unspec 
qdisc ingress ffff: parent ffff:fff1 ---------------- 
class show dev host1
class tbf 1:1 parent 1: 
filter show dev host1 parent ffff:
filter protocol all pref 1 u32 chain 0 
filter protocol all pref 1 u32 chain 0 fh 800: ht divisor 1 
filter protocol all pref 1 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 *flowid 1:1 not_in_hw 
  match 00000000/00000000 at 0
	action order 1: mirred (Egress Redirect to device ${ifb}) stolen
	index ref 1 bind 1

	action order 2: mirred (Egress Redirect to device ${ifb}) pass
	index ref 1 bind 1

filter show dev host1
qdisc show dev ${ifb}
qdisc tbf 1: root  rate 8Kbit burst 10b/1 mpu 0b lat 25ms linklayer unspec 
class show dev ${ifb}
class tbf 1:1 parent 1: 
filter show dev ${ifb} parent ffff:
filter show dev ${ifb}
`;

function gc(world: ShapedWorld, valid: unknown): CniCall {
  const config = world.config(both, 1, {
    prevResult: undefined,
    "cni.dev/valid-attachments": valid,
  });
  return { command: "GC", config, containerId: null, ifName: null };
}

describeKernel(
  "bandwidth",
  function () {
    this.timeout(60_000);

    it("makes what the reference makes, tells of the link it made, and DEL takes all of it away", () => {
      using world = new ShapedWorld();
      const before = [world.traffic(), world.files()];
      const { interfaces } = world.add(both);
      const [made, mac] = [interfaces[2], world.sandbox.ipJson(`link show ${ifb}`)[0].address];
      deepEqual(interfaces.slice(0, 2), (world.config({})["prevResult"] as Config)["interfaces"]);
      deepEqual(made, { name: ifb, mac });
      equal(world.traffic(), wanted);
      const [row] = world.sandbox.ipJson(`-d link show ${ifb}`);
      deepEqual(
        [row.mtu, row.txqlen ?? 0, row.ifalias, row.flags.includes("UP")],
        [1500, 0, "net/c1:eth0", true],
      );
      succeed(world.sandbox, world.call("CHECK", both));
      for (const _ of "12") succeed(world.sandbox, world.call("DEL", both));
      deepEqual([world.traffic(), world.files()], before);
    });

    it("hands the result on and makes nothing when nothing is asked for", () => {
      using world = new ShapedWorld();
      const before = [world.traffic(), world.files()];
      const { prevResult } = world.config({});
      deepEqual(world.add({ ingressRate: 0, ingressBurst: 0 }), prevResult);
      deepEqual([world.traffic(), world.files()], before);
    });

    it("keeps rates beyond 32 bits of bytes exact", () => {
      using world = new ShapedWorld();
      const keys = { ingressRate: "40.000000008Gbit", egressRate: 50_000_000_000 };
      world.add(keys);
      const rates = ["host1", ifb].map((link) => {
        const [root = {}] = world.tc("qdisc", "show", "dev", link, "root");
        return (root["options"] as Config)["rate"];
      });
      deepEqual(rates, [5_000_000_001, 6_250_000_000]);
      succeed(world.sandbox, world.call("CHECK", keys));
      const { msg } = refused(
        world.sandbox,
        world.call("CHECK", { ...keys, ingressRate: "40Gbit", ingressBurst: 2_000_000_000 }),
      );
      match(msg, /Rate doesn't match: "host1" has 5000000001, want 5000000000/);
    });

    it("warns of a burst that no full packet fits into", () => {
      using world = new ShapedWorld();
      const { stderr } = succeed(world.sandbox, world.call("ADD", both));
      match(
        stderr,
        /"ingressBurst" is 10 bytes: larger packets are dropped, and "host1" has an MTU/,
      );
      match(stderr, /"egressBurst" is 10 bytes/);
      succeed(world.sandbox, world.call("DEL", both));
      equal(succeed(world.sandbox, world.call("ADD", fast)).stderr, "");
    });

    it("has classes for subnets, whose CHECK and DEL know all of them", () => {
      using world = new ShapedWorld();
      const before = world.traffic();
      world.add(classful);
      const text = world.traffic();
      for (const part of [
        /qdisc htb 1: root .*default 0x30/,
        /class htb 1:1 root .*rate 800Gbit/,
        /class htb 1:30 root leaf 30: .*rate 10Mbit .*burst 62500b/,
        /class htb 1:30 root leaf 30: .*rate 1500Mbit/,
        /qdisc bfifo 30: parent 1:30 limit 128Kb/,
        /filter parent 1: protocol ip pref 16 u32 .*flowid 1:1 .*\n {2}match 0a000000\/ff000000 at 12/,
        /filter parent 1: protocol ip pref 16 u32 .*flowid 1:1 .*\n {2}match 0a000000\/ff000000 at 16/,
        /protocol ipv6 pref 15 .*\n.*fd000db8\/ffffffff at 24\n.*\n.*e0000000\/f0000000 at 32/,
      ]) {
        match(text, part);
      }
      succeed(world.sandbox, world.call("CHECK", classful));
      const others: [keys: Config, says: RegExp][] = [
        [{ unshapedSubnets: [...subnets, "192.0.2.0/24"] }, /^Failed to find filter: "host1"/],
        [{ unshapedSubnets: undefined, shapedSubnets: subnets }, /^Default class does not match/],
        [{ unshapedSubnets: undefined }, /^Failed to find qdisc: "host1" has htb, want tbf/],
        [{ ingressRate: "11Mbit" }, /^Rate doesn't match: "host1" has 1250000, want 1375000/],
      ];
      for (const [keys, says] of others) {
        const call = world.call("CHECK", { ...classful, ...keys });
        match(refused(world.sandbox, call).msg, says);
      }
      succeed(world.sandbox, world.call("DEL", classful));
      equal(world.traffic(), before);
    });

    const changes: [what: string, command: string, says: RegExp][] = [
      [
        "another rate",
        `tc qdisc change dev host1 root handle 1: tbf rate 9kbit burst 10 limit 35`,
        /^Rate doesn't match: "host1" has 1125, want 1000/,
      ],
      [
        "another limit",
        `tc qdisc change dev ${ifb} root handle 1: tbf rate 8kbit burst 10 limit 99`,
        /^Limit doesn't match: "bwp623e1c388032" has 99, want 35/,
      ],
      [
        "another burst",
        `tc qdisc change dev host1 root handle 1: tbf rate 8kbit burst 20 limit 35`,
        /^Buffer doesn't match: "host1" has 312500, want 156250/,
      ],
      [
        "the queue of the host's link",
        "tc qdisc delete dev host1 root",
        /^Failed to find qdisc: "host1" has none, want tbf/,
      ],
      [
        "the queue of the ifb",
        `tc qdisc delete dev ${ifb} root`,
        /^Failed to find qdisc: "bwp623e1c388032" has \w+, want tbf/,
      ],
      ["ingress", "tc qdisc delete dev host1 ingress", /^Failed to find qdisc: "host1" has no ing/],
      [
        "the filter",
        "tc filter delete dev host1 parent ffff:",
        /^Failed to find filter: "host1" does not lead to "bwp623e1c388032"/,
      ],
      ["the ifb", `ip link delete ${ifb}`, /^get ifb device: Link not found: "bwp623e1c388032"/],
      ["the ifb's state", `ip link set ${ifb} down`, /^"bwp623e1c388032" is down/],
      ["the ifb's MTU", `ip link set ${ifb} mtu 1000`, /^"bwp623e1c388032" has an MTU of 1000/],
    ];
    for (const [what, command, says] of changes) {
      it(`CHECK names what is missing or changed, and DEL lives with it: ${what}`, () => {
        using world = new ShapedWorld();
        const before = [world.traffic(), world.files()];
        world.add(both);
        world.sandbox.ok(command.split(" "));
        const { code, msg } = refused(world.sandbox, world.call("CHECK", both));
        equal(code, 100);
        match(msg, says);
        succeed(world.sandbox, world.call("DEL", both));
        deepEqual([world.traffic(), world.files()], before);
      });
    }

    it("a second ADD is refused and harms nothing", () => {
      using world = new ShapedWorld();
      world.add(both);
      const added = [world.traffic(), world.files()];
      for (const keys of [both, { egressRate: "1Mbit" }, { ingressRate: "1Mbit" }]) {
        match(
          refused(world.sandbox, world.call("ADD", keys)).msg,
          /^create (ingress )?qdisc: "host1"/,
        );
        deepEqual([world.traffic(), world.files()], added);
      }
      succeed(world.sandbox, world.call("CHECK", both));
    });

    const failing: [what: string, prepare: string[], says: RegExp][] = [
      [
        "others have both names of the ifb",
        ifbNames({ network: "net", containerId: "c1", ifname: "eth0" }).map(
          (name) => `ip link add ${name} type bridge`,
        ),
        /^adding link/,
      ],
      [
        "somebody has a queue on the host's link",
        ["tc qdisc add dev host1 root handle 7: pfifo"],
        /^create qdisc: "host1" has one already, of kind pfifo/,
      ],
      [
        "somebody looks at what the host's link receives",
        ["tc qdisc add dev host1 handle ffff: ingress"],
        /^create ingress qdisc: "host1" has one already/,
      ],
    ];
    for (const [what, prepare, says] of failing) {
      it(`ADD undoes what it did when ${what}`, () => {
        using world = new ShapedWorld();
        for (const command of prepare) world.sandbox.ok(command.split(" "));
        const before = [world.traffic(), world.files()];
        match(refused(world.sandbox, world.call("ADD", both)).msg, says);
        deepEqual([world.traffic(), world.files()], before);
        succeed(world.sandbox, world.call("DEL", both));
        deepEqual([world.traffic(), world.files()], before);
      });
    }

    it("keeps two interfaces of a container apart", () => {
      using world = new ShapedWorld();
      world.pod(2, "eth1", world.netns);
      const second = (command: string): CniCall => {
        const interfaces = [{ name: "host2" }, { name: "eth1", sandbox: world.netns }];
        const prevResult = { cniVersion: "1.1.0", interfaces };
        return { ...world.call(command, { ...both, prevResult }), ifName: "eth1" };
      };
      world.add(both);
      const alone = world.traffic();
      succeed(world.sandbox, second("ADD"));
      equal(world.ifbs().length, 2);
      succeed(world.sandbox, second("CHECK"));
      for (const _ of "12") succeed(world.sandbox, second("DEL"));
      equal(world.traffic(), alone);
      succeed(world.sandbox, world.call("CHECK", both));
      succeed(world.sandbox, second("ADD"));
      succeed(world.sandbox, world.call("DEL", both));
      succeed(world.sandbox, second("CHECK"));
    });

    it("refuses what is no pair of links, or whose host's end the result does not tell of", () => {
      using world = new ShapedWorld();
      const container = { name: "eth0", sandbox: world.netns };
      const cases: [interfaces: unknown[] | undefined, code: number, says: string][] = [
        [undefined, 7, "no interfaces provided"],
        [[], 7, "no interfaces provided"],
        [[container], 999, "no veth peer of container interface found in host ns"],
        [
          [{ name: "host1", sandbox: world.netns }, container],
          999,
          "no veth peer of container interface found in host ns",
        ],
      ];
      for (const [interfaces, code, says] of cases) {
        const prevResult = { cniVersion: "1.1.0", ...(interfaces && { interfaces }) };
        const error = refused(world.sandbox, world.call("ADD", { ...both, prevResult }));
        deepEqual([error.code, error.msg], [code, says]);
      }
      const lo = { ...world.call("ADD", both), ifName: "lo" };
      match(refused(world.sandbox, lo).msg, /^container interface lo has no veth peer: it is a/);
      const none = { ...world.call("ADD", both), ifName: "eth7" };
      match(refused(world.sandbox, none).msg, /eth7 has no veth peer: there is no such link in/);
      const other = world.sandbox.pod("other");
      world.sandbox.ok(["ip", "link", "set", "host1", "netns", "other"]);
      notEqual(other, world.netns);
      match(refused(world.sandbox, world.call("ADD", both)).msg, /veth peer with index \d+ is not/);
    });

    it("DEL needs neither prevResult nor a right configuration nor the record nor the namespace", () => {
      const ways: [what: string, keys: Config, spoil: string, more: Partial<CniCall>][] = [
        ["prevResult", { prevResult: undefined }, "true", {}],
        ["configuration", { ingressRate: "x", egressBurst: true, runtimeConfig: 5 }, "true", {}],
        ["record", {}, "rm -r /run/netloom", {}],
        ["whole record", {}, "echo '{' >/run/netloom/net/c1:eth0/bandwidth.json", {}],
        ["namespace", {}, "true", { netns: "/run/netns/gone" }],
      ];
      for (const [what, keys, spoil, more] of ways) {
        using world = new ShapedWorld();
        const before = [world.traffic(), world.files()];
        world.add(both);
        world.sandbox.ok(["sh", "-c", spoil]);
        succeed(world.sandbox, { ...world.call("DEL", { ...both, ...keys }), ...more });
        deepEqual([world.traffic(), world.files()], before, what);
      }
    });

    it("DEL takes the ifb away when the pair has gone with the namespace", () => {
      using world = new ShapedWorld();
      world.add(both);
      world.sandbox.deletePod("pod1");
      for (const _ of "12") succeed(world.sandbox, world.call("DEL", both));
      deepEqual([world.ifbs(), world.files()], [[], ""]);
    });

    it("DEL leaves what others have put on the links since, and another network's", () => {
      using world = new ShapedWorld();
      world.add(both);
      const added = [world.traffic(), world.files()];
      succeed(world.sandbox, world.call("DEL", { ...both, name: "other" }));
      deepEqual([world.traffic(), world.files()], added);
      world.sandbox.ok("tc qdisc replace dev host1 root handle 7: pfifo".split(" "));
      succeed(world.sandbox, world.call("DEL", both));
      match(world.traffic(), /qdisc pfifo 7: root/);
    });

    it("GC takes away what stale attachments of its network left, and nothing else", () => {
      using world = new ShapedWorld();
      const before = world.traffic();
      world.add(both);
      const netns = world.pod(2);
      const second = world.config(both, 2);
      succeed(world.sandbox, { command: "ADD", config: second, netns, containerId: "c2" });
      world.pod(3);
      const third = {
        ...{ command: "ADD", config: world.config(both, 3, { name: "other" }) },
        ...{ netns: "/run/netns/pod3", containerId: "c3" },
      };
      succeed(world.sandbox, third);
      succeed(world.sandbox, gc(world, undefined));
      equal(world.ifbs().length, 3);
      succeed(world.sandbox, gc(world, [{ containerID: "c2", ifname: "eth0" }]));
      equal(world.ifbs().length, 2);
      succeed(world.sandbox, { command: "CHECK", config: second, netns, containerId: "c2" });
      equal(world.tc("qdisc", "show", "dev", "host1")[0]?.["kind"], "noqueue");
      world.sandbox.ok(["rm", "-r", "/run/netloom/net"]);
      succeed(world.sandbox, gc(world, []));
      equal(world.ifbs().length, 1);
      succeed(world.sandbox, { ...third, command: "CHECK" });
      succeed(world.sandbox, { ...third, command: "DEL" });
      equal(world.files(), "");
      equal(world.tc("qdisc", "show", "dev", "host1")[0]?.["kind"], "noqueue");
      notEqual(before, "");
    });

    describe("GC of ifbs without a mark", () => {
      /** An ADD whose ifb then looks as the reference's does. */
      const unmark = (world: ShapedWorld) => {
        world.add(both);
        world.sandbox.ok(["sh", "-ec", `ip link set ${ifb} alias ''; rm -r /run/netloom`]);
      };
      const collected = (world: ShapedWorld): boolean => {
        for (const _ of "12") succeed(world.sandbox, gc(world, []));
        return !world.ifbs().some((name) => name.startsWith("bwp"));
      };

      it("takes one whose pair has gone", () => {
        using world = new ShapedWorld();
        unmark(world);
        world.sandbox.ok("ip link delete host1".split(" "));
        equal(collected(world), true);
      });

      const kept: [what: string, script: string][] = [
        ["that a link leads to", "true"],
        [
          "that a link of another program leads to",
          `tc qdisc del dev host1 ingress; ip link add own type ifb
           tc qdisc add dev own clsact
           tc filter add dev own ingress u32 match u32 0 0 action mirred egress mirror dev ${ifb}`,
        ],
        [
          "where a filter may do anything",
          `ip link delete host1; ip link add own type ifb; tc qdisc add dev own clsact
           tc filter add dev own ingress bpf bytecode '1,6 0 0 1,' action mirred egress redirect dev ${ifb}`,
        ],
        ["that an ADD is just making", `ip link delete host1; tc qdisc del dev ${ifb} root`],
        ["of another name", `ip link delete host1; ip link set ${ifb} name bwpx`],
      ];
      for (const [what, script] of kept) {
        it(`leaves one ${what}`, () => {
          using world = new ShapedWorld();
          unmark(world);
          world.sandbox.ok(["sh", "-ec", script]);
          equal(collected(world), false);
        });
      }
    });

    it("STATUS is ready, changes nothing, and says what is wrong with the configuration", () => {
      using world = new ShapedWorld();
      const status = (keys: Config): CniCall => ({
        ...{ command: "STATUS", containerId: null, ifName: null },
        config: world.config(keys, 1, { prevResult: undefined }),
      });
      const before = world.sandbox.snapshot();
      for (const keys of [{}, both, classful]) succeed(world.sandbox, status(keys));
      deepEqual(world.sandbox.snapshot(), before);
      equal(refused(world.sandbox, status({ ingressRate: 8, ingressBurst: 0 })).code, 7);
      equal(refused(world.sandbox, status({ shapedSubnets: ["x"] })).code, 7);
      const { program, options } = Sandbox.invocation(status({}));
      const inject = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=unshare:error=EPERM"];
      const done = world.sandbox.run([...inject, program], options);
      const { code, msg } = JSON.parse(done.stdout);
      deepEqual(
        [code, msg],
        [50, "this kernel cannot hold packets back: make a network namespace"],
      );
    });
  },
  [...usual, "tc", "strace"],
);
