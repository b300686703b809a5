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
}

function chain(backend: "iptables" | "nftables"): Record<string, unknown>[] {
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: "10.202.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  const ports = [{ hostPort: "%PORT%", containerPort: 80, protocol: "tcp" }];
  const network = { cniVersion: "1.0.0", name: "bench" };
  const bridge = { bridge: "bench0", isGateway: true, ipMasq: true, hairpinMode: true };
  const runtimeConfig = { portMappings: ports };
  return [
    { type: "bridge", ...network, ...bridge, ipMasqBackend: backend, ipam },
    { type: "portmap", ...network, backend, capabilities: { portMappings: true }, runtimeConfig },
  ];
}

/** Folder with the floor alone, as chains expect a folder. */
function floorFolder(): string {
  const folder = join(root, ".cache", "floor");
  mkdirSync(folder, { recursive: true });
  copyFileSync(compileC(join(root, "bench", "floor.c")), join(folder, "floor"));
  return folder;
}

/** All of them. @throws {Error} the reference is not there. */
export function contenders(): Contender[] {
  if (!existsSync(join(peers, "bridge"))) {
    throw new Error("bench: the reference plugins are missing; Go builds them (https://go.dev/dl)");
  }
  return [
    { name: "netloom", bin: binFolder, configs: chain("nftables") },
    { name: "reference", bin: peers, configs: chain("iptables") },
    { name: "reference, nftables", bin: peers, configs: chain("nftables") },
    { name: "C floor", bin: floorFolder(), configs: [] },
  ];
}
