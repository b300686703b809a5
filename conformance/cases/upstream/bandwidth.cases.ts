/**
 * bandwidth: what is held back, how, and what is refused (checklist 6.14).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { promise } from "../../runner/invariants.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import type { Link } from "../chain.ts";
import { hostEnd, ifbName, ShapedPair, slow } from "./bandwidth-pair.ts";

const needs = ["tbf"] as const;

function onPair(
  lines: Case["lines"],
  fact: string,
  run: (pair: ShapedPair, trial: Trial) => void,
): Case {
  return {
    ...{ lines, program: "bandwidth", needs, version: "0.4.0", fact },
    run: (trial) => run(new ShapedPair(trial), trial),
  };
}

/** Bytes a second and bytes of the queue. */
function shapeOf({ kind, options }: Reply): Reply {
  return { kind, rate: options.rate, burst: options.burst };
}

const shapes: Case[] = [
  {
    ...{ lines: ["U-166"], program: "bandwidth", needs, version: "0.4.0" },
    fact: "holds back both directions, in every version",
    run(trial) {
      for (const cniVersion of trial.versions) {
        const pair = new ShapedPair(trial, cniVersion);
        const keys = { ingressRate: 8, ingressBurst: 8, egressRate: 16, egressBurst: 8 };
        const { interfaces } = trial.ok(pair.call("ADD", keys));
        equal(interfaces.length, 3);
        equal(interfaces[2].name, ifbName);
        equal(interfaces[2].sandbox ?? "", "");
        equal(trial.host.ipJson(`link show ${ifbName}`)[0].mtu, 1024);
        equal(pair.root(ifbName).options.rate, 2);
        equal(pair.root(hostEnd).options.rate, 1);
        const filters = trial.run(`tc filter show dev ${hostEnd} parent ffff:`);
        match(filters, new RegExp(`Egress Redirect to device ${ifbName}`));
        trial.ok(pair.call("DEL", keys));
        trial.run(`ip link delete ${hostEnd}`);
      }
    },
  },
  onPair(["U-166"], "tells the MAC address of the ifb", (pair, trial) => {
    const { interfaces } = trial.ok(pair.call("ADD", slow));
    equal(interfaces[2].mac, trial.host.ipJson(`link show ${ifbName}`)[0].address);
  }),
  onPair(["U-167"], "holds back what the container sends alone", (pair, trial) => {
    const keys = { ...slow, ingressRate: 0, ingressBurst: 0 };
    trial.ok(pair.call("ADD", keys));
    deepEqual([pair.root(hostEnd).kind, pair.root(ifbName).kind], ["noqueue", "tbf"]);
    trial.ok(pair.call("CHECK", keys));
  }),
  onPair(["U-168"], "holds back what the container receives alone", (pair, trial) => {
    const keys = { ...slow, egressRate: 0, egressBurst: 0 };
    const { interfaces } = trial.ok(pair.call("ADD", keys));
    deepEqual([pair.ifbs(), interfaces.length], [[], 2]);
    deepEqual(shapeOf(pair.root(hostEnd)), { kind: "tbf", rate: 1000, burst: 10 });
    match(trial.run(`tc -d qdisc show dev ${hostEnd}`), /rate 8Kbit burst 10b.* lat 25ms/);
    trial.ok(pair.call("CHECK", keys));
  }),
  onPair(["U-170"], "takes the runtime's under any spelling", (pair, trial) => {
    trial.ok(pair.call("ADD", { runtimeConfig: { bandWidth: slow } }));
    equal(pair.root(ifbName).options.rate, 1000);
    equal(pair.root(hostEnd).options.rate, 1000);
  }),
  onPair(["U-171"], "takes the configuration's, not the runtime's", (pair, trial) => {
    const bandwidth = { ...slow, ingressRate: 80_000, egressRate: 80_000 };
    trial.ok(pair.call("ADD", { ...slow, runtimeConfig: { bandwidth } }));
    equal(pair.root(ifbName).options.rate, 1000);
    equal(pair.root(hostEnd).options.rate, 1000);
  }),
  onPair(["U-173"], "finds its link among several of the host", (pair, trial) => {
    pair.pair("other", "other-end");
    const prevResult = pair.prevResult(["other", hostEnd]);
    trial.ok(pair.call("ADD", { ...slow, prevResult }));
    equal(pair.root(hostEnd).kind, "tbf");
    equal(pair.root("other").kind, "noqueue");
  }),
  onPair(["SPEC-048"], "holds back two interfaces of a container", (pair, trial) => {
    pair.pair("other", "eth1");
    const interfaces = [{ name: "other" }, { name: "eth1", sandbox: pair.netns }];
    const prevResult = { cniVersion: trial.newest, interfaces };
    const second = (command: string) =>
      pair.call(command, { ...slow, prevResult }, { ifName: "eth1" });
    trial.ok(pair.call("ADD", slow));
    trial.ok(second("ADD"));
    trial.ok(second("DEL"));
    trial.ok(pair.call("CHECK", slow));
  }),
];

