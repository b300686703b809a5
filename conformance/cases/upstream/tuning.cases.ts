/**
 * tuning: what is set, told and restored (checklist 6.13).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";

const ifName = "dummy0";
const containerId = "dummy";
const mac = "c2:11:22:33:44:77";
const martians = "net.ipv4.conf.all.log_martians";

/** A container whose link is there, and a result that tells of it. */
class Container {
  readonly trial: Trial;
  readonly netns: string;
  /** How the link was made. */
  readonly untouched: string;

  constructor(trial: Trial) {
    this.trial = trial;
    this.netns = trial.pod();
    trial.run(`ip link add ${ifName} type veth peer name peer0`, { netns: this.netns });
    this.untouched = this.settings();
  }

  /** What programs may change of the link. */
  settings(): string {
    const [row] = this.trial.host.ipJson(`-d link show ${ifName}`, this.netns);
    const { address, mtu, txqlen, promiscuity, flags } = row;
    return [address, mtu, txqlen, promiscuity, flags.includes("ALLMULTI")].join(" ");
  }

  link(): Reply {
    return this.trial.host.ipJson(`-d link show ${ifName}`, this.netns)[0];
  }

  sysctl(name: string): string {
    return this.trial.host.sysctl(name, undefined, this.netns);
  }

  get prevResult(): Reply {
    return {
      cniVersion: this.trial.newest,
      interfaces: [{ name: ifName, sandbox: this.netns }],
      ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 0 }],
    };
  }

  call(command: string, keys: object, more: Partial<TrialCall> = {}): TrialCall {
    const base = { cniVersion: this.trial.newest, name: "test", type: "tuning" };
    const config = { ...base, prevResult: this.prevResult, ...keys };
    return { command, config, netns: this.netns, ifName, containerId, ...more };
  }

  /** ADD and CHECK, `looks`, DEL twice; then the link is as it was. */
  goesThrough(keys: object, looks: (result: Reply) => void, more: Partial<TrialCall> = {}): void {
    this.trial.leavesNothing(() => {
      const prevResult = this.trial.ok(this.call("ADD", keys, more));
      looks(prevResult);
      this.trial.ok(this.call("CHECK", { ...keys, prevResult }, more));
      for (const _ of "12") this.trial.ok(this.call("DEL", { ...keys, prevResult }, more));
    });
    equal(this.settings(), this.untouched);
  }
}

function inContainer(
  lines: Case["lines"],
  fact: string,
  run: (container: Container, trial: Trial) => void,
): Case {
  return {
    lines,
    program: "tuning",
    version: "0.4.0",
    fact,
    run: (trial) => run(new Container(trial), trial),
  };
}

type Setting = [line: string, keys: object, field: string, value: unknown];
const settings: Setting[] = [
  ["U-153", { promisc: true }, "promiscuity", 1],
  ["U-155", { mtu: 1454 }, "mtu", 1454],
  ["U-157", { txQLen: 20000 }, "txqlen", 20000],
  ["U-158", { mac }, "address", mac],
];
const fromArguments: Record<string, string> = {
  "U-153": "U-154",
  "U-155": "U-156",
  "U-158": "U-159",
};

const links: Case[] = [
  ...settings.flatMap(([line, keys, field, value]) => [
    inContainer([line], `sets ${Object.keys(keys)[0]} and restores it`, (container) => {
      container.goesThrough(keys, () => equal(container.link()[field], value));
    }),
    {
      ...inContainer(
        [fromArguments[line] ?? line],
        `sets ${Object.keys(keys)[0]} of args.cni and restores it`,
        (container) => {
          const wanted = { args: { cni: keys } };
          container.goesThrough(wanted, () => equal(container.link()[field], value));
        },
      ),
      version: "1.0.0", // older programs do not know all of them there
    },
  ]),
  ...["configuration", "args.cni"].map((where) => ({
    ...inContainer(["U-161"], `sets allmulti of the ${where} and restores it`, (container) => {
      const keys =
        where === "args.cni" ? { args: { cni: { allmulti: true } } } : { allmulti: true };
      container.goesThrough(keys, () => ok(container.link().flags.includes("ALLMULTI")));
    }),
    version: "1.0.0",
  })),
  inContainer(["U-158"], "tells the MAC address that it has set", (container) => {
    container.goesThrough({ mac }, ({ interfaces }) => equal(interfaces[0].mac, mac));
  }),
  inContainer(["U-159"], "sets the MAC address of CNI_ARGS", (container) => {
    const args = `IgnoreUnknown=true;MAC=${mac}`;
    container.goesThrough({}, () => equal(container.link().address, mac), { args });
  }),
  inContainer(["U-159"], "sets the MAC address of runtimeConfig", (container) => {
    const keys = { runtimeConfig: { mac } };
    container.goesThrough(keys, ({ interfaces }) => {
      equal(container.link().address, mac);
      equal(interfaces[0].mac, mac);
    });
  }),
  {
    ...inContainer(["U-160"], "saves what it changes in dataDir", (container, trial) => {
      const [address, mtu, txQLen] = container.untouched.split(" ");
      const dataDir = "/run/tuning-test";
      container.goesThrough({ mac, promisc: true, mtu: 4000, txQLen: 20000, dataDir }, () => {
        const path = `${dataDir}/dummy_dummy0.json`;
        equal(trial.run(`stat -c%a ${path}`).trim(), "600");
        const saved = { mac: address, promisc: false, mtu: Number(mtu), txQLen: Number(txQLen) };
        equal(trial.run(`cat ${path}`), JSON.stringify(saved, null, 1));
      });
      equal(trial.run(`ls ${dataDir}`), "");
    }),
    version: "1.0.0",
  },
];

