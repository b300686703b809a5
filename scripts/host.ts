/**
 * The native host, built from runtime/ with cargo.
 * @module
 */
import { spawnSync } from "node:child_process";
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

/** Builds the host when its sources changed. @throws {Error} cargo fails; what it said is on stderr. */
export function buildHost(): void {
  const done = spawnSync(
    "cargo",
    ["build", "--release", "--locked", "--quiet", "--target", target(), "--target-dir", "target"],
    { cwd: join(root, "runtime"), stdio: ["ignore", "inherit", "inherit"] },
  );
  if (done.error) throw new Error(`build: cargo: ${done.error.message} (see https://rustup.rs)`);
  if (done.status !== 0) throw new Error("build: cargo could not build runtime/");
}
