/**
 * The built program on a host with pods: what it leaves, what it takes away, what it refuses.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { buildDriver } from "../../core/nft/driver.ts";
import { World } from "../../core/nft/world.ts";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import type { CniCall, CniOutcome } from "../../kernel/sandbox.ts";

interface Mapping {
  hostPort: number;
  containerPort: number;
  protocol: string;
  hostIP?: string;
}
const tcp = (hostPort: number, containerPort = 80, hostIP?: string): Mapping => ({
  hostPort,
  containerPort,
  protocol: "tcp",
  ...(hostIP !== undefined && { hostIP }),
});
const udp = (hostPort: number, containerPort = 80, hostIP?: string): Mapping => ({
  ...tcp(hostPort, containerPort, hostIP),
  protocol: "udp",
});
const addresses = {
  A: ["10.71.0.2/24", "fd71::2/64"],
  B: ["10.71.0.3/24", "fd71::3/64"],
  C: ["10.72.0.2/24", "fd72::2/64"],
} as const;
type Pod = keyof typeof addresses;

function prevResult(pod: Pod, cniVersion = "1.1.0") {
  return {
    cniVersion,
    interfaces: [
      { name: "br0", mac: "02:00:00:00:00:01" },
      { name: `v${pod}`, mac: "02:00:00:00:00:02" },
      { name: "eth0", mac: "02:00:00:00:00:03", sandbox: `/run/netns/${pod}` },
    ],
    ips: addresses[pod].map((address) => ({ address, interface: 2 })),
    routes: [{ dst: "0.0.0.0/0", priority: 4294967295 }],
    dns: { nameservers: ["192.0.2.53"], search: ["a<b>&c"] },
  };
}

describeKernel(
  "portmap",
  function () {
    this.timeout(60_000);
    let world: World;

    const call = (
      command: string,
      pod: Pod,
      portMappings: unknown,
      more: { config?: object; call?: Partial<CniCall> } = {},
    ): CniCall => ({
      command,
      containerId: pod,
      netns: `/run/netns/${pod}`,
      config: {
        cniVersion: "1.1.0",
        name: "net",
        type: "portmap",
        runtimeConfig: { portMappings },
        prevResult: prevResult(pod),
        ...more.config,
      },
      ...more.call,
    });
    const run = (...args: Parameters<typeof call>): CniOutcome => world.sandbox.cni(call(...args));
    const good = (...args: Parameters<typeof call>): CniOutcome => {
      const done = run(...args);
      equal(done.status, 0, `${args[0]}: ${done.stdout}${done.stderr}`);
      return done;
    };
    const refused = (code: number, message: RegExp, ...args: Parameters<typeof call>): void => {
      const before = state();
      const done = run(...args);
      equal(done.status, 1, done.stdout);
      equal(done.json.code, code, done.stdout);
      match(done.json.msg, message);
      deepEqual(state(), before, "nothing is changed");
    };
    /** Elements with their owner, `any4 tcp.8080 > 10.71.0.2.80 (net/A:eth0)`, and the files of the program. */
    const state = (): string[] => {
      const { nft, files } = world.sandbox.snapshot();
      return [...nft, ...files.filter((file) => file.includes("netloom"))];
    };
    const published = (): string =>
      world.sandbox
        .nftJson()
        .map((object) => object.map)
        .filter(Boolean)
        .flatMap((map) =>
          (map.elem ?? []).map((each: unknown) => `${map.name} ${JSON.stringify(each)}`),
        )
        .join("\n");
    const answers = (port: number, dst = "192.0.2.1", proto: "tcp" | "udp" = "tcp"): string =>
      world.ask([{ from: "O", dst, port, proto }])[0]!;

    before(async () => {
      await buildDriver();
      world = new World();
    });
    afterEach(() => {
      world.sandbox.ok([
        "sh",
        "-c",
        "nft flush ruleset; rm -rf /run/netloom; conntrack -F 2>/dev/null; true",
      ]);
    });
    after(() => world?.[Symbol.dispose]());

    describe("ADD", () => {
      it("hands prevResult on as it was, in every version", () => {
        for (const version of ["1.1.0", "1.0.0", "0.4.0", "0.3.1"]) {
          const given = prevResult("A", version);
          const config = { cniVersion: version, prevResult: given };
          const { json } = good("ADD", "A", [tcp(8080)], { config });
          if (version.startsWith("1")) deepEqual(json, given);
          else
            deepEqual(
              json.ips.map((ip: { address: string }) => ip.address),
              [...addresses.A],
            );
        }
      });

      it("publishes on both addresses of the pod", () => {
        good("ADD", "A", [tcp(8080), udp(8080)]);
        equal(answers(8080), "A 192.0.2.2");
        equal(answers(8080, "2001:db8::1"), "A 2001:db8::2");
        equal(answers(8080, "192.0.2.1", "udp"), "A 192.0.2.2");
      });

      it("has nothing to do without mappings, and leaves nothing", () => {
        const before = state();
        for (const mappings of [[], undefined]) {
          deepEqual(good("ADD", "A", mappings).json, prevResult("A"));
          good("CHECK", "A", mappings);
          good("DEL", "A", mappings);
        }
        deepEqual(state(), before);
      });

      it("routes loopback on the bridge of an IPv4 pod alone, and not without snat", () => {
        const flag = (link: string) => world.sandbox.sysctl(`net.ipv4.conf.${link}.route_localnet`);
        good("ADD", "C", [tcp(8070)], { config: { snat: false } });
        equal(flag("br1"), "0");
        good("ADD", "A", [tcp(8080)]);
        deepEqual([flag("br0"), flag("br1"), flag("uplink")], ["1", "0", "0"]);
        equal(world.ask([{ from: "H", dst: "127.0.0.1", port: 8080 }])[0], "A 10.71.0.1");
      });

      it("takes protocols in any case and says that iptables is not used", () => {
        const config = { backend: "iptables", markMasqBit: 5 };
        const mappings = [{ ...tcp(8080), protocol: "TCP" }];
        const { stderr } = good("ADD", "A", mappings, { config });
        match(stderr, /"backend" is "iptables"/);
        match(stderr, /"markMasqBit" is not used/);
        equal(answers(8080), "A 192.0.2.2");
      });

      it("keeps a condition that names one address of the host", () => {
        good("ADD", "A", [tcp(8080), tcp(8081, 80, "127.0.0.1")], {
          config: { conditionsV4: ["-d", "192.0.2.1"] },
        });
        match(published(), /port4 .*"192.0.2.1",8080/);
        equal(published().includes("8081"), false);
        equal(answers(8080), "A 192.0.2.2");
        equal(world.ask([{ from: "H", dst: "127.0.0.1", port: 8080 }])[0], "refused");
      });

      it("takes the pod's address where the result names no interface", () => {
        const config = { prevResult: { cniVersion: "1.1.0", ips: [{ address: "10.71.0.2/24" }] } };
        good("ADD", "A", [tcp(8080)], { config });
        equal(answers(8080), "A 192.0.2.2");
      });

      it("replaces what an ADD of the same container left", () => {
        good("ADD", "A", [tcp(8080), tcp(8081)]);
        good("ADD", "A", [tcp(8081), tcp(8082)]);
        good("CHECK", "A", [tcp(8081), tcp(8082)]);
        equal(published().match(/^any4/gm)?.length, 2);
        equal(answers(8080), "refused");
        good("DEL", "A", []);
        equal(published(), "");
      });

      it("leaves nothing when it fails at the end", () => {
        good("ADD", "C", [tcp(8070)]); // what pods of a bridge share is there, and stays
        good("DEL", "C", []);
        world.sandbox.sysctl("net.ipv4.conf.br1.route_localnet", 0);
        world.sh("H", "mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys");
        try {
          refused(5, /unable to enable route_localnet/, "ADD", "C", [tcp(8070)]);
          equal(published().includes("8070"), false);
        } finally {
          world.sh("H", "umount /proc/sys");
        }
      });
    });

    describe("many ports", () => {
      it("publishes a thousand that change their numbers, in one transaction", () => {
        const many = Array.from({ length: 1000 }, (_, at) => tcp(20000 + at, 80));
        good("ADD", "A", many);
        equal(answers(20999), "A 192.0.2.2");
        equal(published().match(/^any4/gm)?.length, 1000);
        good("CHECK", "A", many);
        good("DEL", "A", many);
        equal(published(), "");
      });

      it("makes one interval of 256 that keep them", () => {
        const range = (length: number) =>
          Array.from({ length }, (_, at) => tcp(30400 + at, 30400 + at));
        good("ADD", "A", range(256));
        equal(published().match(/^range4/gm)?.length, 1);
        equal(published().includes("any4"), false);
        equal(answers(30500), "A 192.0.2.2");
        good("CHECK", "A", range(256));
        good("DEL", "A", []);
        good("ADD", "A", range(255));
        equal(published().match(/^any4/gm)?.length, 255);
      });

      it("sends batches that are larger than a socket's buffer", () => {
        const many = Array.from({ length: 6000 }, (_, at) => tcp(10000 + at, 80));
        good("ADD", "A", many);
        equal(answers(15999), "A 192.0.2.2");
        good("DEL", "A", []);
        equal(published(), "");
      });
    });

    describe("a port that somebody has", () => {
      const clashes: [string, Mapping[], Mapping[]][] = [
        ["the same", [tcp(8080)], [tcp(8080)]],
        ["every address after one", [tcp(8080, 80, "127.0.0.1")], [tcp(8080)]],
        ["one address after every", [tcp(8080)], [tcp(8080, 80, "192.0.2.1")]],
        [
          "one in a range",
          Array.from({ length: 300 }, (_, at) => tcp(8000 + at, 8000 + at)),
          [tcp(8080)],
        ],
        [
          "a range around one",
          [tcp(8080, 80, "192.0.2.1")],
          Array.from({ length: 300 }, (_, at) => tcp(8000 + at, 8000 + at)),
        ],
        [
          "a range around a range",
          Array.from({ length: 256 }, (_, at) => tcp(8020 + at, 8020 + at)),
          Array.from({ length: 300 }, (_, at) => tcp(8000 + at, 8000 + at)),
        ],
      ];
      for (const [what, first, second] of clashes) {
        it(`is refused with its owner's name: ${what}`, () => {
          good("ADD", "A", first);
          refused(
            100,
            /host port [0-9-]+\/tcp.* is already published by "net\/A:eth0"/,
            "ADD",
            "B",
            second,
          );
          good("DEL", "A", []);
          good("ADD", "B", second);
        });
      }

      it("is no clash on another address, protocol or port", () => {
        good("ADD", "A", [tcp(8080, 80, "127.0.0.1"), tcp(8081)]);
        good("ADD", "B", [tcp(8080, 80, "192.0.2.1"), udp(8081), tcp(8082)]);
      });

      it("may be the same pod's own on one address and on all", () => {
        good("ADD", "A", [tcp(30500, 30500), tcp(30500, 80, "192.0.2.1")]);
        equal(answers(30500), "A 192.0.2.2");
      });

      for (const [how, die] of [
        ["its namespace is gone", () => world.sandbox.deletePod("dead")],
        ["its record is gone", () => world.sh("H", "rm -r /run/netloom")],
      ] as [string, () => unknown][]) {
        it(`is taken over when the pod is dead: ${how}`, () => {
          world.sandbox.pod("dead");
          const dead = { call: { containerId: "dead", netns: "/run/netns/dead" } };
          good("ADD", "A", [tcp(8080), tcp(8081)], dead);
          die();
          good("ADD", "B", [tcp(8080)]);
          equal(answers(8080), "B 192.0.2.2");
          good("DEL", "A", [tcp(8080)], dead);
          equal(answers(8080), "B 192.0.2.2", "a late DEL changes nothing");
          equal(published().match(/^any4/gm)?.length, 1);
        });
      }

      it("stays with a pod whose record is broken", () => {
        good("ADD", "A", [tcp(8080)]);
        world.sh("H", "echo '{' > /run/netloom/net/A:eth0/portmap.json");
        refused(100, /already published by "net\/A:eth0"/, "ADD", "B", [tcp(8080)]);
      });

      it("is named when it has no owner", () => {
        good("ADD", "A", [tcp(8080)]);
        world.nft("add element inet netloom any4 { tcp . 9090 : 10.71.0.2 . 80 }");
        refused(100, /published by somebody who left no name/, "ADD", "B", [tcp(9090)]);
      });
    });

    describe("DEL", () => {
      const gone = (): void => {
        equal(published(), "");
        equal(
          world.sh("H", "find /run/netloom -type f -o -type d -name 'net' 2>/dev/null || true"),
          "",
        );
      };

      it("works twice, and on a host that knows nothing", () => {
        good("DEL", "A", [tcp(8080)]);
        good("ADD", "A", [tcp(8080)]);
        good("DEL", "A", [tcp(8080)]);
        good("DEL", "A", [tcp(8080)]);
        gone();
      });

      const without: [string, object, Partial<CniCall>][] = [
        ["mappings", { runtimeConfig: undefined }, {}],
        ["prevResult", { prevResult: undefined }, {}],
        ["a prevResult that is right", { prevResult: { cniVersion: "9.9.9" } }, {}],
        [
          "interfaces that are right",
          { prevResult: { cniVersion: "1.1.0", interfaces: [null] } },
          {},
        ],
        ["a namespace", {}, { netns: null }],
        ["a namespace that is there", {}, { netns: "/run/netns/none" }],
        ["a configuration that is right", { snat: "no", conditionsV4: ["-s", "1.2.3.4"] }, {}],
        ["ports that are right", { runtimeConfig: { portMappings: [{ hostPort: 0 }] } }, {}],
      ];
      for (const [what, config, rest] of without) {
        it(`works without ${what}`, () => {
          good("ADD", "A", [tcp(8080), udp(8080, 80, "127.0.0.1")]);
          good("DEL", "A", [tcp(8080)], { config, call: rest });
          gone();
        });
      }

      it("finds in the kernel what no record tells", () => {
        good("ADD", "A", [tcp(8080), udp(53, 53, "127.0.0.1")], { config: { masqAll: true } });
        good("ADD", "B", [tcp(8081)]);
        world.sh("H", "rm -r /run/netloom/net/A:eth0");
        good("DEL", "A", []);
        equal(world.sh("H", "nft list ruleset").includes("net/A:eth0"), false);
        match(published(), /net\/B:eth0/);
      });

      it("steps over a record that is broken, and names it", () => {
        good("ADD", "A", [tcp(8080)]);
        world.sh("H", 'printf \'{"network":"net\' > /run/netloom/net/A:eth0/portmap.json');
        match(
          good("DEL", "A", []).stderr,
          /steps over "\/run\/netloom\/net\/A:eth0\/portmap.json"/,
        );
        gone();
      });

      it("is fine with tables that somebody flushed", () => {
        good("ADD", "A", [tcp(8080)]);
        world.nft("flush ruleset");
        good("DEL", "A", [tcp(8080)]);
        gone();
      });

      it("takes nothing of a neighbour's, nor of the same container on another network", () => {
        good("ADD", "A", [tcp(8080)]);
        good("ADD", "A", [tcp(8081)], { config: { name: "net2" } });
        good("ADD", "B", [tcp(8082)]);
        good("DEL", "A", []);
        good("DEL", "A", []);
        const left = published();
        equal(left.includes("net/A:eth0"), false);
        match(left, /net2\/A:eth0/);
        match(left, /net\/B:eth0/);
      });
    });

    describe("CHECK", () => {
      const mappings = [tcp(8080), udp(53, 53, "192.0.2.1")];
      const damages: [string, string, RegExp][] = [
        [
          "an element",
          "nft delete element inet netloom any4 '{ tcp . 8080 }'",
          /any4 \{ tcp \. 8080 : 10\.71\.0\.2 \. 80 \}/,
        ],
        ["the tables", "nft flush ruleset", /nf_tables has no inet netloom/],
        [
          "a rule",
          "nft flush chain inet netloom ports",
          /chain "ports" of table "inet netloom" has 2 rules and jumps, want 9/,
        ],
        ["the record", "rm -r /run/netloom", /record of this attachment is missing/],
        [
          "the parameter",
          "sysctl -qw net.ipv4.conf.br0.route_localnet=0",
          /route_localnet" is not 1/,
        ],
        [
          "another owner's element instead",
          "nft delete element inet netloom any4 '{ tcp . 8080 }'; nft add element inet netloom any4 '{ tcp . 8080 : 10.71.0.3 . 80 }'",
          /any4 \{ tcp \. 8080/,
        ],
      ];
      for (const [what, command, message] of damages) {
        it(`names what is missing: ${what}`, () => {
          good("ADD", "A", mappings);
          good("CHECK", "A", mappings);
          world.sh("H", command);
          refused(101, message, "CHECK", "A", mappings);
        });
      }

      it("fails after DEL", () => {
        good("ADD", "A", mappings);
        good("DEL", "A", mappings);
        refused(101, /nf_tables has no inet netloom any4/, "CHECK", "A", mappings);
      });
    });

    describe("GC", () => {
      const collect = (valid: unknown, more: object = {}) =>
        good("GC", "A", [], {
          config: {
            "cni.dev/valid-attachments": valid,
            prevResult: undefined,
            runtimeConfig: undefined,
            ...more,
          },
          call: { containerId: null, ifName: null, netns: null },
        });
      const setUp = (): void => {
        good("ADD", "A", [tcp(8081)]);
        good("ADD", "A", [tcp(8082)], {
          config: { prevResult: { cniVersion: "1.1.0", ips: [{ address: "10.71.0.2/24" }] } },
          call: { ifName: "eth1" },
        });
        good("ADD", "B", [tcp(8083)]);
        good("ADD", "B", [tcp(8084)], { config: { name: "net2" } });
      };

      it("keeps the pairs that are valid, and other networks", () => {
        setUp();
        equal(collect([{ containerID: "A", ifname: "eth0" }]).stdout, "");
        const left = published();
        deepEqual(
          [8081, 8082, 8083, 8084].map((port) => left.includes(String(port))),
          [true, false, false, true],
        );
        deepEqual(world.sh("H", "cd /run/netloom; ls -d */*").trim().split("\n"), [
          "net/A:eth0",
          "net2/B:eth0",
        ]);
      });

      it("removes all of the network for an empty list, nothing without a list", () => {
        setUp();
        const before = state();
        collect(undefined);
        deepEqual(state(), before);
        collect([]);
        collect([]);
        equal(published().match(/^any4/gm)?.length, 1);
      });

      it("finds what has no record, and records that have nothing", () => {
        setUp();
        world.sh("H", "rm -r /run/netloom/net/B:eth0");
        world.nft("delete element inet netloom any4 { tcp . 8081 }");
        collect([]);
        equal(published().match(/^any4/gm)?.length, 1);
        equal(world.sh("H", "ls /run/netloom").trim(), "net2");
      });

      it("leaves a stranger's elements alone", () => {
        setUp();
        world.nft("add element inet netloom any4 { tcp . 9090 : 10.71.0.2 . 80 }");
        collect([]);
        match(published(), /9090/);
      });
    });

    describe("STATUS", () => {
      const status = (argv: string[] = []): { status: number | null; stdout: string } =>
        world.sandbox.run(
          [...argv, "/bin/sh", "-c", 'exec "$0"', `${process.cwd()}/dist/bin/portmap`],
          {
            input: JSON.stringify({ cniVersion: "1.1.0", name: "net", type: "portmap" }),
            env: { CNI_COMMAND: "STATUS", CNI_PATH: "/", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
          },
        );

      it("is well on a virgin host, which it leaves as it was", () => {
        const before = state();
        equal(status().status, 0);
        deepEqual(state(), before);
      });

      it("says with code 50 that no record could be written", () => {
        world.sh("H", "mount -o remount,ro,bind /run");
        const { status: exit, stdout } = status();
        world.sh("H", "mount -o remount,rw,bind /run");
        equal(exit, 1);
        equal(JSON.parse(stdout).code, 50);
        match(stdout, /state cannot be written to .*\/run\/netloom.*EROFS/s);
      });

      it("says with code 50 that nf_tables may not be used", () => {
        const { status: exit, stdout } = status(["setpriv", "--bounding-set=-net_admin"]);
        equal(exit, 1);
        const { code, msg, details } = JSON.parse(stdout);
        equal(code, 50);
        match(`${msg} ${details}`, /nf_tables cannot be used.*EPERM/);
      });
    });

    describe("at once", () => {
      it("twenty on a virgin host all succeed", async () => {
        const calls = Array.from({ length: 20 }, (_, at) =>
          call("ADD", "A", [tcp(8000 + at)], { call: { containerId: `c${at}` } }),
        );
        const outcomes = await world.sandbox.cniAtOnce(calls);
        deepEqual(
          outcomes.map(({ status, stdout }) => (status === 0 ? 0 : stdout)),
          Array(20).fill(0),
        );
        equal(published().match(/^any4/gm)?.length, 20);
        const dels = calls.map((each) => ({ ...each, command: "DEL" }));
        for (const { status } of await world.sandbox.cniAtOnce(dels)) equal(status, 0);
        equal(published(), "");
      });

      it("one of twenty gets the port, the others its name", async () => {
        const calls = Array.from({ length: 20 }, (_, at) =>
          call("ADD", "A", [tcp(8080, 80, at % 2 === 0 ? "192.0.2.1" : undefined)], {
            call: { containerId: `c${at}` },
          }),
        );
        const outcomes = await world.sandbox.cniAtOnce(calls);
        const winners = outcomes.filter(({ status }) => status === 0);
        equal(winners.length, 1);
        equal(published().match(/^(any4|port4)/gm)?.length, 1);
        for (const { json } of outcomes.filter(({ status }) => status !== 0)) equal(json.code, 100);
      });

      it("the same attachment leaves one set of elements, and DEL clears it", async () => {
        const calls = Array.from({ length: 8 }, () => call("ADD", "A", [tcp(8080), tcp(8081)]));
        await world.sandbox.cniAtOnce(calls);
        ok((published().match(/^any4/gm)?.length ?? 0) <= 2);
        await world.sandbox.cniAtOnce([
          call("DEL", "A", []),
          call("DEL", "A", []),
          call("DEL", "A", []),
        ]);
        equal(published(), "");
      });
    });

    describe("UDP flows", () => {
      const send = (source: number, dst = "192.0.2.1", port = 8053): string =>
        world
          .sh(
            "O",
            `python3 - <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.2", ${source})); s.settimeout(0.5)
try:
    s.sendto(b"x", ("${dst}", ${port})); print(s.recv(99).decode())
except OSError as error:
    print(type(error).__name__)
END`,
          )
          .trim();
      const flows = (filter: string): number =>
        world.sh("H", `conntrack -L -p udp ${filter} 2>/dev/null | wc -l`) as unknown as number;

      it("reach the new pod with the first packet, whoever had the port", () => {
        send(5000); // to the host itself, that has no such port
        good("ADD", "A", [udp(8053)]);
        equal(send(5000), "A 192.0.2.2");
        good("DEL", "A", []);
        good("ADD", "B", [udp(8053)]);
        equal(send(5000), "B 192.0.2.2");
      });

      it("of another host address, and forwarded ones, live on", () => {
        good("ADD", "A", [udp(8053, 80, "192.0.2.1")]);
        good("ADD", "C", [udp(8053, 80, "10.72.0.1")]);
        equal(send(5001), "A 192.0.2.2");
        world.sh("O", "ip route replace 10.72.0.0/24 via 192.0.2.1");
        equal(send(5002, "10.72.0.1"), "C 192.0.2.2");
        good("DEL", "A", []);
        equal(Number(flows("--orig-port-src 5001")), 0);
        equal(Number(flows("--orig-port-src 5002")), 1);
        good("ADD", "B", [udp(8053, 80, "192.0.2.1")]);
        equal(Number(flows("--orig-port-src 5002")), 1);
        equal(send(5001), "B 192.0.2.2");
      });
    });

    describe("configuration", () => {
      const bad: [string, object, number, RegExp][] = [
        [
          "host port 0",
          { runtimeConfig: { portMappings: [tcp(0)] } },
          7,
          /"runtimeConfig.portMappings\[0\].hostPort": Invalid host port number: 0/,
        ],
        [
          "host port 65536",
          { runtimeConfig: { portMappings: [tcp(65536)] } },
          7,
          /Invalid host port number: 65536/,
        ],
        [
          "container port 0",
          { runtimeConfig: { portMappings: [tcp(80, 0)] } },
          7,
          /Invalid container port number: 0/,
        ],
        [
          "a port that is text",
          { runtimeConfig: { portMappings: [{ ...tcp(80), hostPort: "80" }] } },
          6,
          /hostPort": want an integer|hostPort": want a number/,
        ],
        [
          "an unknown protocol",
          { runtimeConfig: { portMappings: [{ ...tcp(80), protocol: "icmp" }] } },
          7,
          /protocol": want "tcp", "udp" or "sctp", got "icmp"/,
        ],
        [
          "no protocol",
          { runtimeConfig: { portMappings: [{ hostPort: 80, containerPort: 80 }] } },
          7,
          /protocol" is missing/,
        ],
        [
          "a bad hostIP",
          { runtimeConfig: { portMappings: [tcp(80, 80, "192.0.2.300")] } },
          7,
          /hostIP": want an IP address, got "192.0.2.300"/,
        ],
        [
          "mappings that are no list",
          { runtimeConfig: { portMappings: {} } },
          6,
          /portMappings": want a list/,
        ],
        [
          "a port twice",
          { runtimeConfig: { portMappings: [tcp(80, 80), tcp(80, 81)] } },
          7,
          /leads host port 80 to two ports/,
        ],
        ["an unknown back end", { backend: "bpf" }, 7, /unrecognized backend "bpf"/],
        ["mark bit 32", { markMasqBit: 32 }, 7, /MasqMarkBit must be between 0 and 31/],
        [
          "two ways to mark",
          { markMasqBit: 3, externalSetMarkChain: "X" },
          7,
          /Cannot specify externalSetMarkChain and markMasqBit/,
        ],
        [
          "a chain for nftables",
          { backend: "nftables", externalSetMarkChain: "X", conditionsV4: ["-d", "192.0.2.1"] },
          7,
          /nftables backend was requested but configuration contains iptables-specific options \[externalSetMarkChain conditionsV4\]/,
        ],
        [
          "nft's words for iptables",
          { backend: "iptables", conditionsV6: ["ip6", "daddr", "fd00::1"] },
          7,
          /iptables backend was requested but configuration contains nftables-specific options \[conditionsV6\]/,
        ],
        [
          "a condition nobody can keep",
          { conditionsV4: ["!", "-d", "192.0.2.0/24"] },
          7,
          /"conditionsV4": want one destination address, as "-d 192.0.2.1", got "! -d 192.0.2.0\/24"/,
        ],
        [
          "a result without addresses",
          { prevResult: { cniVersion: "1.1.0" } },
          7,
          /"prevResult" has no address of "eth0"/,
        ],
        ["no result", { prevResult: undefined }, 7, /prevResult/],
      ];
      for (const [what, config, code, message] of bad) {
        it(`is refused with ${what}`, () => {
          refused(code, message, "ADD", "A", [tcp(8080)], { config });
        });
      }

      it("takes every address of one family, and the same port twice", () => {
        good("ADD", "A", [tcp(8080, 80, "0.0.0.0"), tcp(8080, 80, "0.0.0.0"), tcp(8081, 80, "::")]);
        match(published(), /any4 .*8080/);
        match(published(), /any6 .*8081/);
        equal(published().split("\n").length, 2);
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);