const endings: Case[] = [
  {
    ...onPair(["U-172"], "DEL takes the ifb away, twice", (pair, trial) => {
      const prevResult = trial.ok(pair.call("ADD", slow));
      for (const _ of "12") {
        trial.ok(pair.call("DEL", { ...slow, prevResult }));
        deepEqual(pair.ifbs(), []);
      }
    }),
    version: "0.3.0",
  },
  onPair(["U-172", "SPEC-054"], "DEL works when the namespace has gone", (pair, trial) => {
    trial.ok(pair.call("ADD", slow));
    trial.host.deletePod(pair.netns.replace("/run/netns/", ""));
    trial.ok(pair.call("DEL", slow));
    deepEqual(pair.ifbs(), []);
  }),
  onPair(["SPEC-049"], "ADD that fails leaves nothing", (pair, trial) => {
    trial.run(`ip link add ${ifbName} type bridge`);
    trial.run(`tc qdisc add dev ${hostEnd} handle ffff: ingress`);
    const before = pair.traffic();
    trial.fails(pair.call("ADD", slow));
    equal(pair.traffic(), before);
  }),
];

const refusals: [lines: Case["lines"], what: string, keys: object, says: RegExp][] = [
  [
    ["U-169", "U-176"],
    "a rate with a burst of 0",
    { ingressRate: 8, ingressBurst: 0 },
    /burst must/,
  ],
  [["U-169", "U-176"], "a burst without a rate", { ingressBurst: 8 }, /rate must also be set/],
  [["U-169"], "the same of egress", { egressRate: 0, egressBurst: 8 }, /rate must also be set/],
  [
    ["U-176"],
    "a burst of 4 GiB",
    { ingressRate: 8, ingressBurst: 4 * 2 ** 30 * 8 },
    /burst cannot be more than 4GB/,
  ],
];

const refused: Case[] = [
  ...refusals.map(([lines, what, keys, says]) =>
    onPair(lines, `refuses ${what}`, (pair, trial) => {
      const before = pair.traffic();
      trial.unchanged(() => trial.fails(pair.call("ADD", keys), undefined, says));
      equal(pair.traffic(), before);
    }),
  ),
  onPair(["U-169"], "refuses a rate without a burst, or chooses one", (pair, trial) => {
    const { status, json } = trial.call(pair.call("ADD", { ingressRate: 8_000_000 }));
    if (status !== 0) match(json.msg, /burst must also be set/);
    else ok(pair.root(hostEnd).options.burst > 1500);
  }),
  onPair(["U-176"], "takes a burst of just under 4 GiB", (pair, trial) => {
    const most = 4 * 2 ** 30 * 8 - 16;
    trial.ok(pair.call("ADD", { ingressRate: most, ingressBurst: most }));
    equal(pair.root(hostEnd).kind, "tbf");
  }),
  onPair(["U-176"], "takes nothing as nothing", (pair, trial) => {
    trial.ok(pair.call("ADD", { ingressRate: 0, ingressBurst: 0 }));
    equal(pair.root(hostEnd).kind, "noqueue");
  }),
  onPair(["U-174"], "refuses a link that is no end of a pair", (pair, trial) => {
    trial.run("ip link add below type veth peer name above");
    const netns = pair.netns.replace("/run/netns/", "");
    trial.run(`ip link add link below name macvlan0 netns ${netns} type macvlan`);
    const call = pair.call("ADD", slow, { ifName: "macvlan0" });
    trial.fails(call, undefined, /container interface macvlan0 has no veth peer/);
  }),
  onPair(["U-174"], "refuses a result without links", (pair, trial) => {
    const prevResult = { ...pair.prevResult(), interfaces: [], ips: [] };
    trial.fails(pair.call("ADD", { ...slow, prevResult }), undefined, /no interfaces provided/);
  }),
  onPair(["U-174"], "refuses a result that does not tell of the host's end", (pair, trial) => {
    const prevResult = pair.prevResult(["another"]);
    const says = /no veth peer of container interface found in host ns/;
    trial.fails(pair.call("ADD", { ...slow, prevResult }), undefined, says);
  }),
];

