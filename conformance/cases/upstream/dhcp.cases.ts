/**
 * dhcp: leases of a server, dnsmasq, through the daemon of the same folder (checklist 6.12).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import { type DaemonOptions, DhcpLan, knownFlags } from "../../../test/kernel/dhcp-lan.ts";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";

/** Upstream's tests have these, or each lack of a lease takes minutes. */
const flags = [
  ["-timeout", "2s"],
  ["-resendmax", "8s"],
  ["-resendtimeout", "10s"],
] as const;

/** Those of this build's daemon. */
const flagsOf = ({ host, build }: Trial) => knownFlags(host, build.folder, flags);
/** A daemon that waits for longer than its flags say has failed. */
const timeoutMs = 25_000;

/** A LAN with a server of these many addresses, from 192.168.1.5 on, and the daemon. */
class Lan {
  readonly #trial: Trial;
  readonly lan: DhcpLan;

  constructor(
    trial: Trial,
    addresses: number,
    options: readonly string[] = [],
    daemon: DaemonOptions = {},
  ) {
    this.#trial = trial;
    this.lan = new DhcpLan(trial.host);
    const range = `192.168.1.5,192.168.1.${4 + addresses},120s`;
    this.lan.serve(range, "--dhcp-sequential-ip", ...options);
    this.lan.daemon({ bin: trial.build.folder, flags: flagsOf(trial), ...daemon });
  }

  /** A call for one attachment; `ipam` is added to what every configuration has. */
  call(command: string, containerId: string, ifName = "eth0", ipam: object = {}): TrialCall {
    const netns =
      command === "ADD" ? this.lan.pod(containerId, ifName) : `/run/netns/${containerId}`;
    const config = {
      cniVersion: "1.0.0",
      name: "mynet",
      type: "bridge",
      ipam: { type: "dhcp", ...ipam },
    };
    return { command, containerId, ifName, netns, config, timeoutMs };
  }

  add(containerId: string, ifName = "eth0", ipam: object = {}): Reply {
    return this.#trial.ok(this.call("ADD", containerId, ifName, ipam));
  }

  del(containerId: string, ifName = "eth0"): void {
    this.#trial.ok(this.call("DEL", containerId, ifName));
  }
}

const addressesOf = ({ ips }: Reply): string[] =>
  (ips as { address: string }[]).map(({ address }) => address);

const common = {
  program: "dhcp",
  version: "1.0.0",
  needs: ["dnsmasq"],
  timeoutMs: 120_000,
} as const;

