/**
 * GC (checklist 1.H).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { caseOfAll, failsWith } from "../delegators.ts";
import { pairsOf, reservationsOf } from "./left.ts";
import { refuses, takes } from "./questions.ts";
import { casesOf, mapping, type Setting, subjectOf, subjects } from "./subjects.ts";

const version = "1.1.0";
const key = "cni.dev/valid-attachments";
const nobody = { containerId: null, ifName: null, netns: null };

/** What leaves something that GC can take away. */
const owners = ["host-local", "bridge", "ptp", "macvlan", "portmap"].map(subjectOf);

function attachment(containerID: string, ifname = "eth0"): object {
  return { containerID, ifname };
}

/** Keys of one container: everything on, a port of its own. */
function keysOf({ subject }: Setting, number: number): object {
  const portMappings = [mapping(8000 + number, 80)];
  const port = subject.program === "portmap" ? { runtimeConfig: { portMappings } } : {};
  return { isGateway: true, ipMasq: true, ...port };
}

/** Attaches the container; chained programs all work on the first pod's link. */
function attach(setting: Setting, number: number, more: { ifName?: string; name?: string } = {}) {
  const { name = "net1", ifName = "eth0" } = more;
  const shared = setting.subject.chained || number === 1;
  const netns = shared ? setting.netns : setting.trial.pod();
  const change = { ...keysOf(setting, number), name };
  return setting.ok("ADD", change, { containerId: `c${number}`, netns, ifName });
}

/** For a chained program: the result of a program that made `eth1` as well. */
function ofSecond({ config, netns }: Setting): object {
  const { prevResult } = structuredClone(config) as Reply;
  if (prevResult === undefined) return {};
  prevResult.interfaces.push({ name: "eth1", sandbox: netns });
  prevResult.ips.push({ address: "10.1.2.3/24", interface: 3 });
  return { prevResult };
}

function collect(setting: Setting, change: object): void {
  const config = { ...setting.config, prevResult: undefined, ...change };
  setting.trial.ok({ command: "GC", config, ...nobody });
}

/** Words by which the attachment of that number can be known. */
function traces(trial: Trial, number: number): string[] {
  const rows = trial.host.snapshot().nft.filter((row) => row.includes(`${8000 + number}`));
  return [...reservationsOf(trial, `c${number}`), ...rows];
}

/** Rows of the whole host but counters and folders, which GC may touch. */
function stateOf(trial: Trial): Reply {
  const { files, ...state } = trial.host.snapshot();
  return { ...state, files: files.filter((row) => !/last_reserved|ledger|lock|\/ \d+$/.test(row)) };
}

function ofOwners(each: Omit<Parameters<typeof casesOf>[1], "version">): Case[] {
  return casesOf(owners, { ...each, version });
}

const malformed = [[{}], [{ ifname: "eth0" }], [{ containerID: 5, ifname: "eth0" }], "x", {}, [5]];

