/**
 * portmap: what a client of a published port sees (checklist 6.18). Chains and tables of the reference are looked at only where they are.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { PodNetwork, type PortMapping, tcp, udp } from "../../runner/pod-network.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { portmapConfig, resultOf } from "../../runner/vehicles.ts";

type Backend = "iptables" | "nftables";
const needs = ["python3", "iptables-nft", "nftables"] as const;

/** A question to a live network, in one backend or in both. */
function live(
  lines: Case["lines"],
  fact: string,
  run: (net: PodNetwork, config: object) => Promise<void>,
  backends: readonly Backend[] = ["iptables", "nftables"],
): Case[] {
  return backends.map((backend) => ({
    lines,
    program: "portmap",
    beside: ["bridge", "host-local"],
    needs,
    ...(backend === "nftables" && { version: "1.1.0" }), // whoever has the backend speaks 1.1.0
    fact: `${fact} (${backend})`,
    run: (trial: Trial) => run(new PodNetwork(trial, { hairpinMode: true }), { backend }),
  }));
}

const v4 = "192.0.2.1";
const v6 = "2001:db8::1";
const ask = (net: PodNetwork, from: string, ...questions: [to: string, port: number][]) =>
  net.ask(
    from,
    questions.map(([to, port]) => ({ to, port })),
  );

const traffic: Case[] = [
  ...live(["U-206"], "opens a port from everywhere, and DEL closes it", async (net, config) => {
    await net.attach("A");
    const [own = ""] = net.addresses("A");
    net.trial.leavesNothing(() => {
      net.trial.ok(net.portmap("ADD", "A", [tcp(8080)], { config }));
      deepEqual(ask(net, "outside", [v4, 8080], [v6, 8080]), ["A", "A"], "outside");
      deepEqual(
        ask(net, "host", [own, 80], [v4, 8080], ["127.0.0.1", 8080]),
        ["A", "A", "A"],
        "host",
      );
      deepEqual(ask(net, "A", [v4, 8080]), ["A"], "the container itself");
      net.trial.ok(net.portmap("DEL", "A", [tcp(8080)], { config }));
    });
    net.answers(8080, "refused");
  }),
  ...live(["U-207"], "leads UDP to the new container at once", async (net, config) => {
    for (const name of ["A", "B"]) await net.attach(name);
    net.trial.ok(net.portmap("ADD", "A", [udp(8053)], { config }));
    net.answers(8053, "A", "udp");
    net.trial.ok(net.portmap("DEL", "A", [udp(8053)], { config }));
    net.trial.ok(net.portmap("ADD", "B", [udp(8053)], { config }));
    net.answers(8053, "B", "udp");
  }),
  ...live(["U-215"], "opens a port on the addresses that hostIP says", async (net, config) => {
    await net.attach("A");
    const mappings = [
      tcp(8081, v4),
      tcp(8082, "0.0.0.0"),
      tcp(8083, v6),
      tcp(8084, "::"),
      tcp(8085, "127.0.0.1"),
    ];
    net.trial.ok(net.portmap("ADD", "A", mappings, { config }));
    const ports = mappings.map(({ hostPort }) => hostPort);
    const from = (to: string) =>
      ask(net, "outside", ...ports.map((port) => [to, port] as [string, number]));
    deepEqual(from(v4), ["A", "A", "refused", "refused", "refused"]);
    deepEqual(from(v6), ["refused", "refused", "A", "A", "refused"]);
  }),
  ...live(["U-216"], "lets replies find the way back with snat", async (net, config) => {
    await net.attach("A");
    net.trial.ok(net.portmap("ADD", "A", [tcp(8080)], { config }));
    const seen = (from: string, to: string) => net.askWho(from, [{ to, port: 8080 }])[0];
    equal(seen("outside", v4), "A 192.0.2.2", "a client outside keeps its address");
    equal(seen("host", "127.0.0.1"), "A 10.1.2.1", "a client on localhost becomes the gateway");
    equal(seen("A", v4), "A 10.1.2.1", "the container itself becomes the gateway");
  }),
  ...live(["U-217", "U-222"], "leaves addresses alone with snat false", async (net, config) => {
    await net.attach("A");
    const mappings = [tcp(8080)];
    const off = { config: { ...config, snat: false } };
    net.trial.ok(net.portmap("ADD", "A", mappings, off));
    deepEqual(
      net.askWho("outside", [
        { to: v4, port: 8080 },
        { to: v6, port: 8080 },
      ]),
      ["A 192.0.2.2", "A 2001:db8::2"],
    );
    const [local = ""] = ask(net, "host", ["127.0.0.1", 8080]);
    equal(local === "A", false, "localhost has no way back");
    net.trial.ok(net.portmap("CHECK", "A", mappings, off));
    net.trial.ok(net.portmap("DEL", "A", mappings, off));
    net.trial.fails(net.portmap("CHECK", "A", mappings, off));
  }),
  ...live(
    ["U-223", "U-221"],
    "masquerades everybody with masqAll",
    async (net, config) => {
      await net.attach("A");
      const all = { config: { ...config, masqAll: true } };
      net.trial.ok(net.portmap("ADD", "A", [tcp(8080)], all));
      equal(net.askWho("outside", [{ port: 8080 }])[0], "A 10.1.2.1");
      net.trial.ok(net.portmap("CHECK", "A", [tcp(8080)], all));
      net.trial.ok(net.portmap("DEL", "A", [tcp(8080)], all));
      net.answers(8080, "refused");
    },
    ["nftables"],
  ),
  ...live(["U-219"], "opens more than fifteen ports", async (net, config) => {
    await net.attach("A");
    const ports = Array.from({ length: 20 }, (_, n) => 9000 + n);
    net.trial.ok(
      net.portmap(
        "ADD",
        "A",
        ports.map((port) => tcp(port)),
        { config },
      ),
    );
    const answers = ask(net, "outside", ...ports.map((port) => [v4, port] as [string, number]));
    deepEqual(
      answers,
      ports.map(() => "A"),
    );
  }),
];

