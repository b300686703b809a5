/**
 * Calls at the same time, and locks (checklist 1.J).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Sandbox } from "../../../test/kernel/sandbox.ts";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";
import { reservationsOf } from "./left.ts";
import { casesOf, linkSubjects, mapping, type Setting, subjectOf } from "./subjects.ts";

const hostLocal = subjectOf("host-local");
const portmap = subjectOf("portmap");
const attaching = linkSubjects.filter(({ program }) =>
  ["bridge", "ptp", "macvlan"].includes(program),
);
/** No masquerade: where several iptables at once fail now and then, a case would have no answer of its own. */
const full = { isGateway: true };

/** A call for each of these containers, in a pod of its own. */
function callsFor(setting: Setting, numbers: readonly number[], command: string): TrialCall[] {
  return numbers.map((number) => {
    const ports = { runtimeConfig: { portMappings: [mapping(8000 + number, 80)] } };
    const change = { ...full, ...(setting.subject.program === "portmap" ? ports : {}) };
    const netns = setting.subject.chained ? setting.netns : `/run/netns/p${number}`;
    return setting.call(command, change, { containerId: `c${number}`, netns });
  });
}

function count(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

function makePods({ trial, subject }: Setting, numbers: readonly number[]): void {
  if (!subject.chained) for (const number of numbers) trial.host.pod(`p${number}`);
}

/** OK of all of them, at the same time. */
async function allOk(trial: Trial, calls: readonly TrialCall[], command: string): Promise<Reply[]> {
  const answers = await trial.atOnce(calls);
  return answers.map((answer) => trial.succeeded(answer, command));
}

function addressesOf(results: readonly Reply[]): string[] {
  return results.flatMap(({ ips }) => ips.map(({ address }: Reply) => address));
}

/** The host but bridge, counters and folders. */
function rest(trial: Trial): Reply {
  const { nft, links } = trial.host.snapshot();
  const own = links.filter((row) => /^(veth|nl)\*/.test(row));
  return { own, rules: nft.filter((row) => /10\.1\.2\.([2-9]|\d\d)|80\d\d/.test(row)) };
}

/** Makes the tables and chains that a chained program shares, for the same reason. */
function breakGround({ trial, subject, config, netns }: Setting): void {
  if (!subject.chained) return;
  for (const command of ["ADD", "DEL"]) trial.ok({ command, config, netns, containerId: "first" });
}

const many: Case[] = casesOf([hostLocal, ...attaching, portmap], {
  lines: ["SPEC-096"],
  fact: "attaches 16 containers at once, and detaches them",
  async run(setting, trial) {
    const numbers = count(1, 16);
    makePods(setting, numbers);
    breakGround(setting);
    const before = rest(trial);
    const results = await allOk(trial, callsFor(setting, numbers, "ADD"), "ADD");
    if (!setting.subject.chained) equal(new Set(addressesOf(results)).size, 16);
    await allOk(trial, callsFor(setting, numbers, "DEL"), "DEL");
    deepEqual(rest(trial), before);
    for (const number of numbers) deepEqual(reservationsOf(trial, `c${number}`), []);
  },
});

const mixed: Case[] = casesOf([hostLocal, ...attaching], {
  lines: ["SPEC-096"],
  fact: "attaches some while it detaches others",
  async run(setting, trial) {
    const [old, young] = [count(1, 6), count(7, 12)];
    makePods(setting, [...old, ...young]);
    const before = rest(trial);
    await allOk(trial, callsFor(setting, old, "ADD"), "ADD");
    const calls = [...callsFor(setting, old, "DEL"), ...callsFor(setting, young, "ADD")];
    const answers = await trial.atOnce(calls);
    answers.forEach((answer, n) => void trial.succeeded(answer, n < old.length ? "DEL" : "ADD"));
    for (const number of old) deepEqual(reservationsOf(trial, `c${number}`), []);
    await allOk(trial, callsFor(setting, young, "DEL"), "DEL");
    deepEqual(rest(trial), before);
  },
});

const sharedBridge: Case[] = casesOf([subjectOf("bridge")], {
  lines: ["SPEC-096"],
  fact: "serves two networks of one bridge at once",
  async run(setting, trial) {
    const numbers = count(1, 8);
    makePods(setting, numbers);
    const calls = callsFor(setting, numbers, "ADD").map((call, n) => ({
      ...call,
      config: { ...(call.config as object), name: `net${n % 2}` },
    }));
    await allOk(trial, calls, "ADD");
    equal(trial.host.ipJson("link show type bridge").length, 1);
    equal(trial.host.ipJson("link show type veth").length, 8);
  },
});

const lockFile = "/var/lib/cni/networks/net1/lock";

/** Somebody who holds host-local's lock. */
async function holdLock(trial: Trial) {
  trial.run("mkdir -p /var/lib/cni/networks/net1");
  const take = `f = open("${lockFile}", "w"); fcntl.flock(f, fcntl.LOCK_EX)`;
  const script = `import fcntl, time; ${take}; print("held", flush=True); time.sleep(60)`;
  const holder = trial.host.start(["python3", "-c", script]);
  while (!holder.output().includes("held")) await sleep(5);
  return holder;
}

const lockOfTheDead: Case[] = casesOf([hostLocal], {
  lines: ["SPEC-097"],
  fact: "waits for the lock, and goes on when its holder dies",
  async run(setting, trial) {
    const holder = await holdLock(trial);
    const waiting = trial.atOnce([setting.call("ADD")]);
    await sleep(200);
    deepEqual(reservationsOf(trial, "c1"), []);
    await holder.stop();
    const [answer] = await waiting;
    ok(answer);
    trial.succeeded(answer, "ADD");
  },
});

const killedWaiting: Case[] = casesOf([hostLocal], {
  lines: ["SPEC-097"],
  fact: "reserves nothing when it is killed while it waits",
  async run(setting, trial) {
    const holder = await holdLock(trial);
    const call = { type: "host-local", bin: trial.build.folder, ...setting.call("ADD") };
    const { program, options } = Sandbox.invocation(call);
    const waiting = trial.host.start([program], options);
    await sleep(200);
    await waiting.stop();
    await holder.stop();
    deepEqual(reservationsOf(trial, "c1"), []);
    setting.ok("ADD");
  },
});

const same: Case[] = casesOf([hostLocal, subjectOf("bridge")], {
  lines: ["SPEC-098"],
  fact: "attaches once when it is asked many times at once, and one DEL cleans up",
  async run(setting, trial) {
    makePods(setting, [1]);
    const before = rest(trial);
    const [add] = callsFor(setting, [1], "ADD");
    const [del] = callsFor(setting, [1], "DEL");
    const answers = await trial.atOnce([add!, add!, add!, add!, add!, add!]);
    const won = answers.filter(({ status }) => status === 0).length;
    ok(won <= 1, `${won} succeeded`);
    await trial.atOnce([add!, del!, add!, del!]);
    trial.ok(del!);
    deepEqual(rest(trial), before);
    deepEqual(reservationsOf(trial, "c1"), []);
  },
});

export const cases: readonly Case[] = [
  ...many,
  ...mixed,
  ...sharedBridge,
  ...lockOfTheDead,
  ...killedWaiting,
  ...same,
];
