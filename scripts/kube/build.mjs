/**
 * Builds the programs of a Kubernetes node for conformance/clients/kube/: kubelet, kube-apiserver, etcd, containerd with
 * its shim, and ctr, from the Go modules beside this file, which pin every version and sum.
 *
 *     node scripts/kube/build.mjs
 *
 * Needs Node and Go alone, none of npm's packages, so it can run beside everything else.
 * The programs go to .cache/kube/, each under its own name and only when it is whole. A module is built once for
 * each content of its folder: a run with nothing to do ends at once.
 *
 * Exit status:
 *   0   the programs are there
 *   77  they cannot be had here (no Go, or its modules cannot be downloaded): a reason to skip; it is in
 *       .cache/kube/missing, one line, where the tests read it
 *   1   a build failed, or a sum is wrong: what Go said is on stderr
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(dirname(dirname(here)), ".cache", "kube");
const missing = join(target, "missing");
const cannotBeHad = 77;

/** The modules and the packages of each that are programs. */
const modules = {
  containerd: ["containerd", "containerd-shim-runc-v2", "ctr"].map(
    (name) => `github.com/containerd/containerd/v2/cmd/${name}`,
  ),
  etcd: ["."],
  kubernetes: ["./kubelet", "./kube-apiserver"],
};

const env = {
  ...process.env,
  PATH: [process.env.PATH, "/usr/local/go/bin"].join(delimiter),
  CGO_ENABLED: "0",
  GOFLAGS: "-trimpath -buildvcs=false -mod=readonly",
  GOWORK: "off",
};
/**
 * These programs wait more than they work, so they are compiled as fast as it goes: without inlining and what debuggers read it takes a third
 * less processor time.
 */
const flags = ["-ldflags=-s -w", "-gcflags=all=-l -dwarf=false"];

function go(module, ...args) {
  return spawnSync("go", args, {
    cwd: join(here, module),
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 28,
  });
}

/** Folders of builds that were killed. */
function removeUnfinished() {
  for (const name of readdirSync(target)) {
    const [, pid] = /^unfinished-(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(target, name), { recursive: true });
  }
}

/** Ends with a reason to skip. */
function skip(reason) {
  mkdirSync(target, { recursive: true });
  writeFileSync(missing, `${reason}\n`);
  console.error(`the Kubernetes node is not built: ${reason}`);
  process.exit(cannotBeHad);
}

function fail(module, said) {
  console.error(`building ${module}:\n${said}`);
  process.exit(1);
}

/** The last line of what Go said that is no progress. */
function complaint(said) {
  const lines = said
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("go: downloading"));
  return lines.at(-1)?.trim() ?? "unknown error";
}

/** What the programs of a module are made from. */
function digest(module) {
  const hash = createHash("sha256").update(`${process.arch} ${modules[module]} ${flags}\n`);
  const files = readdirSync(join(here, module), { recursive: true }).sort();
  for (const file of files.filter((name) => /\.(go|mod|sum)$/.test(name))) {
    hash.update(`${file}\n`).update(readFileSync(join(here, module, file)));
  }
  return hash.digest("hex");
}

function isBuilt(module) {
  const stamp = join(target, `${module}.stamp`);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === digest(module);
}

/** Downloads what the programs import. A registry out of reach is a reason to skip, a wrong sum is not. */
function bringModules(module) {
  const { status, stderr } = go(module, "list", "-deps", ...modules[module]);
  if (status === 0) return;
  if (/checksum mismatch|SECURITY ERROR|missing go.sum|updates to go.mod/.test(stderr)) {
    fail(module, stderr);
  }
  skip(`Go modules of ${module}: ${complaint(stderr)}`);
}

function build(module) {
  const begun = performance.now();
  bringModules(module);
  const folder = join(target, `unfinished-${process.pid}`);
  mkdirSync(folder);
  try {
    const { status, stderr } = go(module, "build", ...flags, "-o", folder, ...modules[module]);
    if (status !== 0) fail(module, stderr);
    for (const name of readdirSync(folder)) renameSync(join(folder, name), join(target, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  writeFileSync(join(target, `${module}.stamp`), digest(module));
  console.log(`built ${module} in ${Math.round((performance.now() - begun) / 1000)} s`);
}

const unbuilt = Object.keys(modules).filter((module) => !isBuilt(module));
if (unbuilt.length > 0) {
  if (go(".", "version").status !== 0) skip("go is missing (https://go.dev/dl)");
  mkdirSync(target, { recursive: true });
  removeUnfinished();
  unbuilt.forEach(build);
}
rmSync(missing, { force: true });
