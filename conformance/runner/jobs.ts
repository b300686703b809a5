/**
 * Which cases are run on which directories: a job each.
 * @module
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { type Build, speaks } from "./build.ts";
import { type Case, keyOf } from "./case.ts";
import type { Feature } from "./features.ts";

/** One case on one directory, or on a pair of them. */
export interface Job {
  case: Case;
  build: Build;
  /** Whose programs take over. */
  other?: Build;
}

/** The files of `cases/` that export cases, from the repository's root. */
export function caseFiles(): string[] {
  const folder = join("conformance", "cases");
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).sort();
  return names.filter((name) => name.endsWith(".cases.ts")).map((name) => join(folder, name));
}

/** Every case of `cases/`. @throws {Error} two have the same key, or a file has none */
export async function loadCases(): Promise<Case[]> {
  const all: Case[] = [];
  for (const file of caseFiles()) {
    const { cases } = (await import(join(root, file))) as { cases?: readonly Case[] };
    if (cases === undefined) throw new Error(`${file} exports no \`cases\``);
    all.push(...cases);
  }
  refuseTwins(all);
  return all;
}

function refuseTwins(cases: readonly Case[]): void {
  const seen = new Set<string>();
  for (const key of cases.map(keyOf)) {
    if (seen.has(key)) throw new Error(`two cases are called ${key}`);
    seen.add(key);
  }
}

/** The name the register knows the directory, or the pair of a swap, by. */
export function subjectOf({ build, other }: Pick<Job, "build" | "other">): string {
  return other === undefined ? build.label : `${build.label} then ${other.label}`;
}

/** True when these programs are there and list the version. Otherwise the case does not concern them. */
function concerns({ program, beside = [], version }: Case, build: Build): boolean {
  return speaks(build, program, version) && beside.every((type) => speaks(build, type));
}

/** What the machine lacks for the case; `undefined` when all is there. */
export function lacking({ needs = [] }: Case, present: readonly Feature[]): string | undefined {
  return needs.find((feature) => !present.includes(feature));
}

/** The jobs of these cases on these directories; the first one swaps with each of the others, both ways. */
export function jobsOf(cases: readonly Case[], builds: readonly Build[]): Job[] {
  const [first, ...rest] = builds;
  const pairs = rest.flatMap((build) => [
    { build: first!, other: build },
    { build, other: first! },
  ]);
  return cases.flatMap((each): Job[] => {
    if (each.swap !== true) {
      return builds.filter((b) => concerns(each, b)).map((build) => ({ case: each, build }));
    }
    const able = pairs.filter((p) => concerns(each, p.build) && concerns(each, p.other));
    return able.map((pair) => ({ case: each, ...pair }));
  });
}

/** Pattern of `--only` and of the register: the whole key with `*` for anything, or the beginning of it. */
export function matches(pattern: string, key: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}`).test(key);
}