export const cases: readonly Case[] = [
  ...ofOwners({
    lines: ["SPEC-079", "SPEC-087", "SPEC-088"],
    fact: "takes away what belongs to nobody, and nothing else",
    run(setting, trial) {
      for (const number of [1, 2]) attach(setting, number);
      const before = trial.host.snapshot().links.length;
      collect(setting, { [key]: [attachment("c1")] });
      deepEqual(traces(trial, 2), []);
      ok(traces(trial, 1).length > 0, "what is valid is gone");
      if (setting.subject.program === "bridge") {
        equal(trial.host.snapshot().links.length, before - 1);
        trial.run("ping -c1 -W2 10.1.2.1", { netns: setting.netns });
      }
    },
  }),
  ...ofOwners({
    lines: ["SPEC-079", "SPEC-088"],
    fact: "takes away what belongs to a namespace that is gone",
    run(setting, trial) {
      attach(setting, 1);
      trial.host.deletePod(setting.netns.split("/").at(-1)!);
      collect(setting, { [key]: [] });
      deepEqual(traces(trial, 1), []);
      deepEqual(
        pairsOf(trial).filter((name) => name !== "veth0"),
        [],
      );
    },
  }),
  ...ofOwners({
    lines: ["SPEC-080"],
    fact: "knows an attachment by container and interface",
    run(setting, trial) {
      attach(setting, 1);
      const second = { ...keysOf(setting, 2), ...ofSecond(setting) };
      setting.ok("ADD", second, { containerId: "c1", ifName: "eth1" });
      const both = traces(trial, 1).length + traces(trial, 2).length;
      collect(setting, { [key]: [attachment("c1")] });
      const left = traces(trial, 1).length + traces(trial, 2).length;
      ok(left > 0 && left < both, `${both} traces before, ${left} after`);
    },
  }),
  ...ofOwners({
    lines: ["SPEC-081"],
    fact: "leaves other networks alone",
    run(setting, trial) {
      attach(setting, 1, { name: "net2" });
      const before = stateOf(trial);
      collect(setting, { [key]: [] });
      deepEqual(stateOf(trial), before);
    },
  }),
  ...ofOwners({
    lines: ["SPEC-082"],
    fact: "takes nothing away without a list, and everything by an empty one",
    run(setting, trial) {
      attach(setting, 1);
      const before = stateOf(trial);
      for (const list of [undefined, null]) {
        const config = { ...setting.config, prevResult: undefined, [key]: list };
        const answer = trial.call({ command: "GC", config, ...nobody });
        if (answer.status !== 0) trial.failed(answer, 7);
      }
      deepEqual(stateOf(trial), before);
      collect(setting, { [key]: [] });
      deepEqual(traces(trial, 1), []);
    },
  }),
  ...ofOwners({
    lines: ["SPEC-083"],
    fact: "takes the list under both names",
    run(setting, trial) {
      const list = [attachment("c1")];
      for (const lists of [
        { "cni.dev/attachments": list },
        { "cni.dev/attachments": list, [key]: list },
      ]) {
        for (const number of [1, 2]) attach(setting, number);
        collect(setting, lists);
        deepEqual(traces(trial, 2), []);
        ok(traces(trial, 1).length > 0);
        collect(setting, { [key]: [] });
        setting.ok("DEL", keysOf(setting, 1));
      }
    },
  }),
  ...["host-local", "bridge", "portmap", "static", "loopback"].flatMap((program) => [
    refuses({
      lines: ["SPEC-084"],
      program,
      version,
      fact: "refuses a list of what are no attachments",
      codes: [6, 7],
      inputs: malformed.map((list) => ({
        what: JSON.stringify(list),
        command: "GC",
        change: { [key]: list, prevResult: undefined },
      })),
    }),
    takes({
      lines: ["SPEC-084", "SPEC-087"],
      program,
      version,
      fact: "takes lists with more keys, twice the same, and 10,000 entries",
      inputs: [
        [{ containerID: "c1", ifname: "eth0", more: 1 }],
        [attachment("c1"), attachment("c1")],
        Array.from({ length: 10_000 }, (_, n) => attachment(`c${n}`)),
      ].map((list) => ({
        what: `${list.length} entries`,
        command: "GC",
        change: { [key]: list, prevResult: undefined },
      })),
    }),
  ]),
  ...casesOf(owners, {
    lines: ["SPEC-084"],
    version,
    fact: "takes nothing away by a list that it refuses",
    run(setting, trial) {
      attach(setting, 1);
      const before = stateOf(trial);
      for (const list of malformed) {
        trial.fails({
          command: "GC",
          config: { ...setting.config, prevResult: undefined, [key]: list },
          ...nobody,
        });
      }
      deepEqual(stateOf(trial), before);
    },
  }),
  ...caseOfAll({
    lines: ["SPEC-085"],
    version,
    fact: "executes IPAM's GC with the list",
    run(trial, delegation) {
      const list = [attachment("c1")];
      trial.ok(delegation.call("GC", { [key]: list }, nobody));
      deepEqual(delegation.commands(), ["GC"]);
      deepEqual(JSON.parse(delegation.fake.calls()[0]!.stdin)[key], list);
    },
  }),
  ...caseOfAll({
    lines: ["SPEC-086"],
    version,
    fact: "goes on past IPAM's failure, and reports it",
    run(trial, delegation) {
      trial.ok(delegation.call("ADD", { ipMasq: true }));
      delegation.fake.answers("GC", failsWith(123, "IPAM is out of order"));
      const lists = { [key]: [], ipMasq: true };
      trial.fails(delegation.call("GC", lists, nobody), undefined, "IPAM is out of order");
      const { links, nft } = trial.host.snapshot();
      ok(!links.some((row) => /^(veth|nl)\*/.test(row)), "a link is left");
      ok(!nft.join().includes("10.9.0.2"), "a rule is left");
    },
  }),
  ...casesOf([subjectOf("host-local")], {
    lines: ["SPEC-086"],
    version,
    fact: "goes on past a reservation that it cannot remove, and names it",
    run(setting, trial) {
      for (const number of [1, 2, 3]) attach(setting, number);
      const file = "/var/lib/cni/networks/net1/10.1.2.3";
      trial.run(`mount --bind ${file} ${file}`);
      const config = { ...setting.config, [key]: [] };
      trial.fails({ command: "GC", config, ...nobody }, undefined, "10.1.2.3");
      deepEqual(reservationsOf(trial, "c1"), []);
      deepEqual(reservationsOf(trial, "c3"), []);
    },
  }),
  ...casesOf([subjectOf("host-local")], {
    lines: ["SPEC-089"],
    version,
    fact: "leaves alone what it did not write",
    run(setting, trial) {
      attach(setting, 1);
      const folder = "/var/lib/cni/networks/net1";
      for (const name of ["notes", "10.1.2.99.bak", "10.1.2.x"]) {
        trial.host.ok(["tee", `${folder}/${name}`], { input: "mine" });
      }
      collect(setting, { [key]: [] });
      const names = trial.run(`ls ${folder}`);
      for (const name of ["notes", "10.1.2.99.bak", "10.1.2.x", "last_reserved_ip.0", "lock"]) {
        ok(names.includes(name), `${name} is gone`);
      }
    },
  }),
  ...casesOf(["bridge", "portmap"].map(subjectOf), {
    lines: ["SPEC-089"],
    version,
    fact: "leaves links and rules alone that carry no mark",
    run(setting, trial) {
      trial.run("ip link add veth0a0b0c0d type veth peer name vethffffffff");
      trial.host.ok(["nft", "-f", "-"], {
        input: 'table inet mine { chain c { tcp dport 8001 accept comment "mine"; }; }',
      });
      const before = stateOf(trial);
      collect(setting, { [key]: [] });
      deepEqual(stateOf(trial), before);
    },
  }),
  ...casesOf(subjects, {
    lines: ["SPEC-087", "SPEC-088"],
    version,
    fact: "has nothing to do at GC of a network without attachments",
    run(setting, trial) {
      trial.leavesNothing(() => collect(setting, { [key]: [] }));
    },
  }),
];
