/**
 * The test files, by what they need.
 * @module
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./place.ts";

/**
 * What a test file needs, by the last part of its name before `.test.ts`: `kernel` root and the built programs, `guest` the
 * guest's kernel, `kube` a Kubernetes node; any other name, `unit`, none of these.
 */
export type TestKind = (typeof testKinds)[number];
/** Every kind. */
export const testKinds = ["unit", "kernel", "guest", "kube"] as const;

const folders = ["test", "conformance"];

/** The kind of a file, from its name. */
export function kindOf(file: string): TestKind {
  const [, kind = "unit"] = /\.(kernel|guest|kube)\.test\.ts$/.exec(file) ?? [];
  return kind as TestKind;
}

/** Test files of those kinds, paths from the root, sorted. */
export function testFiles(...kinds: readonly TestKind[]): string[] {
  const present = folders.filter((folder) => existsSync(join(root, folder)));
  const all = present.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(folder, name),
    ),
  );
  return all.filter((file) => file.endsWith(".test.ts") && kinds.includes(kindOf(file))).sort();
}
