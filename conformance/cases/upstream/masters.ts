/**
 * Programs whose link is on another one, which is the host's or the container's own.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Feature } from "../../runner/features.ts";
import type { BridgeNetwork } from "./bridge-network.ts";
import { type LinkProgram, linkCase, pool, refuses } from "./link-network.ts";

/** A program on a link `master0`, and where that is. */
export interface OnMaster extends LinkProgram {
  /** The namespace of the master; undefined for the host. */
  masterIn(network: BridgeNetwork): string | undefined;
}

/** The program on a link of the host, and on one of the container. */
export function onMasters(program: string, feature: Feature, keys: object): OnMaster[] {
  const sides = [
    { where: "", own: {}, masterIn: () => undefined },
    {
      where: ", on a link of the container",
      own: { linkInContainer: true },
      masterIn: ({ netns }: BridgeNetwork) => netns,
    },
  ];
  return sides.map(({ where, own, masterIn }) => ({
    program,
    needs: [feature],
    keys: { master: "master0", ...keys, ...own },
    where,
    masterIn,
    prepare(network) {
      runAt(network, masterIn(network), "ip link add master0 type veth peer name far0");
      for (const name of ["master0", "far0"]) {
        runAt(network, masterIn(network), `ip link set ${name} up`);
      }
    },
  }));
}

/** Runs a program where the master is. */
export function runAt(network: BridgeNetwork, netns: string | undefined, command: string): void {
  network.trial.run(command, netns === undefined ? {} : { netns });
}

/** That the container's link is on the master. */
export function isOnMaster(of: OnMaster, network: BridgeNetwork): void {
  const { link, link_index: other } = network.link("eth0", network.netns);
  const side = of.masterIn(network);
  equal(other ?? network.link(link, side).ifindex, network.link("master0", side).ifindex);
}

/** A link of the program's kind with that property, and that MTU. */
export function makesLink(
  of: OnMaster,
  line: string,
  [property, value]: readonly [string, unknown],
  keys: { mtu: number },
): Case {
  const fact = `makes a link with its ${property} and MTU`;
  return linkCase(of, [line], fact, { ...keys, ipam: pool }, (net) => {
    net.add();
    const { linkinfo, mtu } = net.link("eth0", net.netns);
    const found = [linkinfo.info_kind, linkinfo.info_data[property], mtu];
    deepEqual(found, [of.program, value, keys.mtu]);
  });
}

/** Without `master` the link of the default route is the master. */
export function findsMaster(of: OnMaster, line: string): Case {
  const fact = "takes the link of the default route for its master";
  return linkCase(of, [line], fact, { master: undefined, ipam: pool }, (net) => {
    const side = of.masterIn(net);
    runAt(net, side, "ip address add 10.1.2.1/16 dev master0");
    runAt(net, side, "ip route add default via 10.1.2.254");
    net.add();
    isOnMaster(of, net);
  });
}

/** MTUs that the master's does not allow. */
export function refusesMtus(of: OnMaster, line: string, mtus: readonly number[]): Case[] {
  return mtus.map((mtu) => {
    const says = new RegExp(`invalid MTU ${mtu}, must be \\[0, master MTU\\(1500\\)\\]`);
    return refuses(of, line, `an MTU of ${mtu}`, { mtu }, says);
  });
}
