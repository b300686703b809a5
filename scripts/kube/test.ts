/**
 * `npm run test:kube`: builds a Kubernetes node, once, and runs the tests that need one.
 * @module
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "../place.ts";

/** @returns the exit status */
function node(...args: string[]): number {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  return status ?? 1;
}

// where there can be no node, the tests are skipped and say why: only a build that fails ends this
if (node(join("scripts", "kube", "build.mjs")) === 1) process.exit(1);
const mocha = join("node_modules", "mocha", "bin", "mocha.js");
const tests = "conformance/clients/kube/**/*.kube.test.ts";
process.exitCode = node(mocha, tests, ...process.argv.slice(2));
