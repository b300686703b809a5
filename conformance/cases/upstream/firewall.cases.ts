/**
 * firewall: what passes a host that forwards nothing by itself (checklist 6.15). Rules are looked at only where every program has them.
 */
import { deepEqual, equal } from "node:assert/strict";
import { FakeFirewalld, startSystemBus } from "../../../test/kernel/firewalld.ts";
import type { Case } from "../../runner/case.ts";
import { PodNetwork } from "../../runner/pod-network.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { commonVersion } from "../swap/ipam.cases.ts";

const needs = ["python3", "iptables-nft"] as const;
const tools = ["iptables", "ip6tables"];

/** One container that has nothing but a result. */
class Alone {
  readonly trial: Trial;
  readonly netns: string;
  readonly prevResult: Reply;

  constructor(trial: Trial) {
    this.trial = trial;
    this.netns = trial.pod();
    this.prevResult = {
      cniVersion: trial.newest,
      interfaces: [{ name: "bridge0" }, { name: "veth0" }, { name: "eth0", sandbox: this.netns }],
      ips: ["10.0.0.2/24", "2001:db8:1:2::1/64"].map((address) => ({ address, interface: 2 })),
    };
  }

  call(command: string, change: object = {}) {
    const { newest } = this.trial;
    const own = { cniVersion: newest, name: "net1", type: "firewall", backend: "iptables" };
    const config = { ...own, prevResult: this.prevResult, ...change };
    return { command, config, netns: this.netns, containerId: "c1" };
  }

  /** Lines of `iptables -S` about chains of CNI, and of `ip6tables -S`. */
  saved(): string[][] {
    return tools.map((tool) =>
      this.trial
        .run(`${tool} -S`)
        .split("\n")
        .filter((line) => line.includes("CNI-")),
    );
  }
}

function alone(lines: Case["lines"], fact: string, run: (one: Alone) => void): Case {
  return {
    lines,
    program: "firewall",
    needs,
    fact,
    run(trial) {
      for (const tool of tools) trial.run(`${tool} -P FORWARD DROP`);
      run(new Alone(trial));
    },
  };
}

const rules: Case[] = [
  alone(["U-178"], "hands the result on as it came", (one) => {
    deepEqual(one.trial.ok(one.call("ADD")), one.prevResult);
  }),
  alone(["U-179"], "has FORWARD ask its chain, and that the administrator's", (one) => {
    one.trial.ok(one.call("ADD"));
    for (const lines of one.saved()) {
      const jump = (from: string, to: string) =>
        lines.some((line) => line.startsWith(`-A ${from} `) && line.endsWith(` -j ${to}`));
      deepEqual([jump("FORWARD", "CNI-FORWARD"), jump("CNI-FORWARD", "CNI-ADMIN")], [true, true]);
    }
  }),
  alone(["U-180"], "asks the administrator's chain of another name", (one) => {
    one.trial.ok(one.call("ADD", { iptablesAdminChainName: "CNI-foobar" }));
    for (const lines of one.saved()) {
      equal(lines.includes("-N CNI-foobar"), true);
      equal(lines.filter((line) => line.endsWith(" -j CNI-foobar")).length, 1);
    }
  }),
  alone(["U-182"], "makes no rule twice", (one) => {
    one.trial.ok(one.call("ADD"));
    const once = one.trial.host.snapshot().nft;
    one.trial.ok(one.call("ADD"));
    deepEqual(one.trial.host.snapshot().nft, once);
  }),
  alone(["U-181"], "keeps the shared chains at DEL", (one) => {
    const shared = () => one.saved().map((lines) => lines.filter((line) => / -j CNI-/.test(line)));
    one.trial.ok(one.call("ADD"));
    one.trial.ok(one.call("CHECK"));
    const before = shared();
    one.trial.ok(one.call("DEL"));
    deepEqual(shared(), before);
    equal(JSON.stringify(one.trial.host.nftJson()).includes("10.0.0.2"), false);
  }),
];

type Policy = "open" | "same-bridge" | "isolated";

/** A question to containers A and B of one bridge and C of another, on a host that filters bridged packets too. */
function live(lines: Case["lines"], fact: string, run: (net: PodNetwork) => Promise<void>): Case {
  return {
    lines,
    program: "firewall",
    beside: ["bridge", "host-local"],
    needs,
    fact,
    run: (trial) => {
      const net = new PodNetwork(trial, { ipMasq: true });
      for (const family of ["iptables", "ip6tables"]) {
        trial.host.sysctl(`net.bridge.bridge-nf-call-${family}`, 1);
      }
      return run(net);
    },
  };
}

