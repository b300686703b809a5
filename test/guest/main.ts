/**
 * The step "guest" of `npm test`: every `*.guest.test.ts` in a machine with Debian's stock kernel, for what the kernel
 * out here may lack. One boot, one process.
 *
 *     npx tsx test/guest/main.ts [--only PATTERN] [FILE…]
 *
 * PATTERN is a regular expression for the tests' full titles.
 * @module
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { testFiles } from "../../scripts/files.ts";
import { root } from "../../scripts/place.ts";
import { dhcpdProgram } from "../dhcp-proxy/servers.ts";
import { enterProgram } from "../kernel/enter.ts";
import { starterProgram } from "../kernel/starter.ts";
import type { Counts } from "../reporter.ts";
import { bundleTests } from "./bundle.ts";
import { eventsFile, marker } from "./events.ts";
import { following } from "./follow.ts";
import { NoGuest } from "./kernel.ts";
import { type GuestJob, runInGuest } from "./machine.ts";
import { GuestReport } from "./report.ts";

/** @returns what is wrong with how the guest ended, if anything */
async function runJob(job: GuestJob, report: GuestReport): Promise<string | undefined> {
  try {
    const events = join(job.results, eventsFile);
    const done = await following(events, (text) => report.read(text), runInGuest(job));
    console.log(`\n  the guest was there for ${(done.ms / 1000).toFixed(1)} s`);
    if (done.output !== "") console.log(`  its tests' process said:\n${done.output}`);
    return existsSync(marker) ? "it writes to the machine's files" : undefined;
  } catch (error) {
    if (error instanceof NoGuest) throw error;
    return (error as Error).message;
  }
}

/** What tests bring when first needed: compiled out here, where that is quick, and fetched, since the guest has no network. */
function prepare(): void {
  for (const bring of [enterProgram, starterProgram, dhcpdProgram]) bring();
}

async function runTests(files: readonly string[], only: string | undefined): Promise<Counts> {
  const results = mkdtempSync(join(tmpdir(), "netloom-guest-"));
  try {
    prepare();
    const argv = await bundleTests(files, results, only);
    const report = new GuestReport(console.log);
    return report.conclude(await runJob({ argv, results }, report));
  } catch (error) {
    if (!(error instanceof NoGuest)) throw error;
    console.log(`  skipped: ${error.message}\n    ${files.join("\n    ")}`);
    const skips = files.map((file) => `${error.message}: ${file} (1)`);
    return { passed: 0, failed: 0, skipped: files.length, skips };
  } finally {
    rmSync(results, { recursive: true });
  }
}

const { values, positionals } = parseArgs({
  options: { only: { type: "string" } },
  allowPositionals: true,
});
const named = positionals.map((file) => relative(root, resolve(file)));
const files = named.length > 0 ? named : testFiles("guest");
const counts = await runTests(files, values.only);
const countsFile = process.env["NETLOOM_COUNTS"];
if (countsFile !== undefined) writeFileSync(countsFile, JSON.stringify(counts));
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