const changes: [what: string, command: string, says: RegExp][] = [
  [
    "rate",
    `tc qdisc change dev ${hostEnd} root handle 1: tbf rate 9kbit burst 10 limit 35`,
    /Rate/,
  ],
  [
    "limit",
    `tc qdisc change dev ${ifbName} root handle 1: tbf rate 8kbit burst 10 limit 99`,
    /Limit/,
  ],
  [
    "burst",
    `tc qdisc change dev ${hostEnd} root handle 1: tbf rate 8kbit burst 20 limit 35`,
    /Buffer/,
  ],
  ["ifb", `ip link delete ${ifbName}`, /get ifb device/],
];

const checks: Case[] = [
  ...changes.map(([what, command, says]) =>
    onPair(["U-177"], `CHECK sees another ${what}`, (pair, trial) => {
      const prevResult = trial.ok(pair.call("ADD", slow));
      trial.ok(pair.call("CHECK", { ...slow, prevResult }));
      trial.run(command);
      trial.fails(pair.call("CHECK", { ...slow, prevResult }), undefined, says);
    }),
  ),
  ...[`tc qdisc delete dev ${hostEnd} root`, `tc filter delete dev ${hostEnd} parent ffff:`].map(
    (command) =>
      onPair(["SPEC-067"], `CHECK sees what is missing behind ${command}`, (pair, trial) => {
        const prevResult = trial.ok(pair.call("ADD", slow));
        trial.run(command);
        trial.fails(pair.call("CHECK", { ...slow, prevResult }));
      }),
  ),
];

/** Sends 25 kB to whoever connects, once. */
const sender = `
import socket
server = socket.create_server(("", 5001))
client, _ = server.accept()
client.sendall(b"x" * 25000)
client.close()`;
/** Tells how many seconds that takes. */
const receiver = `
import socket, sys, time
for _ in range(200):
    try:
        connection = socket.create_connection((sys.argv[1], 5001), 10)
        break
    except ConnectionRefusedError:
        time.sleep(0.01)
begin = time.monotonic()
size = 0
while True:
    data = connection.recv(65536)
    if not data:
        break
    size += len(data)
print(time.monotonic() - begin if size == 25000 else "cut")`;

const shape = { ingressRate: 8000, ingressBurst: 16_000, egressRate: 8000, egressBurst: 16_000 };

/** Attaches a container behind that plugin, shaped or not, and takes the time of 25 kB out of it. */
function seconds(trial: Trial, link: Link, isShaped: boolean): number {
  const netns = trial.pod();
  const call = { command: "ADD", netns, containerId: isShaped ? "with" : "without" };
  const base = { cniVersion: trial.newest, name: `net-${call.containerId}` };
  const prevResult = trial.ok({ ...call, type: link.type, config: { ...base, ...link } });
  if (isShaped) {
    const config = { ...base, type: "bandwidth", prevResult, ...shape };
    const result = trial.ok({ ...call, config });
    trial.ok({ ...call, command: "CHECK", config: { ...config, prevResult: result } });
  }
  const [address = ""] = prevResult.ips[0].address.split("/");
  trial.host.start(["python3", "-c", sender], { netns });
  const told = trial.host.ok(["python3", "-c", receiver, address], { timeoutMs: 90_000 });
  promise(!told.includes("cut"), "not all has come");
  return Number(told);
}

const of = (subnet: string) => ({ type: "host-local", ranges: [[{ subnet }]] });

const measured = (
  [
    [
      "U-175",
      "ptp",
      (isShaped) => ({ ipMasq: true, mtu: 512, ipam: of(`10.1.${isShaped ? 2 : 3}.0/24`) }),
    ],
    [
      "U-242",
      "bridge",
      (isShaped) => ({
        bridge: isShaped ? "br-shaped" : "br-plain",
        isGateway: true,
        ipam: of(isShaped ? "10.12.2.0/24" : "10.11.2.0/24"),
      }),
    ],
  ] as [line: Case["lines"][number], type: string, keys: (isShaped: boolean) => object][]
).map(
  ([line, type, keys]): Case => ({
    ...{ lines: [line], program: "bandwidth", needs, version: "0.4.0" },
    beside: [type, "host-local"],
    fact: `makes 25 kB at 8000 bit/s behind ${type} take more than a second longer`,
    run(trial) {
      const [free, held] = [false, true].map((isShaped) =>
        seconds(trial, { type, ...keys(isShaped) }, isShaped),
      ) as [number, number];
      ok(held > free + 1, `${held} s, and ${free} s without`);
    },
  }),
);

export const cases: readonly Case[] = [...shapes, ...endings, ...refused, ...checks, ...measured];