export const cases: Case[] = [
  {
    ...common,
    lines: ["U-145"],
    fact: "gives what the server gives, and takes it back",
    run(trial) {
      const lan = new Lan(trial, 1);
      const result = lan.add("c1");
      deepEqual(result.ips, [{ address: "192.168.1.5/24", gateway: "192.168.1.1" }]);
      deepEqual(result.routes, [{ dst: "0.0.0.0/0", gw: "192.168.1.1" }]);
      lan.del("c1");
    },
  },
  {
    ...common,
    lines: ["U-145"],
    fact: "tells the server that the lease is given back",
    async run(trial) {
      const lan = new Lan(trial, 1);
      lan.add("c1");
      deepEqual(Object.values(lan.lan.leases()), ["192.168.1.5"]);
      lan.del("c1");
      for (let waited = 0; waited < 50 && Object.keys(lan.lan.leases()).length > 0; waited++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      deepEqual(lan.lan.leases(), {});
    },
  },
  {
    ...common,
    lines: ["U-146"],
    fact: "takes a lease back three times at once, and once more",
    async run(trial) {
      const lan = new Lan(trial, 1);
      lan.add("c1");
      const calls = [1, 2, 3].map(() => lan.call("DEL", "c1"));
      for (const answer of await trial.atOnce(calls)) trial.succeeded(answer, "DEL");
      lan.del("c1");
    },
  },
  {
    ...common,
    lines: ["U-147"],
    fact: "gives each interface of a container an address of its own",
    run(trial) {
      const lan = new Lan(trial, 2);
      const found = ["eth0", "eth1"].flatMap((ifName) => addressesOf(lan.add("c1", ifName)));
      deepEqual(found, ["192.168.1.5/24", "192.168.1.6/24"]);
      for (const ifName of ["eth0", "eth1"]) lan.del("c1", ifName);
    },
  },
  {
    ...common,
    lines: ["U-148"],
    fact: "says that it tries no more when the server has no address left",
    run(trial) {
      if (!flagsOf(trial).includes("-resendtimeout")) trial.skip("it tries for minutes");
      const lan = new Lan(trial, 1);
      lan.add("c1");
      const { msg } = trial.fails(lan.call("ADD", "c2"));
      equal(msg, "error calling DHCP.Allocate: no more tries");
      for (const containerId of ["c2", "c1"]) lan.del(containerId);
    },
  },
  {
    ...common,
    lines: ["U-149"],
    fact: "reads static routes with the masks of their classes",
    run(trial) {
      const routes = "--dhcp-option-force=33,10.0.0.0,10.1.2.3,192.168.1.0,192.168.2.3";
      const { routes: found } = new Lan(trial, 1, [routes]).add("c1");
      deepEqual(found, [
        { dst: "10.0.0.0/8", gw: "10.1.2.3" },
        { dst: "192.168.1.0/24", gw: "192.168.2.3" },
        { dst: "0.0.0.0/0", gw: "192.168.1.1" },
      ]);
    },
  },
  {
    ...common,
    lines: ["U-149"],
    fact: "takes classless routes alone when the server sends any",
    run(trial) {
      const routes = [
        "--dhcp-option-force=33,10.0.0.0,10.1.2.3",
        "--dhcp-option-force=121,10.9.0.0/17,192.168.1.9,10.8.0.0/16,0.0.0.0",
      ];
      const { routes: found } = new Lan(trial, 1, routes).add("c1", "eth0", { priority: 9 });
      deepEqual(found, [
        { dst: "10.9.0.0/17", gw: "192.168.1.9", priority: 9 },
        { dst: "10.8.0.0/16", gw: "0.0.0.0", scope: 253, priority: 9 },
      ]);
    },
  },
  {
    ...common,
    lines: ["U-150"],
    fact: "knows options by name and by number, and no others",
    run(trial) {
      const lan = new Lan(trial, 2);
      const provide = [
        { option: "host-name", value: "web" },
        { option: "60", value: "a-vendor" },
      ];
      lan.add("c1", "eth0", { request: [{ option: "12" }, { option: "host-name" }], provide });
      const ipam = { request: [{ option: "doNotparseMe" }] };
      const parse = 'Can not parse option "doNotparseMe"';
      trial.fails(lan.call("ADD", "c2", "eth0", ipam), undefined, parse);
    },
  },
  {
    ...common,
    lines: ["U-151"],
    fact: "fails without a daemon, and names its socket",
    run(trial) {
      const lan = new DhcpLan(trial.host);
      const config = { cniVersion: "1.0.0", name: "mynet", type: "bridge", ipam: { type: "dhcp" } };
      const call = { command: "ADD", netns: lan.pod("c1"), config };
      trial.fails(call, undefined, /dialing DHCP daemon.*\/run\/cni\/dhcp\.sock/);
    },
  },
  {
    ...common,
    lines: ["U-151"],
    fact: "talks to the daemon at daemonSocketPath",
    run(trial) {
      const socket = "/run/elsewhere/dhcp.sock";
      const lan = new Lan(trial, 1, [], { socket });
      deepEqual(addressesOf(lan.add("c1", "eth0", { daemonSocketPath: socket })), [
        "192.168.1.5/24",
      ]);
      trial.fails(lan.call("ADD", "c2"), undefined, /dialing DHCP daemon/);
    },
  },
  {
    ...common,
    lines: ["SPEC-073", "ROB-065"],
    fact: "is not available without a daemon, and is with one",
    version: "1.1.0",
    run(trial) {
      const config = { cniVersion: "1.1.0", name: "mynet", type: "bridge", ipam: { type: "dhcp" } };
      const status = { command: "STATUS", containerId: null, ifName: null, config };
      trial.fails(status, [50, 51]);
      new Lan(trial, 1);
      trial.ok(status);
    },
  },
];
