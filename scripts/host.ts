/**
 * The native host, built from runtime/ with cargo: once for programs of one call, once for daemons.
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { root } from "./place.ts";

const machines: Partial<Record<NodeJS.Architecture, string>> = { x64: "x86_64", arm64: "aarch64" };

/** The Rust target of this machine. @throws {Error} on a machine nobody has tried. */
function target(): string {
  const machine = machines[process.arch];
  if (machine === undefined) throw new Error(`build: no host for this machine: ${process.arch}`);
  return `${machine}-unknown-linux-gnu`;
}

/** Path of the built host. */
export function hostProgram(): string {
  return join(root, "runtime", "target", target(), "release", "netloom-host");
}

/** Path of its compiler, which the host hands `compile` over to: programs are shipped without a parser. */
export function compilerProgram(): string {
  return join(dirname(hostProgram()), "netloom-compiler");
}

/** Path of the built host for daemons, which start from bytecode and have no fixed address. */
export function daemonHostProgram(): string {
  return join(root, "runtime", daemonTarget, target(), "release", "netloom-host");
}

/** Apart from the other's, since the flags of the two differ. */
const daemonTarget = join("target", "daemon");
const ofDaemons = ["--config", "daemon.toml", "--features", "daemon", "--bin", "netloom-host"];

/** Builds the host when its sources changed. @throws {Error} cargo fails; what it said is on stderr. */
export function buildHost(): Promise<void> {
  return cargoBuild("--target-dir", "target");
}

/** Likewise the host for daemons; the two may be built beside each other. */
export function buildDaemonHost(): Promise<void> {
  return cargoBuild("--target-dir", daemonTarget, ...ofDaemons);
}

async function cargoBuild(...more: string[]): Promise<void> {
  const words = ["build", "--release", "--locked", "--quiet", "--target", target(), ...more];
  const child = spawn("cargo", words, {
    cwd: join(root, "runtime"),
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [status] = await once(child, "close").catch((cause: Error) => {
    throw new Error(`build: cargo: ${cause.message} (see https://rustup.rs)`, { cause });
  });
  if (status !== 0) throw new Error("build: cargo could not build runtime/");
}
