/**
 * What a runtime asks for by `runtimeConfig` (checklist 4.1).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply } from "../../runner/trial.ts";
import { hostLocalConfig, staticConfig } from "../../runner/vehicles.ts";
import { caseOf as delegatingCase, delegators } from "../delegators.ts";
import { refuses, takes } from "../spec/questions.ts";
import { caseOf, casesOf, linkSubjects, mapping, subjectOf, subjects } from "../spec/subjects.ts";

const portMappings = (...list: unknown[]) => ({ runtimeConfig: { portMappings: list } });

/** What nobody here has a use for. */
const strange = {
  infinibandGUID: "c2:11:22:33:44:55:66:77",
  aliases: ["a", "b"],
  cgroupPath: "/run/fifo",
  dns: { servers: ["10.0.0.53"], searches: ["a"], options: ["ndots:2"] },
  zzUnknown: { x: [null] },
};

const settingMac = delegators.filter(({ program }) =>
  ["bridge", "macvlan", "tap"].includes(program),
);
const badMacs = ["zz", "02:00:00:00:00", "01:00:5e:00:00:01", "02:00:00:00:00:00:01"];

function macOf(result: Reply, netns: string): string {
  return result.interfaces.find(({ sandbox }: Reply) => sandbox === netns).mac;
}

const mac: Case[] = settingMac.flatMap((delegator) => [
  ...[true, false].map((asked) =>
    delegatingCase(delegator, {
      lines: ["CONV-006", "CONV-012"],
      fact: `sets runtimeConfig.mac ${asked ? "with" : "without"} a capability`,
      run(trial, delegation) {
        const capability = asked ? { capabilities: { mac: true } } : {};
        const runtimeConfig = { mac: "0A:58:0A:09:00:02" };
        const result = trial.ok(delegation.call("ADD", { ...capability, runtimeConfig }));
        equal(macOf(result, delegation.netns), "0a:58:0a:09:00:02");
        const [{ address }] = trial.host.ipJson("link show eth0", delegation.netns);
        equal(address, "0a:58:0a:09:00:02");
      },
    }),
  ),
  delegatingCase(delegator, {
    lines: ["CONV-006", "CONV-013"],
    fact: "refuses what is no MAC address of one link, and leaves nothing",
    run(trial, delegation) {
      trial.leavesNothing(() => {
        for (const bad of badMacs) {
          trial.fails(delegation.call("ADD", { runtimeConfig: { mac: bad } }));
        }
      }, delegation.netns);
    },
  }),
]);

const rate = { ingressRate: 8_000_000, ingressBurst: 800_000 };

/** Rate of the shaper on the host's end, in bytes a second. */
function shapedTo(wanted: number): (rows: Reply) => boolean {
  return (rows) =>
    rows.some(({ kind, options }: Reply) => kind === "tbf" && options.rate === wanted);
}

const bandwidth: Case[] = [
  ...[
    { what: "the runtime", change: { runtimeConfig: { bandwidth: rate } }, wanted: 1_000_000 },
    {
      what: "its configuration, not the runtime,",
      change: {
        ingressRate: 16_000_000,
        ingressBurst: 800_000,
        runtimeConfig: { bandwidth: rate },
      },
      wanted: 2_000_000,
    },
  ].map(({ what, change, wanted }) =>
    caseOf(subjectOf("bandwidth"), {
      lines: ["CONV-003", "CONV-032"],
      needs: ["tbf"],
      fact: `shapes what goes to the container as ${what} says`,
      run(setting, trial) {
        setting.add(change);
        const rows = JSON.parse(trial.run("tc -j qdisc show dev veth0"));
        ok(shapedTo(wanted)(rows), JSON.stringify(rows));
      },
    }),
  ),
  refuses({
    lines: ["CONV-003", "CONV-013"],
    program: "bandwidth",
    needs: ["tbf"],
    fact: "refuses half of a shape, and a burst over 4 GB",
    inputs: [
      {
        what: "burst 0", // left out, a program may choose one
        change: { runtimeConfig: { bandwidth: { ingressRate: 1000, ingressBurst: 0 } } },
      },
      { what: "no rate", change: { runtimeConfig: { bandwidth: { egressBurst: 1000 } } } },
      { what: "burst", change: { ingressRate: 1000, ingressBurst: 4_294_967_296 * 8 } },
    ],
  }),
];

