/**
 * A container on a pair of links, for the cases about bandwidth.
 * @module
 */
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";

/** Names of its ends, and of the container, as upstream's tests have them. */
export const hostEnd = "host-veth";
export const containerEnd = "container-veth";
export const containerId = "dummy";
/** The name that follows from them. */
export const ifbName = "bwpa8eda89404b7";
/** A few bits of each direction. */
export const slow = { ingressRate: 8000, ingressBurst: 80, egressRate: 8000, egressBurst: 80 };

/** Waits shorter than a packet are no matter here: what is looked at is what tc tells. */
export class ShapedPair {
  readonly trial: Trial;
  readonly netns: string;
  /** The version that configurations are written in. */
  readonly cniVersion: string;

  constructor(trial: Trial, cniVersion = trial.newest) {
    this.trial = trial;
    this.cniVersion = cniVersion;
    this.netns = trial.pod();
    this.pair(hostEnd, containerEnd);
  }

  /** Makes a pair into the container. */
  pair(host: string, container: string): void {
    const netns = this.netns.replace("/run/netns/", "");
    const { trial } = this;
    trial.run(
      `ip link add ${host} mtu 1024 type veth peer name ${container} mtu 1024 netns ${netns}`,
    );
    trial.run(`ip link set ${host} up`);
    trial.run(`ip link set ${container} up`, { netns: this.netns });
  }

  /** What the plugin before has made, with these links of the host. */
  prevResult(hosts: readonly string[] = [hostEnd]): Reply {
    const interfaces = hosts.map((name) => ({ name }));
    return {
      cniVersion: this.cniVersion,
      interfaces: [...interfaces, { name: containerEnd, sandbox: this.netns }],
      ips: [{ version: "4", address: "10.0.0.2/24", gateway: "10.0.0.1", interface: hosts.length }],
      routes: [],
    };
  }

  call(command: string, keys: object, more: Partial<TrialCall> = {}): TrialCall {
    const { cniVersion, netns } = this;
    const base = { cniVersion, name: "cni-plugin-bandwidth-test", type: "bandwidth" };
    const config = { ...base, prevResult: this.prevResult(), ...keys };
    return { command, config, netns, containerId, ifName: containerEnd, ...more };
  }

  /** The queue at the root of a link, as `tc -j` tells it. */
  root(link: string): Reply {
    const rows: Reply[] = JSON.parse(this.trial.run(`tc -j qdisc show dev ${link}`));
    return rows.find((row) => row.root === true);
  }

  /** Names of the ifbs on the host. */
  ifbs(): string[] {
    return this.trial.host
      .ipJson("-d link show")
      .filter(({ linkinfo }) => linkinfo?.info_kind === "ifb")
      .map(({ ifname }) => ifname);
  }

  /** All that holds packets back, as tc prints it; what the kernel numbers is left out. */
  traffic(): string {
    const ifbs = this.ifbs();
    const looks = [
      ...[hostEnd, ...ifbs].flatMap((link) => [
        `tc -d qdisc show dev ${link}`,
        `tc -d filter show dev ${link} parent ffff:`,
      ]),
      ...ifbs.map((link) => `ip -o -d link show dev ${link}`),
    ];
    const text = looks.map((look) => this.trial.host.run(look.split(" ")).stdout).join("");
    return text
      .replace(/\bindex \d+/g, "index")
      .replace(/link\/ether \S+/g, "")
      .replace(/ refcnt \d+/g, "")
      .replace(/^\d+: /gm, "")
      .replace(/\\\s+alias \S+ */g, "");
  }
}
