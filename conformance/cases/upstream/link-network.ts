/**
 * What the cases of plugins that put one link into a container have in common.
 * @module
 */
import { deepEqual, equal, match } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Feature } from "../../runner/features.ts";
import { addressesOf } from "../../runner/ipam-network.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { BridgeNetwork, ranges } from "./bridge-network.ts";

export const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/** Versions whose results have interfaces. */
const newVersions = versions.filter((version) => version >= "0.3.0");

/** IPAM's part: the container gets 10.1.2.2/24. */
export const pool = ranges("10.1.2.0/24");

/** A program that puts one link into a container, and what its cases need. */
export interface LinkProgram {
  program: string;
  needs: readonly Feature[];
  /** Usual keys. */
  keys: object;
  /** Goes behind the fact of each case, where a program is asked under several circumstances. */
  where?: string;
  /** Makes what the keys name. */
  prepare?(network: BridgeNetwork): void;
}

/** A case about one container. `keys` go over the usual ones. */
export function linkCase(
  of: LinkProgram,
  lines: Case["lines"],
  fact: string,
  more: object,
  run: (network: BridgeNetwork) => void,
): Case {
  const { program, needs, keys, where = "", prepare } = of;
  const body = (trial: Trial) => {
    const own = { type: program, bridge: undefined, ...keys, ...more };
    const network = new BridgeNetwork(trial, own);
    prepare?.(network);
    run(network);
  };
  return { lines, program, beside: ["host-local"], needs, fact: `${fact}${where}`, run: body };
}

/** The container's link as the result tells of it is the one that the kernel has. @returns its row of `ip -j -d link` */
export function tellsOfLink(net: BridgeNetwork, result: Reply) {
  const [{ name, mac, sandbox }] = result.interfaces;
  deepEqual([name, sandbox], ["eth0", net.netns]);
  const found = net.link("eth0", net.netns);
  equal(mac, found.address);
  return found;
}

/** The keys that a runtime of that version adds for CHECK and DEL. */
function keysAfter(result: Reply, cniVersion: string): object {
  return cniVersion >= "0.4.0" ? { prevResult: result } : {};
}

/**
 * A case for each version whose results have interfaces. `more` goes over the usual keys.
 * @param run what holds after ADD; `del` is DEL, which has to succeed
 */
export function inNewVersions(
  of: LinkProgram,
  lines: Case["lines"],
  fact: string,
  more: object,
  run: (network: BridgeNetwork, result: Reply, del: () => void) => void,
): Case[] {
  return newVersions.map((cniVersion) => ({
    ...linkCase(of, lines, `${fact} in ${cniVersion}`, { cniVersion, ...more }, (net) => {
      const result = net.add();
      run(net, result, () => net.trial.ok(net.call("DEL", keysAfter(result, cniVersion))));
    }),
    version: cniVersion,
  }));
}

/** ADD, CHECK and DEL with one address, in that version, and DEL `again`. */
export function attachesIn(
  of: LinkProgram,
  lines: Case["lines"],
  cniVersion: string,
  again = true,
): Case {
  const fact = `attaches a container with an address and takes it away in ${cniVersion}`;
  return {
    ...linkCase(of, lines, fact, { cniVersion, ipam: pool }, (net) => {
      const result = net.add();
      if (cniVersion >= "0.3.0") tellsOfLink(net, result);
      deepEqual(addressesOf(result), ["10.1.2.2/24"]);
      deepEqual(net.addresses("eth0", net.netns), ["10.1.2.2/24"]);
      const after = keysAfter(result, cniVersion);
      const check = net.call("CHECK", after);
      if (cniVersion >= "0.4.0") net.trial.ok(check);
      else net.trial.fails(check, 1, "config version does not allow CHECK");
      net.trial.ok(net.call("DEL", after));
      equal(net.link("eth0", net.netns), undefined);
      if (again) net.trial.ok(net.call("DEL", after));
    }),
    version: cniVersion,
  };
}

/** STATUS. */
export function isReady(of: LinkProgram, line: string): Case {
  const ready = linkCase(of, [line], "is ready", { ipam: pool }, (net) => {
    net.trial.ok(net.call("STATUS"));
  });
  return { ...ready, version: "1.1.0" };
}

/** DEL of what was never there. */
export function detachesNothing(of: LinkProgram, line: string): Case {
  return linkCase(of, [line], "DEL of what was never there", { ipam: pool }, (net) => {
    net.trial.ok(net.call("DEL"));
  });
}

/** An ADD with these keys, refused so. */
export function refuses(
  of: LinkProgram,
  line: string,
  what: string,
  keys: object,
  says: RegExp,
): Case {
  return linkCase(of, [line], `refuses ${what}`, { ipam: pool, ...keys }, (net) => {
    const { msg, details = "" } = net.trial.fails(net.call("ADD"));
    match(`${msg} ${details}`, says);
  });
}