/** One container that has nothing but a result. */
class Alone {
  readonly trial: Trial;
  readonly netns: string;

  constructor(trial: Trial) {
    this.trial = trial;
    this.netns = trial.pod();
  }

  call(command: string, mappings: readonly PortMapping[], change: object = {}, containerId = "c1") {
    const { newest } = this.trial;
    const usual = { prevResult: resultOf(newest, this.netns), ...change };
    const config = portmapConfig(newest, [...mappings], usual);
    return { command, config, netns: this.netns, containerId };
  }

  /** Names of chains. */
  chains(): string[] {
    const all: Reply[] = this.trial.host.nftJson().filter((row) => "chain" in row);
    return all.map(({ chain }) => chain.name);
  }
}

function alone(lines: Case["lines"], fact: string, run: (one: Alone) => void): Case {
  return { lines, program: "portmap", needs, fact, run: (trial) => run(new Alone(trial)) };
}

type Refused = [
  line: string,
  what: string,
  mapping: PortMapping,
  change: object,
  says: string | RegExp,
];
const good = tcp(8080);
const refused: Refused[] = [
  ["U-210", "host port 0", tcp(0), {}, "Invalid host port number: 0"],
  ["U-210", "container port 0", tcp(8080, undefined, 0), {}, "Invalid container port number: 0"],
  [
    "U-217",
    "two ways to mark",
    good,
    { externalSetMarkChain: "X", markMasqBit: 5 },
    /annot specify/,
  ],
  ["U-217", "mark bit 32", good, { markMasqBit: 32 }, "must be between 0 and 31"],
];
const refusedSince: Refused[] = [
  ["U-211", "an unknown back end", good, { backend: "x" }, 'unrecognized backend "x"'],
  [
    "U-212",
    "conditions of nft with iptables",
    good,
    { backend: "iptables", conditionsV4: ["ip", "daddr", "192.0.2.1"] },
    "conditionsV4",
  ],
  [
    "U-212",
    "conditions of iptables with nft",
    good,
    { backend: "nftables", conditionsV4: ["-d", "192.0.2.1"] },
    "conditionsV4",
  ],
  [
    "U-212",
    "a chain of iptables with nft",
    good,
    { backend: "nftables", externalSetMarkChain: "X" },
    "externalSetMarkChain",
  ],
];

function refuses([line, what, mapping, change, says]: Refused): Case {
  return alone([line], `refuses ${what}`, (one) => {
    one.trial.leavesNothing(() =>
      one.trial.fails(one.call("ADD", [mapping], change), undefined, says),
    );
  });
}

