/**
 * Who is measured: our programs, the reference's with both of its back ends, and a C program that does only the work.
 * @module
 */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { binFolder, peers, root } from "../scripts/place.ts";
import { compileC } from "../test/kernel/compile.ts";

/** One of those that do the same work. */
export interface Contender {
  /** Column of the table. */
  name: "netloom" | "reference" | "reference, nftables" | "C floor";
  /** Folder of its programs. */
  bin: string;
  /** Configurations of the chain, in order; none for the floor, which is one program without configuration. */
  configs: Record<string, unknown>[];
  /** Lines of `ip -batch` for its host. */
  surround?: string | undefined;
}

/** What is measured: a chain, and what it needs. */
export interface Work {
  /** Its name in the tables. */
  name: string;
  configs(backend: "iptables" | "nftables"): Record<string, unknown>[];
  /** Lines of `ip -batch` for a new host. */
  surround?: string;
  /** Whether the floor does that work. */
  hasFloor: boolean;
}

const network = { cniVersion: "1.0.0", name: "bench" };
const ipam = {
  type: "host-local",
  ranges: [[{ subnet: "10.202.0.0/16" }]],
  routes: [{ dst: "0.0.0.0/0" }],
};

function portChain(backend: "iptables" | "nftables"): Record<string, unknown>[] {
  const ports = [{ hostPort: "%PORT%", containerPort: 80, protocol: "tcp" }];
  const bridge = { bridge: "bench0", isGateway: true, ipMasq: true, hairpinMode: true };
  const runtimeConfig = { portMappings: ports };
  return [
    { type: "bridge", ...network, ...bridge, ipMasqBackend: backend, ipam },
    { type: "portmap", ...network, backend, capabilities: { portMappings: true }, runtimeConfig },
  ];
}

/** The chain whose figures fill most tables. */
export const ports: Work = { name: "ports", configs: portChain, hasFloor: true };

/** The chain that the budget is of: the floor accepts what is forwarded, too, and tuning is asked for nothing. */
export const whole: Work = {
  name: "whole chain",
  configs: (backend) => [
    ...portChain(backend),
    { type: "firewall", ...network },
    { type: "tuning", ...network },
  ],
  hasFloor: true,
};

/** Plugins that are measured alone, with host-local. */
export const alone: readonly Work[] = [
  {
    name: "ptp",
    configs: (backend) => [{ type: "ptp", ...network, ipMasq: true, ipMasqBackend: backend, ipam }],
    hasFloor: false,
  },
  {
    name: "macvlan",
    configs: () => [{ type: "macvlan", ...network, master: "below", ipam }],
    surround: `link add below type veth peer name beyond
link set below up
link set beyond up`,
    hasFloor: false,
  },
];

/** Folder with the floor alone, as chains expect a folder. */
function floorFolder(): string {
  const folder = join(root, ".cache", "floor");
  mkdirSync(folder, { recursive: true });
  copyFileSync(compileC(join(root, "bench", "floor.c")), join(folder, "floor"));
  return folder;
}

/** Those who can do that work. @throws {Error} the reference is not there. */
export function contenders(work: Work): Contender[] {
  if (!existsSync(join(peers, "bridge"))) {
    throw new Error("bench: the reference plugins are missing; Go builds them (https://go.dev/dl)");
  }
  const { surround } = work;
  const [iptables, nftables] = [work.configs("iptables"), work.configs("nftables")];
  const all: Contender[] = [
    { name: "netloom", bin: binFolder, configs: nftables, surround },
    { name: "reference", bin: peers, configs: iptables, surround },
    { name: "reference, nftables", bin: peers, configs: nftables, surround },
  ];
  return work.hasFloor ? [...all, { name: "C floor", bin: floorFolder(), configs: [] }] : all;
}
