/**
 * A container whose links have addresses and routes, as sbr and vrf find them.
 * @module
 */
import type { Reply, Trial, TrialCall } from "../../runner/trial.ts";

/** A link, and what is on it. */
export interface RoutedLink {
  name: string;
  addresses: readonly string[];
  /** As `ip route add` takes them, without the link. */
  routes: readonly string[];
}

/** The kernel's own, which everybody leaves alone. */
const kernelsOwn = /^(local|broadcast|anycast|multicast)$/;

/** A namespace with links that are pairs, so that it needs no kernel of its own. */
export class Routed {
  readonly trial: Trial;
  readonly netns: string;
  readonly #type: string;
  readonly #main: RoutedLink;

  /** @param links the last one is the one that the program is called for */
  constructor(trial: Trial, type: string, links: readonly RoutedLink[]) {
    this.trial = trial;
    this.netns = trial.pod();
    this.#type = type;
    this.#main = links.at(-1)!;
    for (const link of links) this.#make(link);
  }

  #make({ name, addresses, routes }: RoutedLink): void {
    const lines = [
      `link add ${name} type veth peer name far-${name}`,
      `link set far-${name} up`,
      `link set ${name} up`,
      ...addresses.map((each) => `address add ${each} dev ${name}${nodad(each)}`),
      ...routes.map((each) => `route add ${each} dev ${name}`),
    ];
    const options = { netns: this.netns, input: `${lines.join("\n")}\n` };
    this.trial.host.sysctl("net.ipv6.conf.default.accept_dad", 0, this.netns);
    this.trial.host.ok(["ip", "-batch", "-"], options);
  }

  /** Tables and routes of a link, without what the kernel makes of its addresses: `100 10.0.0.0/8 via 10.1.0.1`. */
  routes(dev: string): string[] {
    const rows = ["-4", "-6"].flatMap((family) =>
      this.trial.host.ipJson(`${family} -d route show table all dev ${dev}`, this.netns),
    );
    return rows
      .filter(({ type, dst }) => !kernelsOwn.test(type) && dst !== "ff00::/8")
      .map(routeRow)
      .sort();
  }

  /** Rules that somebody has added, the first one first: `from 10.1.0.5 lookup 100`. */
  rules(): string[] {
    const rows = ["-4", "-6"].flatMap((family) =>
      this.trial.host.ipJson(`${family} rule`, this.netns),
    );
    return rows
      .filter(({ src, protocol }) => src !== "all" && protocol !== "kernel")
      .map(({ src, table }) => `from ${src} lookup ${table}`);
  }

  /** A configuration of the program with these addresses on the link. */
  config(ips: readonly object[], cniVersion = this.trial.newest): Record<string, unknown> {
    const { name } = this.#main;
    const withFamily = (ip: object): object =>
      cniVersion < "1.0.0" ? { version: familyOf(ip), ...ip } : ip;
    return {
      cniVersion,
      name: "test",
      type: this.#type,
      prevResult: {
        cniVersion,
        interfaces: [{ name, sandbox: this.netns }],
        ips: ips.map((ip) => ({ ...withFamily(ip), interface: 0 })),
      },
    };
  }

  /** What a configuration tells of the plugin before. */
  told({ prevResult }: Record<string, unknown>): Reply {
    return prevResult;
  }

  call(command: string, config: object, more: Partial<TrialCall> = {}): TrialCall {
    return { command, config, netns: this.netns, ifName: this.#main.name, ...more };
  }
}

function nodad(address: string): string {
  return address.includes(":") ? " nodad" : "";
}

function familyOf({ address = "" }: { address?: string }): string {
  return address.includes(":") ? "6" : "4";
}

function routeRow(row: Reply): string {
  const { table = "main", dst, gateway, prefsrc } = row;
  const via = gateway === undefined ? "" : ` via ${gateway}`;
  return `${table} ${dst}${via}${prefsrc === undefined ? "" : ` src ${prefsrc}`}`;
}
