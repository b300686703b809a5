/**
 * The programs that execute an IPAM program, as a table, and one of them with an IPAM program that the case plays.
 * @module
 */
import { join } from "node:path";
import { FakeIpam } from "../../test/core/cni/fake-ipam.ts";
import type { CniCall } from "../../test/kernel/sandbox.ts";
import type { Case } from "../runner/case.ts";
import type { Feature } from "../runner/features.ts";
import type { Trial } from "../runner/trial.ts";

/** A program that asks an IPAM program for addresses. */
export interface Delegator {
  program: string;
  needs?: readonly Feature[];
  /** Its own keys. */
  keys: object;
  /** Makes the link that the keys name. */
  prepare(trial: Trial): void;
  /** The container gets a link of the host, which ends with the namespace. */
  lends?: true;
  /** Keys that it can refuse before it asks for an address. */
  refused: readonly object[];
}

/** Link `up0` in the host, up, whose other end is `up1`. */
function makeMaster(trial: Trial): void {
  trial.run("ip link add up0 type veth peer name up1");
  trial.run("ip link set up0 up");
  trial.run("ip link set up1 up");
}

const nothing = () => {};

/** All of them. */
export const delegators: readonly Delegator[] = [
  {
    program: "bridge",
    keys: { bridge: "br-test" },
    prepare: nothing,
    refused: [{ vlan: 5000 }, { mtu: "x" }, { promiscMode: true, hairpinMode: true }],
  },
  { program: "ptp", keys: {}, prepare: nothing, refused: [{ mtu: "x" }] },
  {
    program: "macvlan",
    needs: ["macvlan"],
    keys: { master: "up0" },
    prepare: makeMaster,
    refused: [{ mode: "x" }, { master: "gone" }, { mtu: 100_000 }],
  },
  {
    program: "ipvlan",
    needs: ["ipvlan"],
    keys: { master: "up0" },
    prepare: makeMaster,
    refused: [{ mode: "x" }, { master: "gone" }],
  },
  {
    program: "vlan",
    needs: ["vlan"],
    keys: { master: "up0", vlanId: 5 },
    prepare: makeMaster,
    refused: [{ vlanId: 5000 }, { master: "gone" }],
  },
  {
    program: "dummy",
    needs: ["dummy"],
    keys: {},
    prepare: nothing,
    refused: [{ mtu: "x" }],
  },
  { program: "tap", needs: ["tap"], keys: {}, prepare: nothing, refused: [{ mtu: "x" }] },
  {
    program: "host-device",
    keys: { device: "up0" },
    lends: true,
    prepare(trial) {
      trial.run("ip link add up0 type veth peer name up1");
      trial.run("ip link set up1 up");
    },
    refused: [{ device: undefined }, { device: "gone" }],
  },
];

/** The bridge of the table, for what one program can answer for all. */
export const bridgeDelegator: Delegator = delegators[0]!;

/** bash that prints this JSON. */
export function prints(json: unknown): string {
  return `echo '${JSON.stringify(json)}'`;
}

/** Spares new links the wait for duplicate addresses: in the host, and in that pod. */
export function withoutDad(trial: Trial, netns: string): void {
  for (const place of [undefined, netns]) {
    trial.host.sysctl("net.ipv6.conf.default.accept_dad", 0, place);
  }
}

/** A result that every program can use; ptp wants the gateway. */
export const oneAddress = {
  cniVersion: "1.0.0",
  ips: [{ address: "10.9.0.2/24", gateway: "10.9.0.1" }],
};

/** bash that fails with an error object. */
export function failsWith(code: number, msg: string, details?: string): string {
  return `${prints({ code, msg, details })}; exit 1`;
}

/** One delegating program in a case's host, its pod, and the IPAM program behind it: the file `fake`. */
export class Delegation {
  readonly fake: FakeIpam;
  readonly netns: string;
  readonly config: object;
  readonly #trial: Trial;

  constructor(trial: Trial, delegator: Delegator, cniVersion = trial.newest) {
    this.#trial = trial;
    this.fake = new FakeIpam(join(trial.host.scratch, "ipam"));
    this.fake.answers("ADD", prints(oneAddress));
    delegator.prepare(trial);
    this.netns = trial.pod();
    const { program: type, keys } = delegator;
    this.config = { cniVersion, name: "net1", type, ...keys, ipam: { type: "fake" } };
  }

  /** CNI_PATH with the IPAM program in it. */
  get path(): string {
    return this.#trial.path(this.fake.folder);
  }

  /** A call of the program with these keys changed. */
  call(command: string, change: object = {}, more: Partial<CniCall> = {}): CniCall {
    const config = { ...this.config, ...change };
    return this.send(command, config, more);
  }

  /** A call with any stdin. */
  send(command: string, config: unknown, more: Partial<CniCall> = {}): CniCall {
    const env = { CNI_PATH: this.path, ...more.env };
    return { command, netns: this.netns, ...more, config, env };
  }

  /** The environment of {@link Delegation.call} where a case executes the program itself. */
  environment(command: string): Record<string, string> {
    return {
      CNI_COMMAND: command,
      CNI_CONTAINERID: "c1",
      CNI_NETNS: this.netns,
      CNI_IFNAME: "eth0",
      CNI_PATH: this.path,
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    };
  }

  /** With what commands the IPAM program was executed until now. */
  commands(): string[] {
    return this.fake.calls().map(({ command }) => command);
  }
}

/** What a case about delegation is written as, for one program or for all. */
export interface DelegationCase extends Omit<Case, "program" | "run"> {
  run(trial: Trial, delegation: Delegation, delegator: Delegator): void | Promise<void>;
}

/** The case of this program. */
export function caseOf(delegator: Delegator, { run, ...facts }: DelegationCase): Case {
  const needs = [...(delegator.needs ?? []), ...(facts.needs ?? [])];
  return {
    ...facts,
    program: delegator.program,
    needs,
    run: (trial) => run(trial, new Delegation(trial, delegator), delegator),
  };
}

/** The case of every program of the table. */
export function caseOfAll(each: DelegationCase): Case[] {
  return delegators.map((delegator) => caseOf(delegator, each));
}
