/**
 * The chain of programs that podman writes for a network of its own, and that docker's and nerdctl's users know.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** A configuration of one program. */
export interface PluginConfig {
  type: string;
  [key: string]: unknown;
}

/** A configuration list. */
export interface Conflist {
  cniVersion: string;
  name: string;
  plugins: PluginConfig[];
  [key: string]: unknown;
}

/** A network of {@link bridgeChain}. */
export interface BridgeNetwork {
  name: string;
  bridge: string;
  /** One range each, its first address the gateway's. Text like `10.88.0.0/24`. */
  subnets: readonly string[];
  /** Default `0.4.0`, as podman writes it. */
  cniVersion?: string;
  /** Folder of the programs: of the chain, those that are there take part. */
  programs: string;
}

/** The plugins that the folder has. */
export function available(plugins: readonly PluginConfig[], programs: string): PluginConfig[] {
  return plugins.filter(({ type }) => existsSync(join(programs, type)));
}

/** Same as the conflist of `podman network create`. */
export function bridgeChain(network: BridgeNetwork): Conflist {
  const { name, bridge, subnets, cniVersion = "0.4.0", programs } = network;
  const families = [...new Set(subnets.map((subnet) => subnet.includes(":")))];
  const plugins = [
    {
      type: "bridge",
      bridge,
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: "host-local",
        routes: families.map((isIpv6) => ({ dst: isIpv6 ? "::/0" : "0.0.0.0/0" })),
        ranges: subnets.map((subnet) => [{ subnet }]),
      },
      capabilities: { ips: true },
    },
    { type: "portmap", capabilities: { portMappings: true } },
    { type: "firewall", backend: "" },
    { type: "tuning" },
  ];
  return { cniVersion, name, plugins: available(plugins, programs) };
}