export const cases: readonly Case[] = [
  refuses({
    lines: ["CONV-001", "CONV-013"],
    program: "portmap",
    fact: "refuses a mapping that is none",
    codes: 7,
    inputs: [
      { what: "hostPort 0", change: portMappings(mapping(0, 80)), says: /host port number: 0/ },
      { what: "hostPort -1", change: portMappings(mapping(-1, 80)), says: /host port number: -1/ },
      { what: "hostPort 65536", change: portMappings(mapping(65_536, 80)) },
      { what: "containerPort 0", change: portMappings(mapping(80, 0)) },
      { what: "containerPort 70000", change: portMappings(mapping(80, 70_000)) },
      { what: "protocol icmp", change: portMappings(mapping(80, 80, { protocol: "icmp" })) },
      { what: "no protocol", change: portMappings({ hostPort: 80, containerPort: 80 }) },
      { what: "empty protocol", change: portMappings(mapping(80, 80, { protocol: "" })) },
      { what: "hostIP", change: portMappings(mapping(80, 80, { hostIP: "10.0.0.x" })) },
    ],
  }),
  takes({
    lines: ["CONV-001"],
    program: "portmap",
    fact: "takes every address of the host, and a protocol in capitals",
    inputs: [
      ...["192.0.2.1", "0.0.0.0", "::", "2001:db8::1", "127.0.0.1"].map((hostIP, n) => ({
        what: hostIP,
        containerId: `h${n}`,
        change: portMappings(mapping(8100 + n, 80, { hostIP })),
      })),
      {
        what: "UDP",
        containerId: "u",
        change: portMappings(mapping(8200, 80, { protocol: "UDP" })),
      },
      {
        what: "sctp",
        containerId: "s",
        change: portMappings(mapping(8300, 80, { protocol: "sctp" })),
      },
    ],
  }),
  caseOf(subjectOf("portmap"), {
    lines: ["CONV-001"],
    fact: "does nothing for an empty list of mappings",
    run(setting, trial) {
      trial.unchanged(() => setting.add(portMappings()), setting.netns);
      deepEqual(setting.result.interfaces.length, 3);
    },
  }),
  caseOf(subjectOf("portmap"), {
    lines: ["CONV-014"],
    fact: "deletes what it published without being told again",
    run(setting, trial) {
      trial.leavesNothing(() => {
        setting.add();
        setting.ok("DEL", { runtimeConfig: undefined });
      });
    },
  }),
  caseOf(subjectOf("portmap"), {
    lines: ["CONV-012"],
    fact: "publishes with and without a capability",
    run(setting, trial) {
      const before = trial.host.snapshot();
      setting.add({ capabilities: undefined });
      ok(JSON.stringify(trial.host.snapshot()) !== JSON.stringify(before), "nothing is published");
      setting.ok("DEL");
      setting.add({ capabilities: { portMappings: true } });
      setting.ok("DEL");
    },
  }),
  {
    lines: ["CONV-002", "CONV-031", "CONV-012"],
    program: "host-local",
    fact: "takes the runtime's ranges first, then `subnet`, then `ranges`",
    run(trial) {
      const ipRanges = [[{ subnet: "10.7.0.0/24", rangeStart: "10.7.0.9" }]];
      const own = { subnet: "10.8.0.0/24", ranges: [[{ subnet: "10.9.0.0/24" }]] };
      const config = hostLocalConfig(trial.newest, own, { runtimeConfig: { ipRanges } });
      const { ips } = trial.ok({ command: "ADD", config, netns: trial.pod() });
      deepEqual(
        ips.map(({ address }: Reply) => address),
        ["10.7.0.9/24", "10.8.0.2/24", "10.9.0.2/24"],
      );
    },
  },
  {
    lines: ["CONV-002"],
    program: "host-local",
    version: "0.2.0",
    fact: "takes one range of a family from the runtime at 0.2.0",
    run(trial) {
      const netns = trial.pod();
      const runtimeConfig = { ipRanges: [[{ subnet: "10.7.0.0/24" }]] };
      const alone = hostLocalConfig("0.2.0", { ranges: undefined }, { runtimeConfig });
      equal(trial.ok({ command: "ADD", config: alone, netns }).ip4.ip, "10.7.0.2/24");
      const both = hostLocalConfig("0.2.0", {}, { runtimeConfig });
      trial.fails({ command: "ADD", config: both, netns, containerId: "c2" });
    },
  },
  refuses({
    lines: ["CONV-002", "CONV-013"],
    program: "host-local",
    fact: "refuses ranges of the runtime that are none",
    inputs: [
      { what: "a text", change: { runtimeConfig: { ipRanges: "10.7.0.0/24" } }, codes: [6, 7] },
      { what: "one level", change: { runtimeConfig: { ipRanges: [{}] } }, codes: [6, 7] },
      { what: "no subnet", change: { runtimeConfig: { ipRanges: [[{}]] } } },
      { what: "a bad one", change: { runtimeConfig: { ipRanges: [[{ subnet: "10.7.0.0" }]] } } },
      {
        what: "start outside",
        change: {
          runtimeConfig: { ipRanges: [[{ subnet: "10.7.0.0/24", rangeStart: "10.8.0.1" }]] },
        },
      },
    ],
  }),
  {
    lines: ["CONV-005", "CONV-012"],
    program: "static",
    fact: "takes runtimeConfig.ips in place of its own addresses",
    run(trial) {
      const runtimeConfig = { ips: ["10.7.0.2/24"] };
      const config = staticConfig(trial.newest, { runtimeConfig });
      const { ips } = trial.ok({ command: "ADD", config, netns: trial.pod() });
      deepEqual(ips, [{ address: "10.7.0.2/24" }]);
    },
  },
  refuses({
    lines: ["CONV-005", "CONV-013"],
    fact: "refuses an address without prefix from the runtime",
    inputs: [
      {
        what: "an address",
        change: { runtimeConfig: { ips: ["10.7.0.2"] } },
        says: /an entry in the 'ips' field is NOT in CIDR notation, got: '10.7.0.2'/,
      },
      { what: "a number", change: { runtimeConfig: { ips: 5 } }, codes: [6, 7] },
      { what: "a list of numbers", change: { runtimeConfig: { ips: [5] } }, codes: [6, 7] },
    ],
  }),
  {
    lines: ["CONV-005"],
    program: "host-local",
    fact: "gives every address the runtime asks for, with or without prefix, or none",
    run(trial) {
      const netns = trial.pod();
      const ranges = [[{ subnet: "10.1.2.0/24" }], [{ subnet: "10.1.3.0/24" }]];
      const call = (containerId: string, ips: string[]) => {
        const config = hostLocalConfig(trial.newest, { ranges }, { runtimeConfig: { ips } });
        return { command: "ADD", config, netns, containerId };
      };
      const { ips } = trial.ok(call("a", ["10.1.2.50", "10.1.3.60/24"]));
      deepEqual(
        ips.map(({ address }: Reply) => address),
        ["10.1.2.50/24", "10.1.3.60/24"],
      );
      trial.leavesNothing(() => {
        const { msg, details } = trial.fails(call("b", ["10.1.2.51", "10.9.9.9"]));
        match(`${msg} ${details}`, /failed to allocate all requested IPs: .*10\.9\.9\.9/);
      });
    },
  },
  ...mac,
  caseOf(subjectOf("tuning"), {
    lines: ["CONV-006", "CONV-012"],
    fact: "sets runtimeConfig.mac",
    run(setting, trial) {
      setting.add({ runtimeConfig: { mac: "0A:58:0A:09:00:02" } });
      const [{ address }] = trial.host.ipJson("link show eth0", setting.netns);
      equal(address, "0a:58:0a:09:00:02");
      equal(macOf(setting.result, setting.netns), "0a:58:0a:09:00:02");
    },
  }),
  ...casesOf(subjects, {
    lines: ["CONV-004", "CONV-007", "CONV-009", "CONV-010", "CONV-011"],
    fact: "does not look at what is for others in runtimeConfig",
    run(setting, trial) {
      trial.run("mkfifo /run/fifo");
      const runtimeConfig = { ...(setting.config["runtimeConfig"] as object), ...strange };
      const names = Object.keys(strange).map((name) => [name, true]);
      const capabilities = Object.fromEntries(names);
      setting.add({ runtimeConfig, capabilities });
      setting.ok("DEL", { runtimeConfig, capabilities });
    },
  }),
  refuses({
    lines: ["CONV-008"],
    program: "host-device",
    fact: "wants to know its device",
    inputs: [
      {
        what: "nothing",
        change: { device: undefined },
        says: /specify either "device", "hwaddr", "kernelpath" or "pciBusID"/,
      },
      {
        what: "a deviceID that is not there",
        change: { device: undefined, runtimeConfig: { deviceID: "ffff:ff:1f.7" } },
      },
    ],
  }),
  ...bandwidth,
  ...casesOf(
    linkSubjects.filter(({ program }) => settingMac.some((each) => each.program === program)),
    {
      lines: ["CONV-013"],
      fact: "refuses a number for a MAC address",
      run(setting, trial) {
        trial.unchanged(() => setting.fails("ADD", { runtimeConfig: { mac: 5 } }, [6, 7]));
      },
    },
  ),
  refuses({
    lines: ["CONV-013"],
    program: "portmap",
    fact: "refuses mappings of another form",
    codes: [6, 7],
    inputs: [
      { what: "a text", change: { runtimeConfig: { portMappings: "80" } } },
      { what: "an object", change: { runtimeConfig: { portMappings: {} } } },
      { what: "a list of texts", change: portMappings("80:80") },
      { what: "a port as text", change: portMappings({ ...mapping(80, 80), hostPort: "80" }) },
    ],
  }),
];
