/**
 * Every program with a configuration that it takes, so that a question to all programs is one table.
 * @module
 */
import type { Case } from "../../runner/case.ts";
import type { Feature } from "../../runner/features.ts";
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";
import { resultOf } from "../../runner/vehicles.ts";
import { delegators } from "../delegators.ts";

/** A program and what it takes to call it. */
export interface Subject {
  program: string;
  needs?: readonly Feature[];
  beside?: readonly string[];
  /** Its own keys, `ipam` among them. */
  keys: object;
  /** It works on what another program made: its configuration has a `prevResult`. */
  chained?: true;
  /** It makes a link in the container. */
  attaches?: true;
  /** Makes what the keys name. */
  prepare(trial: Trial, netns: string): void;
}

/** IPAM's part for a range of these subnets each. */
export function ranges(...subnets: string[]): object {
  return { type: "host-local", ranges: subnets.map((subnet) => [{ subnet }]) };
}

/** What a link plugin would have left: `eth0` with 10.1.2.2/24 in the pod, `veth0` on the host. */
function makeLink(trial: Trial, netns: string): void {
  trial.run("ip link add veth0 type veth peer name eth0 netns ".concat(netns.split("/").at(-1)!));
  trial.run("ip link set veth0 up");
  trial.run("ip address add 10.1.2.2/24 dev eth0", { netns });
  trial.run("ip link set eth0 up", { netns });
}

/** The first time that it is up, `lo` gets its address from the kernel, and keeps it. */
function makeLoKnown(trial: Trial, netns: string): void {
  for (const state of ["up", "down"]) trial.run(`ip link set lo ${state}`, { netns });
}

const nothing = () => {};
const pool = ranges("10.1.2.0/24");
const chained = { chained: true, prepare: makeLink } as const;

/** Programs that open no namespace. */
export const addressSubjects: readonly Subject[] = [
  {
    program: "static",
    keys: { ipam: { type: "static", addresses: [{ address: "10.0.0.2/24" }] } },
    prepare: nothing,
  },
  { program: "host-local", keys: { ipam: pool }, prepare: nothing },
];

/** Programs that make a link in the container, with host-local behind them. */
export const linkSubjects: readonly Subject[] = delegators.map((delegator) => ({
  program: delegator.program,
  ...(delegator.needs !== undefined && { needs: delegator.needs }),
  beside: ["host-local"],
  keys: { ...delegator.keys, ipam: pool },
  attaches: true as const,
  prepare: (trial: Trial) => delegator.prepare(trial),
}));

/** Programs that work on another program's result. */
export const chainedSubjects: readonly Subject[] = [
  {
    program: "portmap",
    keys: { runtimeConfig: { portMappings: [mapping(8080, 80)] } },
    ...chained,
  },
  { program: "tuning", keys: { mtu: 1400 }, ...chained },
  { program: "firewall", keys: { backend: "iptables" }, needs: ["iptables-nft"], ...chained },
  { program: "bandwidth", keys: {}, ...chained },
  { program: "sbr", keys: {}, ...chained },
  { program: "vrf", keys: { vrfname: "blue" }, needs: ["vrf"], ...chained },
];

/** All of them. */
export const subjects: readonly Subject[] = [
  ...addressSubjects,
  { program: "loopback", keys: {}, prepare: makeLoKnown },
  ...linkSubjects,
  ...chainedSubjects,
];

/** A published port. */
export function mapping(hostPort: number, containerPort: number, more: object = {}): object {
  return { hostPort, containerPort, protocol: "tcp", ...more };
}

/** The subject of that program. */
export function subjectOf(program: string): Subject {
  const found = subjects.find((subject) => subject.program === program);
  if (found === undefined) throw new Error(`no subject ${program}`);
  return found;
}

/** One pod on a case's host, and how the program is called for it. */
export class Setting {
  readonly trial: Trial;
  readonly subject: Subject;
  readonly netns: string;
  /** What ADD is sent. */
  readonly config: Record<string, unknown>;
  /** What the last ADD answered. */
  result: Reply;

  constructor(trial: Trial, subject: Subject, cniVersion = trial.newest) {
    this.trial = trial;
    this.subject = subject;
    this.netns = trial.pod();
    subject.prepare(trial, this.netns);
    this.config = { cniVersion, name: "net1", type: subject.program, ...subject.keys };
    if (subject.chained) this.config["prevResult"] = resultOf(cniVersion, this.netns);
  }

  /** A call with these keys changed; CHECK and DEL have the result of ADD with them. */
  call(command: string, change: object = {}, more: Partial<TrialCall> = {}): TrialCall {
    const later = command === "CHECK" || command === "DEL";
    const known = later && this.result !== undefined ? { prevResult: this.result } : {};
    const config = { ...this.config, ...known, ...change };
    return { command, netns: this.netns, config, ...more };
  }

  /** OK of that call. */
  ok(command: string, change?: object, more?: Partial<TrialCall>): Reply {
    return this.trial.ok(this.call(command, change, more));
  }

  /** ERR of that call. @returns the error object */
  fails(command: string, change?: object, codes?: number | readonly number[], says?: RegExp) {
    return this.trial.fails(this.call(command, change), codes, says);
  }

  /** OK of ADD. @returns its result, which is kept for CHECK and DEL */
  add(change?: object, more?: Partial<TrialCall>): Reply {
    this.result = this.ok("ADD", change, more);
    return this.result;
  }
}

/** Another container beside that of the setting: `c2`. The link of a chained program is not made again. */
export function neighbourOf({ trial, subject, config }: Setting): Setting {
  const other = new Setting(trial, { ...subject, prepare: nothing });
  Object.assign(other.config, config);
  return other;
}

/** The verbs besides VERSION that the newest version of the program has. */
export function verbsOf({ newest }: Trial): string[] {
  return newest === "1.1.0" ? ["ADD", "DEL", "CHECK", "GC", "STATUS"] : ["ADD", "DEL", "CHECK"];
}

/** What a case about these subjects is written as. */
export interface SubjectCase extends Omit<Case, "program" | "run"> {
  run(setting: Setting, trial: Trial): void | Promise<void>;
}

/** The case of one program. */
export function caseOf(subject: Subject, { run, ...facts }: SubjectCase): Case {
  return {
    ...facts,
    program: subject.program,
    beside: [...(subject.beside ?? []), ...(facts.beside ?? [])],
    needs: [...(subject.needs ?? []), ...(facts.needs ?? [])],
    run: (trial) => run(new Setting(trial, subject), trial),
  };
}

/** The case of each of these programs. */
export function casesOf(of: readonly Subject[], each: SubjectCase): Case[] {
  return of.map((subject) => caseOf(subject, each));
}
