/**
 * What the cases of bridge have in common: configurations, calls, and what iproute2 sees.
 * @module
 */
import type { CniCall } from "../../../test/kernel/sandbox.ts";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";

/** One container on a network of the program. */
export class BridgeNetwork {
  readonly trial: Trial;
  readonly config: Record<string, unknown>;
  readonly netns: string;

  constructor(trial: Trial, config: object) {
    this.trial = trial;
    const common = { cniVersion: trial.newest, name: "net1", type: "bridge", bridge: "bridge0" };
    this.config = { ...common, ...config };
    this.netns = trial.pod();
  }

  call(command: string, change: object = {}, more: Partial<CniCall> = {}): CniCall {
    return {
      command,
      config: { ...this.config, ...change },
      netns: this.netns,
      containerId: "dummy-0",
      ...more,
    };
  }

  add(change: object = {}, more: Partial<CniCall> = {}): Reply {
    return this.trial.ok(this.call("ADD", change, more));
  }

  /** The row of `ip -j -d link`; undefined when there is no such link. */
  link(name: string, netns?: string): Reply {
    return this.trial.host.ipJson("-d link", netns).find(({ ifname }) => ifname === name);
  }

  /** The only port of the bridge that a container has. */
  get port(): Reply {
    const links: Reply[] = this.trial.host.ipJson("-d link");
    return links.find(({ ifname, master }) => /^veth/.test(ifname) && master === "bridge0");
  }

  /** Addresses of a link but link-local ones, `10.1.2.1/24` each. */
  addresses(name: string, netns?: string): string[] {
    const [row] = this.trial.host.ipJson(`address show dev ${name}`, netns);
    const global: Reply[] = row.addr_info.filter(({ scope }: Reply) => scope === "global");
    return global.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  }

  /** Gateways of the container's default routes, IPv4 first. */
  gateways(): string[] {
    return ["-4", "-6"]
      .flatMap((family) => this.trial.host.ipJson(`${family} route show default`, this.netns))
      .map(({ gateway }) => gateway);
  }
}

/** IPAM's part with one range of each subnet. */
export function ranges(...subnets: string[]): object {
  return { type: "host-local", ranges: subnets.map((subnet) => [{ subnet }]) };
}

/** A network whose bridge is the default gateway. */
export function layer3(...subnets: string[]) {
  return { isDefaultGateway: true, ipam: ranges(...subnets) };
}

/** A case of bridge about one container of that network. */
export function bridgeCase(
  lines: Case["lines"],
  fact: string,
  config: object,
  run: (network: BridgeNetwork) => void,
): Case {
  return {
    lines,
    program: "bridge",
    beside: ["host-local"],
    fact,
    run: (trial) => run(new BridgeNetwork(trial, config)),
  };
}