const sysctls: Case[] = [
  inContainer(["U-152"], "sets a sysctl, saves nothing, and hands the result on", (container) => {
    const { trial } = container;
    const { cniVersion, ...wanted } = container.prevResult;
    container.goesThrough({ sysctl: { [martians]: "1" } }, (result) => {
      equal(container.sysctl(martians), "1");
      deepEqual([result.interfaces, result.ips], [wanted.interfaces, wanted.ips]);
      equal(trial.host.run(["sh", "-c", "ls /run/cni/tuning/*"]).stdout, "");
    });
  }),
  ...["net.ipv4.conf.IFNAME.arp_filter", "net/ipv4/conf/IFNAME/arp_filter"].map((key) =>
    inContainer(["U-237", "U-165"], `sets ${key} of the container's interface`, (container) => {
      container.goesThrough({ sysctl: { [key]: "1" } }, () => {
        equal(container.sysctl(`net.ipv4.conf.${ifName}.arp_filter`), "1");
      });
    }),
  ),
  inContainer(["U-165"], "refuses an interface name with a slash", (container, trial) => {
    trial.unchanged(() =>
      trial.fails(container.call("ADD", {}, { ifName: "dummy/0" }), [4, 999], /name/i),
    );
  }),
  ...["net.ipv4.conf.../../kernel.pid_max", "kernel.pid_max", "../../etc/passwd"].map((key) =>
    inContainer(["SPEC-187"], `refuses the sysctl ${key}`, (container, trial) => {
      const sysctl = { [key]: "1" };
      trial.unchanged(() =>
        trial.fails(container.call("ADD", { sysctl }), undefined, /sysctl key|no such file/),
      );
    }),
  ),
  inContainer(["U-164"], "refuses a sysctl that stands there twice", (container, trial) => {
    const { config, ...call } = container.call("ADD", { sysctl: { [martians]: "1" } });
    const pair = `"${martians}":"1"`;
    const twice = JSON.stringify(config).replace(pair, `${pair},${pair}`);
    trial.unchanged(() => trial.fails({ ...call, config: twice }, undefined, "duplicated"));
  }),
  inContainer(["U-164"], "CHECK sees that a sysctl has another value", (container, trial) => {
    const keys = { sysctl: { [martians]: "1" } };
    trial.ok(container.call("ADD", keys));
    trial.host.sysctl(martians, "0", container.netns);
    const { msg } = trial.fails(container.call("CHECK", keys));
    match(msg, /log_martians is 1, current value is 0|log_martians" is "1", current value is "0"/);
  }),
];

/** Lines of the administrator's list, on an /etc of the case's own. */
function allow(trial: Trial, line: string): void {
  const script =
    "mount -t tmpfs etc /etc; mkdir -p /etc/cni/tuning; cat >/etc/cni/tuning/allowlist.conf";
  trial.host.ok(["sh", "-ec", script], { input: line });
}

const lists: [line: string, fact: string, list: string, allowed: boolean][] = [
  ["U-162", "refuses a sysctl that is not listed", "^net\\.ipv4\\.conf\\.other\\.[a-z_]*$", false],
  ["U-162", "refuses every sysctl when the list is empty", "", false],
  ["U-163", "takes a sysctl that is listed", "^net\\.ipv4\\.conf\\.all\\.[a-z_]*$", true],
];
const listed = lists.map(([line, fact, list, allowed]) =>
  inContainer([line], fact, (container, trial) => {
    allow(trial, list);
    const call = container.call("ADD", { sysctl: { [martians]: "1" } });
    if (allowed) trial.ok(call);
    else trial.fails(call, undefined, /is not allowed/);
    equal(container.sysctl(martians), allowed ? "1" : "0");
  }),
);

const broken: Case[] = [
  inContainer(["ROB-026"], "DEL finishes what a killed one began", (container, trial) => {
    const keys = { mac, mtu: 1454 };
    trial.leavesNothing(() => {
      trial.ok(container.call("ADD", keys));
      trial.run(`ip link set ${ifName} mtu 1500`, { netns: container.netns });
      trial.ok(container.call("DEL", keys));
    });
    equal(container.settings(), container.untouched);
  }),
  ...['{"mac":"c2:11', '{"mac":"zz","mtu":1300}', '{"mtu":"x"}', ""].map((text) =>
    inContainer(
      ["ROB-035"],
      `DEL lives with ${JSON.stringify(text)} as saved values`,
      (container, trial) => {
        const keys = { mac, mtu: 1454 };
        const dataDir = "/run/tuning-test";
        trial.ok(container.call("ADD", { ...keys, dataDir }));
        const set = container.settings();
        const path = `${dataDir}/dummy_dummy0.json`;
        trial.host.ok(["sh", "-c", `cat >${path}`], { input: text });
        const { status, stderr } = trial.call(container.call("DEL", { ...keys, dataDir }));
        equal(status, 0);
        const found = container.settings();
        ok([set, container.untouched].includes(found), `restores all or nothing: ${found}`);
        equal(trial.run(`ls ${dataDir}`), "");
        match(stderr, /dummy_dummy0\.json/);
      },
    ),
  ),
];

export const cases: readonly Case[] = [...links, ...sysctls, ...listed, ...broken];
