/**
 * The steps `npm run check` and `npm test` are made of, and their count.
 * @module
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Counts } from "../test/reporter.ts";
import { root } from "./place.ts";

/** One command that passes or fails as a whole. */
interface Step {
  name: string;
  argv: [string, ...string[]];
}

const bin = (name: string) => join(root, "node_modules", ".bin", name);

const staticSteps: Step[] = [
  { name: "format and lint", argv: [bin("biome"), "ci", "--error-on-warnings", "--colors=off"] },
  { name: "types of shipped code", argv: [bin("tsc")] },
  { name: "types of tests and scripts", argv: [bin("tsc"), "-p", "test"] },
];

/** Runs a command in the root folder. @returns its status and all it wrote; `show` passes it on as well. */
function run(argv: Step["argv"], env: NodeJS.ProcessEnv, show: boolean) {
  return new Promise<{ status: number; said: string }>((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        said += chunk.toString("utf8");
      });
    }
    child.on("error", reject);
    child.on("close", (status) => resolve({ status: status ?? 1, said }));
  });
}

async function runStep({ name, argv }: Step): Promise<Counts> {
  const { status, said } = await run(argv, {}, false);
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name}`);
  if (status !== 0) console.log(said);
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/** Format, lint and types. A step counts as one test. */
export async function runStaticSteps(): Promise<Counts> {
  return sum(await Promise.all(staticSteps.map(runStep)));
}

/** Runs mocha on those files. A run that ends without counts is a failure. */
export async function runMocha(...args: string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "netloom-counts-"));
  const file = join(folder, "counts.json");
  try {
    const { status } = await run([bin("mocha"), ...args], { NETLOOM_COUNTS: file }, true);
    const counts: Counts = JSON.parse(readFileSync(file, "utf8"));
    return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } catch (error) {
    console.error(`mocha did not finish: ${(error as Error).message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function sum(all: readonly Counts[]): Counts {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  return total;
}

/** Prints the verdict as the last line and sets the exit status. */
export function conclude(...all: Counts[]): void {
  const { passed, failed, skipped } = sum(all);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}
