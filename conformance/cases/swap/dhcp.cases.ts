/**
 * dhcp exchanged on a live host: either plugin with either daemon, and a daemon in the place of the other's. Whether the server
 * hears of a release is not asked: the reference sends it from 0.0.0.0, and the server's kernel drops that.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import { DhcpLan, knownFlags, waitFor } from "../../../test/kernel/dhcp-lan.ts";
import type { Background } from "../../../test/kernel/enter.ts";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";
import { commonVersion } from "./ipam.cases.ts";

/** Of both daemons: a lack of leases shows soon. */
const flags = [
  ["-timeout", "2s"],
  ["-resendmax", "2s"],
  ["-resendtimeout", "5s"],
] as const;

/** A LAN whose server has two addresses, and a container with three links. */
class Swapped {
  readonly #trial: Trial;
  readonly #lan: DhcpLan;
  #daemon: Background | undefined;

  constructor(trial: Trial) {
    this.#trial = trial;
    this.#lan = new DhcpLan(trial.host);
    this.#lan.serve("192.168.1.5,192.168.1.6,120s", "--dhcp-sequential-ip");
    for (const ifName of ["eth0", "eth1", "eth2"]) this.#lan.pod("c1", ifName);
  }

  /** Starts that folder's daemon, in the place of the one that runs. */
  async daemon(bin: string): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = this.#lan.daemon({ bin, flags: this.#flagsOf(bin) });
  }

  /** Whether that folder's daemon can be told to give up soon. */
  givesUpSoon(bin: string): boolean {
    return this.#flagsOf(bin).includes("-resendtimeout");
  }

  #flagsOf(bin: string): string[] {
    return knownFlags(this.#trial.host, bin, flags);
  }

  /** A call of that folder's plugin. */
  call(command: string, bin: string, ifName = "eth0"): TrialCall {
    const netns = "/run/netns/c1";
    const cniVersion = commonVersion(this.#trial);
    const config = { cniVersion, name: "mynet", type: "bridge", ipam: { type: "dhcp" } };
    return { command, bin, containerId: "c1", ifName, netns, config, timeoutMs: 25_000 };
  }

  add(bin: string, ifName?: string): string {
    const { ips }: Reply = this.#trial.ok(this.call("ADD", bin, ifName));
    return ips[0].address;
  }

  del(bin: string, ifName?: string): void {
    this.#trial.ok(this.call("DEL", bin, ifName));
  }

  /** How many leases the server has, after a moment for what is on its way. */
  serverHas(count: number): void {
    waitFor(`${count} leases`, () => Object.keys(this.#lan.leases()).length === count);
  }
}

function swap(
  lines: Case["lines"],
  fact: string,
  run: (net: Swapped, build: string, other: string, trial: Trial) => void | Promise<void>,
): Case {
  return {
    lines,
    program: "dhcp",
    swap: true,
    needs: ["dnsmasq"],
    timeoutMs: 120_000,
    fact,
    run: (trial) => run(new Swapped(trial), trial.build.folder, trial.other.folder, trial),
  };
}

export const cases: readonly Case[] = [
  swap(["U-145"], "the other's plugin has a lease of this daemon", async (net, build, other) => {
    await net.daemon(build);
    equal(net.add(other), "192.168.1.5/24");
    net.serverHas(1);
    net.del(other);
  }),
  swap(["U-147"], "what one plugin was given the other gives back", async (net, build, other) => {
    await net.daemon(build);
    deepEqual(
      [net.add(other, "eth0"), net.add(build, "eth1")],
      ["192.168.1.5/24", "192.168.1.6/24"],
    );
    net.del(build, "eth0");
    net.del(other, "eth1");
  }),
  swap(
    ["U-146"],
    "this daemon takes a lease back from three of the other's plugins at once",
    async (net, build, other, trial) => {
      await net.daemon(build);
      net.add(other);
      const calls = [1, 2, 3].map(() => net.call("DEL", other));
      for (const answer of await trial.atOnce(calls)) trial.succeeded(answer, "DEL");
      net.del(other);
    },
  ),
  swap(
    ["U-148"],
    "the other's plugin is told by this daemon that it tries no more",
    async (net, build, other, trial) => {
      if (!net.givesUpSoon(build)) trial.skip("its daemon tries for minutes");
      await net.daemon(build);
      for (const ifName of ["eth0", "eth1"]) net.add(other, ifName);
      const { msg } = trial.fails(net.call("ADD", other, "eth2"));
      equal(msg, "error calling DHCP.Allocate: no more tries");
      for (const ifName of ["eth2", "eth1", "eth0"]) net.del(other, ifName);
    },
  ),
  swap(
    ["U-145"],
    "a daemon in the place of the other's gives the pod the address that it had",
    async (net, build, other) => {
      await net.daemon(other);
      const address = net.add(other);
      await net.daemon(build);
      net.del(build); // a lease that it does not know is none
      equal(net.add(build), address);
      net.del(build);
    },
  ),
];
