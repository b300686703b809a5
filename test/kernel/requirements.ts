/**
 * What a test needs of the machine, and the reason it gives when that is missing.
 * @module
 */
import { spawnSync } from "node:child_process";
import type { Suite } from "mocha";
import { root } from "../../scripts/place.ts";

/** What every sandbox needs. */
export const usual: readonly string[] = ["ip", "nft", "musl-gcc"];

/** Where the reporter finds why a suite's tests were skipped. */
export interface SkippedSuite {
  skipReason?: string;
}

function hasCommand(name: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
}

/** The first thing that is missing, as a sentence for the report; `undefined` when all is there. */
function missing(commands: readonly string[]): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root";
  const lacking = commands.find((name) => !hasCommand(name));
  return lacking === undefined ? undefined : `needs ${lacking.replace(`${root}/`, "")}`;
}

/**
 * A `describe` of tests that need root, namespaces and these commands (names, or absolute paths). On a machine without, all of them are skipped
 * and the report says why.
 */
export function describeKernel(
  title: string,
  body: (this: Suite) => void,
  commands: readonly string[] = usual,
): Suite {
  const reason = missing(commands);
  if (reason === undefined) return describe(title, body);
  // biome-ignore lint/suspicious/noSkippedTests: this is where the machine, not the author, decides
  const suite = describe.skip(title, body) as Suite & SkippedSuite;
  suite.skipReason = reason;
  return suite;
}