const results: Case[] = [
  ...refused.map(refuses),
  ...refusedSince.map((each) => ({ ...refuses(each), version: "1.1.0" })),
  alone(["U-208"], "publishes the addresses of the container's interface", (one) => {
    const made = resultOf(one.trial.newest, one.netns) as Reply;
    const ips = [
      { address: "99.99.99.99/24", interface: 0 },
      { address: "2001:db8:9::9/64", interface: 0 },
      { address: "10.0.0.2/24", interface: 2 },
      { address: "2001:db8:1::2/64", interface: 2 },
    ];
    one.trial.ok(one.call("ADD", [good], { prevResult: { ...made, ips } }));
    const rules = ["iptables-save", "ip6tables-save", "nft list ruleset"].map((command) =>
      one.trial.run(command),
    );
    const text = rules.join("\n");
    deepEqual(
      ["10.0.0.2", "2001:db8:1::2", "99.99.99.99", "2001:db8:9::9"].map((ip) => text.includes(ip)),
      [true, true, false, false],
    );
  }),
  alone(["U-209"], "DEL needs neither runtimeConfig nor prevResult", (one) => {
    const none = { runtimeConfig: undefined, prevResult: undefined };
    one.trial.leavesNothing(() => one.trial.ok(one.call("DEL", [], none)));
  }),
  alone(["U-213"], "takes an address that names no interface", (one) => {
    const made = resultOf(one.trial.newest, one.netns) as Reply;
    one.trial.ok(
      one.call("ADD", [good], { prevResult: { ...made, ips: [{ address: "10.0.0.2/24" }] } }),
    );
  }),
];

const chains: Case[] = [
  alone(
    ["U-214"],
    "calls a container's chain, where it has one, by network and container",
    (one) => {
      const id = "icee6giejonei6so";
      one.trial.ok(one.call("ADD", [good], { name: "test" }, id));
      const own = one.chains().filter((name) => name.startsWith("CNI-DN-"));
      deepEqual(
        own.filter((name) => name !== "CNI-DN-022110f36292712c8bb50"),
        [],
      );
    },
  ),
  alone(["U-218"], "stands before other rules of its hooks, where it uses iptables", (one) => {
    one.trial.ok(one.call("ADD", [good]));
    if (!one.chains().includes("CNI-HOSTPORT-DNAT")) return;
    const saved = one.trial.run("iptables-save -t nat");
    for (const hook of ["PREROUTING", "OUTPUT"]) {
      equal(saved.includes(`-A ${hook} -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT`), true);
    }
    equal(/-A POSTROUTING .*-j CNI-HOSTPORT-MASQ/.test(saved), true);
    equal(saved.includes("0x2000/0x2000"), true);
  }),
  alone(["U-220", "U-238"], "sets up nothing twice, and leaves a stranger's rule alone", (one) => {
    const { trial } = one;
    trial.ok(one.call("ADD", [good]));
    const once = trial.host.snapshot().nft.length;
    trial.call(one.call("ADD", [good]));
    equal(trial.host.snapshot().nft.length, once);
    const stranger = one.chains().includes("CNI-HOSTPORT-DNAT") ? "CNI-HOSTPORT-DNAT" : "OUTPUT";
    const canary = ["-m", "comment", "--comment", "canary value", "-j", "ACCEPT"];
    trial.host.ok(["iptables", "-t", "nat", "-A", stranger, ...canary]);
    for (const _ of "12") trial.ok(one.call("DEL", [good]));
    equal(trial.run("iptables-save -t nat").includes("canary value"), true);
  }),
];

const tools: Case[] = [
  ...["iptables nft", "iptables", "nft"].map((present) =>
    alone(["U-239", "U-211"], `works when the tools on PATH are ${present}`, (one) => {
      const env = { PATH: withTools(one.trial, present.split(" ")) };
      one.trial.ok({ ...one.call("ADD", [good]), env });
      one.trial.ok({ ...one.call("DEL", [good]), env });
    }),
  ),
  alone(["U-239"], "works without tools on PATH, or says what is missing", (one) => {
    const env = { PATH: withTools(one.trial, []) };
    const answer = one.trial.call({ ...one.call("ADD", [good]), env });
    if (answer.status !== 0) one.trial.failed(answer, undefined, /iptables|nft/);
  }),
];

/** A folder with these tools and no others. */
function withTools(trial: Trial, present: readonly string[]): string {
  trial.run("mkdir -p /run/tools");
  const names = present.flatMap((name) => (name === "nft" ? ["nft"] : ["iptables", "ip6tables"]));
  for (const name of names) trial.run(`ln -s /usr/sbin/${name} /run/tools/${name}`);
  return "/run/tools";
}

export const cases: readonly Case[] = [...traffic, ...results, ...chains, ...tools];