const other = {
  bridge: "br-other",
  ipam: { type: "host-local", ranges: [[{ subnet: "10.1.3.0/24" }], [{ subnet: "fd01:3::/64" }]] },
};

/** Attaches A, B and C with that policy. @returns whether one reaches another, by both families */
async function reachability(net: PodNetwork, ingressPolicy: Policy) {
  for (const name of ["A", "B"]) await net.attach(name);
  await net.attach("C", { config: other });
  for (const name of ["A", "B", "C"]) {
    net.trial.ok(net.firewall("ADD", name, { ingressPolicy }));
    net.trial.ok(net.firewall("CHECK", name, { ingressPolicy }));
  }
  return (from: string, to: string): boolean => {
    const answers = net.ask(
      from,
      net.addresses(to).map((address) => ({ to: address, port: 80 })),
    );
    equal(new Set(answers).size, 1, `the families differ: ${answers}`);
    return answers[0] === to;
  };
}

const traffic: Case[] = [
  live(["U-181", "U-179"], "opens a host that forwards nothing, until DEL", async (net) => {
    for (const tool of tools) net.trial.run(`${tool} -P FORWARD DROP`);
    await net.attach("A");
    await net.serve("outside");
    const asks = () => net.ask("A", [{ to: "192.0.2.2", port: 80 }])[0];
    equal(asks(), "hang");
    net.trial.ok(net.firewall("ADD", "A"));
    net.trial.ok(net.firewall("CHECK", "A"));
    equal(asks(), "outside");
    net.trial.ok(net.firewall("DEL", "A"));
    equal(asks(), "hang");
    net.trial.fails(net.firewall("CHECK", "A"));
  }),
  live(["U-183"], "same-bridge keeps bridges apart", async (net) => {
    const reaches = await reachability(net, "same-bridge");
    deepEqual([reaches("A", "B"), reaches("A", "C"), reaches("C", "B")], [true, false, false]);
  }),
  live(["U-184"], "isolated keeps containers apart", async (net) => {
    const reaches = await reachability(net, "isolated");
    deepEqual([reaches("A", "B"), reaches("A", "C"), reaches("C", "B")], [false, false, false]);
  }),
];

const sources = ["10.0.0.2/32", "2001:db8:1:2::1/128"];
const calls = (verb: string, zone = "trusted") => sources.map((each) => `${verb} ${zone} ${each}`);

/** A question to one container on a host where firewalld runs, as far as it has zones with sources. */
function guarded(
  lines: Case["lines"],
  fact: string,
  run: (one: Alone, firewalld: FakeFirewalld) => void,
): Case {
  return {
    lines,
    program: "firewall",
    needs: [...needs, "D-Bus"],
    fact,
    run(trial) {
      startSystemBus(trial.host);
      run(new Alone(trial), new FakeFirewalld(trial.host));
    },
  };
}

const told: Case[] = [
  guarded(["U-185"], "tells firewalld, and hands the result on", (one, firewalld) => {
    const asked = { backend: "firewalld" };
    deepEqual(one.trial.ok(one.call("ADD", asked)), one.prevResult);
    deepEqual(firewalld.calls, calls("addSource"));
    one.trial.ok(one.call("DEL", asked));
    deepEqual(firewalld.calls, [...calls("addSource"), ...calls("removeSource")]);
  }),
  guarded(["U-186"], "uses firewalld where it runs, and asks it at CHECK", (one, firewalld) => {
    const unset = { backend: undefined };
    one.trial.ok(one.call("ADD", unset));
    one.trial.ok(one.call("CHECK", unset));
    deepEqual(firewalld.calls, [...calls("addSource"), ...calls("querySource")]);
  }),
  {
    ...guarded(
      ["U-185"],
      "takes back what another program has told firewalld",
      (one, firewalld) => {
        const cniVersion = commonVersion(one.trial);
        const prevResult = { ...one.prevResult, cniVersion };
        const asked = { backend: "firewalld", cniVersion, prevResult };
        one.trial.ok(one.call("ADD", asked));
        one.trial.ok({ ...one.call("DEL", asked), bin: one.trial.other.folder });
        deepEqual(firewalld.calls.slice(-2), calls("removeSource"));
      },
    ),
    swap: true,
  },
  guarded(["U-187"], "tells firewalld the zone that is configured", (one, firewalld) => {
    one.trial.ok(one.call("ADD", { backend: "firewalld", firewalldZone: "work" }));
    deepEqual(firewalld.calls, calls("addSource", "work"));
  }),
];

export const cases: readonly Case[] = [...rules, ...traffic, ...told];
