/**
 * What every npm script starts with: `node scripts/bootstrap.mjs start|test|check|build|conformance|bench [arguments]`.
 *
 * On a fresh clone nothing is installed, so this file needs Node alone. It brings what the job needs (npm packages,
 * Debian packages, peers to compare with), says how to get what it cannot bring, builds, and hands over to the job.
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What each job needs, and the file that does it. */
const jobs = {
  build: { needs: ["packages"], script: "scripts/build.ts", builds: false },
  check: { needs: [], script: "scripts/check.ts", builds: false },
  start: { needs: ["packages", "root"], script: "scripts/demo/main.ts", builds: true },
  test: { needs: ["packages", "peers"], script: "scripts/test.ts", builds: true },
  conformance: {
    needs: ["packages", "peers", "root"],
    script: "conformance/main.ts",
    builds: true,
  },
  bench: { needs: ["packages", "peers", "root"], script: "bench/main.ts", builds: true },
};

function fail(...lines) {
  console.error(lines.join("\n"));
  process.exit(1);
}

function read(path) {
  return readFileSync(join(root, path), "utf8");
}

/** Runs a program to its end with our own stdout and stderr; a failure ends everything. */
function run(command, args, env = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (done.error) fail(`${command}: ${done.error.message}`);
  if (done.status !== 0) process.exit(done.status ?? 1);
}

function has(command) {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

/** Does the work once for each content of the named file; a stamp in node_modules or .cache remembers. */
function oncePer(source, stamp, work) {
  const digest = createHash("sha256").update(read(source)).digest("hex");
  const path = join(root, stamp);
  if (existsSync(path) && readFileSync(path, "utf8") === digest) return;
  work();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, digest);
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `Node ${process.versions.node} is too old: 20.19 or newer is needed.`,
    "Get it from https://nodejs.org or with your distribution's packages.",
  );
}

function requireLinux() {
  if (process.platform !== "linux")
    fail("CNI plugins speak to the Linux kernel: run this on Linux.");
}

/** Finds cargo where rustup puts it even when PATH does not name that folder. */
function requireCargo() {
  process.env.PATH = [process.env.PATH, join(homedir(), ".cargo", "bin")].join(delimiter);
  if (has("cargo")) return;
  fail(
    "cargo is missing: the native host is written in Rust (1.85 or newer).",
    "Get it with: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
  );
}

function requireRoot(job) {
  if (process.geteuid() !== 0) fail(`npm run ${job} makes network namespaces: run it as root.`);
}

function missingPackages() {
  const wanted = read("scripts/packages.txt").split("\n").filter(Boolean);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax
  const format = "${Package} ${db:Status-Status}\n";
  const asked = spawnSync("dpkg-query", ["-W", "-f", format, ...wanted], { encoding: "utf8" });
  const installed = new Set(asked.stdout.split("\n"));
  return wanted.filter((name) => !installed.has(`${name} installed`));
}

/** Debian packages: compiler, iproute2, nftables and the rest of scripts/packages.txt. */
function bringPackages() {
  if (!has("dpkg-query") || !has("apt-get")) {
    console.error("no apt-get here: what scripts/packages.txt names has to be there already");
    return;
  }
  const missing = missingPackages();
  if (missing.length === 0) return;
  const install = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (process.geteuid() !== 0)
    fail("Debian packages are missing, and only root installs:", install);
  console.log(`installing Debian packages: ${missing.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update", "-qq"], env);
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], env);
}

/** npm's packages, exactly those of package-lock.json. */
function bringModules() {
  oncePer("package-lock.json", "node_modules/.netloom-lock", () => {
    run("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
  });
}

/** cnitool and the reference plugins, to test with and to compare with. Without Go those tests are skipped. */
function bringPeers() {
  process.env.PATH = [process.env.PATH, "/usr/local/go/bin"].join(delimiter);
  if (!has("go")) {
    console.error(
      "go is missing: what compares with the reference plugins is skipped (https://go.dev/dl)",
    );
    return;
  }
  oncePer("scripts/peers.txt", ".cache/peers/stamp", () => {
    console.log("building cnitool and the reference plugins");
    const env = { GOBIN: join(root, ".cache", "peers"), CGO_ENABLED: "0", GOFLAGS: "-trimpath" };
    for (const line of read("scripts/peers.txt").split("\n").filter(Boolean)) {
      const [module, version, ...packages] = line.split(" ");
      run("go", ["install", ...packages.map((name) => `${module}/${name}@${version}`)], env);
    }
  });
}

const [name = "", ...args] = process.argv.slice(2);
const job = jobs[name];
if (job === undefined) fail(`usage: bootstrap.mjs ${Object.keys(jobs).join("|")}`);
requireNode();
requireLinux();
if (job.needs.includes("root")) requireRoot(name);
if (job.builds || name === "build") requireCargo();
if (job.needs.includes("packages")) bringPackages();
bringModules();
if (job.needs.includes("peers")) bringPeers();
const buildsItself = name === "test" && args.length === 0; // a step of all tests, which others need not wait for
if (job.builds && !buildsItself) run(process.execPath, ["--import", "tsx", "scripts/build.ts"]);
run(process.execPath, ["--import", "tsx", job.script, ...args]);
