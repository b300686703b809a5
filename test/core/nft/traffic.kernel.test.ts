/**
 * Packets through our tables: published ports in all their forms, masquerade, the guard, isolation, other people's firewalls.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { buildDriver, done } from "./driver.ts";
import { type Ask, type Where, World } from "./world.ts";

/** From, to, port, what is answered; both protocols unless one is named. */
type Case = [
  what: string,
  from: Where,
  dst: string,
  port: number,
  want: string,
  protos?: ("tcp" | "udp")[],
];

const both: ("tcp" | "udp")[] = ["tcp", "udp"];
const tcp: ("tcp" | "udp")[] = ["tcp"];

function publishedCases(brNetfilter: 0 | 1): Case[] {
  const families = [
    {
      host: "192.0.2.1",
      pod: "10.71.0.2",
      outside: "192.0.2.2",
      gateway: "10.71.0.1",
      neighbour: "10.71.0.3",
      other: "10.72.0.2",
      otherGateway: "10.72.0.1",
    },
    {
      host: "2001:db8::1",
      pod: "fd71::2",
      outside: "2001:db8::2",
      gateway: "fd71::1",
      neighbour: "fd71::3",
      other: "fd72::2",
      otherGateway: "fd72::1",
    },
  ];
  const each = families.flatMap((at): Case[] => [
    ["outside, source kept", "O", at.host, 8082, `A ${at.outside}`],
    ["outside, a range of 1000", "O", at.host, 30500, `A ${at.outside}`],
    ["host at its own address", "H", at.host, 8082, `A ${at.host}`],
    ["the pod itself", "A", at.host, 8082, `A ${at.gateway}`],
    ["a neighbour", "B", at.host, 8082, `A ${brNetfilter ? at.neighbour : at.gateway}`],
    ["a pod of another bridge", "C", at.host, 8082, `A ${at.other}`],
    ["masqAll: outside is masqueraded", "O", at.host, 8070, `C ${at.otherGateway}`],
    ["masquerade of a pod", "A", at.outside, 80, `O ${at.host}`],
    ["pod to pod, same bridge", "B", at.pod, 80, `A ${at.neighbour}`],
    ["pod to pod, other bridge", "C", at.pod, 80, `A ${at.other}`],
  ]);
  return [
    ...each,
    ["a key of one address before one of all", "O", "192.0.2.1", 8080, "B 192.0.2.2", tcp],
    ["a key of all addresses", "O", "192.0.2.1", 8080, "A 192.0.2.2", ["udp"]],
    ["a key of all addresses, IPv6", "O", "2001:db8::1", 8080, "A 2001:db8::2"],
    ["localhost", "H", "127.0.0.1", 8080, "A 10.71.0.1"],
    ["localhost, hostIP 127.0.0.1", "H", "127.0.0.1", 8081, "A 10.71.0.1"],
    ["kube-proxy's own service", "H", "10.96.0.10", 80, "A 192.0.2.1", tcp],
    ["a port of kube-proxy's and ours is kube-proxy's", "O", "192.0.2.1", 8085, "C 10.72.0.1", tcp],
  ];
}

const refusals: Case[] = [
  ["[::1] is refused at once", "H", "::1", 8080, "refused"],
  ["[::1] as hostIP is refused at once", "H", "::1", 8083, "refused", tcp],
  ["snat false: localhost is refused at once", "H", "127.0.0.1", 8090, "refused", tcp],
  ["snat false: outside works", "O", "192.0.2.1", 8090, "B 192.0.2.2", tcp],
  ["a key of one address is not on localhost", "H", "127.0.0.1", 8082, "refused"],
  ["a port nobody publishes", "O", "192.0.2.1", 8099, "refused"],
];

describeKernel(
  "traffic through our tables",
  function () {
    this.timeout(60_000);
    let world: World;

    function expect(cases: readonly Case[], timeout = 2): void {
      const asks = cases.flatMap(([, from, dst, port, , protos = both]) =>
        protos.map((proto): Ask => ({ from, dst, port, proto })),
      );
      const wanted = cases.flatMap(([what, from, dst, port, want, protos = both]) =>
        protos.map((proto) => `${what}: ${proto} ${from} -> ${dst}:${port}: ${want}`),
      );
      const names = wanted.map((line, at) => [line.slice(0, line.lastIndexOf(": ")), at] as const);
      const answers = world.ask(asks, timeout);
      deepEqual(
        names.map(([name, at]) => `${name}: ${answers[at]}`),
        wanted,
      );
    }
    const hang = (
      what: string,
      from: Where,
      dst: string,
      port: number,
      protos?: typeof both,
    ): Case => [what, from, dst, port, "hang", ...(protos ? [protos] : [])] as Case;

    before(async () => {
      await buildDriver();
      world = new World();
      world.populate();
    });
    after(() => world?.[Symbol.dispose]());

    it("lets pods out before anybody forbids it", () => {
      expect([["masquerade", "A", "192.0.2.2", 80, "O 192.0.2.1"]]);
    });

    it("loses to docker's FORWARD DROP without the three rules", () => {
      for (const tool of ["iptables", "ip6tables"]) {
        world.sh(
          "H",
          `${tool} -P FORWARD DROP; ${tool} -N DOCKER-USER; ${tool} -A FORWARD -j DOCKER-USER; ${tool} -A DOCKER-USER -j RETURN`,
        );
      }
      expect([hang("control", "A", "192.0.2.2", 80, tcp)], 0.5);
    });

    it("writes the three rules once", () => {
      done(world.sandbox, { do: "openForward", repeat: 3 });
      deepEqual(done(world.sandbox, { do: "missingForward" }), []);
      const rules = world.sh("H", "iptables -S");
      equal(rules.match(/-A CNI-FORWARD /g)?.length, 2);
      match(rules, /-A CNI-FORWARD -m mark --mark 0x1000\/0x1000 -j ACCEPT/);
      match(rules, /-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD/);
    });

    for (const bits of [0, 1] as const) {
      it(`publishes and masquerades under FORWARD DROP, br_netfilter ${bits}`, () => {
        world.bridgeNetfilter(bits);
        expect(publishedCases(bits));
      });
    }

    it("refuses at once what cannot work", () => {
      world.bridgeNetfilter(0);
      expect(refusals);
    });

    it("does not touch what the host only forwards", () => {
      const [answer] = world.ask([{ from: "O", dst: "10.71.0.3", port: 8082 }], 0.5);
      match(answer!, /^(unreach|no-route)$/);
      world.sh(
        "O",
        `ip route add 10.71.0.0/24 via 192.0.2.1; ip route add 10.72.0.0/24 via 192.0.2.1;
         ip addr add 192.0.2.100/24 dev eth0; ip -6 addr add 2001:db8::65/64 dev eth0 nodad; ip -6 route add fd71::/64 via 2001:db8::1`,
      );
      expect(
        [hang("a published port's number at a pod's address", "O", "10.71.0.2", 8082, tcp)],
        0.5,
      );
      expect([hang("outside to a pod's address under FORWARD DROP", "O", "10.71.0.2", 80)], 0.5);
    });

    it("does not masquerade to excluded destinations", () => {
      expect([
        ["excluded", "A", "192.0.2.100", 80, "O 10.71.0.2", tcp],
        ["excluded", "A", "2001:db8::65", 80, "O fd71::2"],
      ]);
    });

    for (const [who, gateway, source] of [
      ["O", "192.0.2.1", "192.0.2.2"],
      ["B", "10.71.0.1", "10.71.0.3"],
    ] as const) {
      it(`keeps 127.0.0.1 off the wire from ${who}, with route_localnet`, () => {
        const reset = () => world.sh("H", "nft reset counter inet probe loop");
        world.sh(
          who,
          `ip route del local 127.0.0.1 dev lo table local; ip route del local 127.0.0.0/8 dev lo table local;
           sysctl -qw net.ipv4.conf.all.route_localnet=1; ip route add 127.0.0.1/32 via ${gateway} src ${source}`,
        );
        world.sandbox.sysctl("net.ipv4.conf.all.route_localnet", 1);
        expect(
          [8081, 8080, 9999].map((port) => hang("loopback over the wire", who, "127.0.0.1", port)),
          0.5,
        );
        match(reset(), /packets 0 /);
        world.nft("flush chain inet netloom guard");
        world.ask([{ from: who, dst: "127.0.0.1", port: 8081 }], 0.5);
        match(
          reset(),
          /packets [1-9]/,
          "control: without the guard the first packet reaches the pod",
        );
        deepEqual(done(world.sandbox, { do: "faults" }), [
          'chain "guard" of table "inet netloom" has 0 rules and jumps, want 2',
        ]);
        world.nft(
          'add rule inet netloom guard iif != "lo" ip daddr 127.0.0.0/8 drop; add rule inet netloom guard iif != "lo" ip saddr 127.0.0.0/8 drop',
        );
        deepEqual(done(world.sandbox, { do: "faults" }), []);
        world.sandbox.sysctl("net.ipv4.conf.all.route_localnet", 0);
        world.sh(
          who,
          `ip route del 127.0.0.1/32 via ${gateway}; ip addr del 127.0.0.1/8 dev lo; ip addr add 127.0.0.1/8 dev lo`,
        );
      });
    }

    const isolation = { false: [], true: ["isolated"], strict: ["isolated", "strict"] } as const;
    for (const from of ["false", "true", "strict"] as const) {
      for (const to of ["false", "true", "strict"] as const) {
        const isBlocked =
          from === "strict" || to === "strict" || (from === "true" && to === "true");
        it(`isolation ${from} to ${to}: ${isBlocked ? "drops" : "passes"}, published ports pass`, () => {
          world.bridgeNetfilter(1);
          const sets = [
            ...isolation[from].map((set) => [set, '"br0"'] as const),
            ...isolation[to].map((set) => [set, '"br1"'] as const),
          ];
          for (const [set, bridge] of sets) world.elements("add", { [set]: bridge });
          const answers = isBlocked ? ["hang", "hang"] : ["C 10.72.0.1", "C fd72::1"]; // A is masqueraded: br1 is elsewhere
          expect(
            [
              ["pod of another bridge", "A", "10.72.0.2", 80, answers[0]!],
              ["pod of another bridge", "A", "fd72::2", 80, answers[1]!],
            ],
            isBlocked ? 0.5 : 2,
          );
          expect([["published port", "C", "192.0.2.1", 8082, "A 10.72.0.2"]]);
          for (const [set, bridge] of sets) world.elements("delete", { [set]: bridge });
        });
      }
    }

    for (const [policy, sets, sameBridge] of [
      ["same-bridge", { closed: '"br0", "br1"' }, true],
      ["isolated", { closed: '"br0", "br1"', apart: '"br0" . "br0"' }, false],
    ] as [string, Record<string, string>, boolean][]) {
      it(`ingressPolicy ${policy}`, () => {
        world.elements("add", sets);
        expect(
          ["10.71.0.2", "fd71::2"].map((dst) => hang("another bridge", "C", dst, 80)),
          0.5,
        );
        expect(
          [
            ["10.71.0.2", "10.71.0.3"],
            ["fd71::2", "fd71::3"],
          ].map(
            ([dst, src]): Case => ["same bridge", "B", dst!, 80, sameBridge ? `A ${src}` : "hang"],
          ),
          sameBridge ? 2 : 0.5,
        );
        expect([["the world outside", "A", "192.0.2.2", 80, "O 192.0.2.1"]]);
        world.elements("delete", sets);
      });
    }

    it("internal: nothing in, out or published, the bridge itself works", () => {
      world.elements("add", { internal: '"br0"' });
      expect(
        [
          hang("out", "A", "192.0.2.2", 80),
          hang("out", "A", "2001:db8::2", 80),
          hang("published", "O", "192.0.2.1", 8082),
        ],
        0.5,
      );
      expect([
        ["same bridge", "B", "10.71.0.2", 80, "A 10.71.0.3"],
        ["same bridge", "B", "fd71::2", 80, "A fd71::3"],
      ]);
      world.elements("delete", { internal: '"br0"' });
    });

    it("the administrator's chain drops, and opens FORWARD DROP with goto allow", () => {
      world.nft("add rule inet netloom admin ip saddr 10.71.0.2 ip daddr 192.0.2.2 drop");
      expect([hang("drop", "A", "192.0.2.2", 80)], 0.5);
      world.nft("flush chain inet netloom admin");
      world.nft(
        "add rule inet netloom admin ip saddr 192.0.2.0/24 ip daddr 10.71.0.2 tcp dport 80 goto allow",
      );
      expect([["goto allow", "O", "10.71.0.2", 80, "A 192.0.2.2", tcp]]);
      world.nft("flush chain inet netloom admin");
    });

    it("leaves the mark in no packet that has left the forward hook", () => {
      const counters = world.sh("H", "nft list counters table inet probe");
      equal(counters.match(/packets 0 /g)?.length, 3, counters);
    });
  },
  [...usual, "iptables", "/usr/bin/python3"],
);
