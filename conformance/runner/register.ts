/**
 * The register: failures that are known of somebody's programs, each with its reason. One that is fixed is reported as much as one that is new.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { matches } from "./jobs.ts";

/** Subject (see `subjectOf`) to pattern of cases to the reason they fail. */
export type Register = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The register of this folder. */
export function readRegister(): Register {
  return JSON.parse(readFileSync(join(import.meta.dirname, "..", "register.json"), "utf8"));
}

/** Why that case is known to fail there; `undefined` when it is expected to pass. */
export function knownFailure(register: Register, subject: string, key: string): string | undefined {
  const entries = Object.entries(register[subject] ?? {});
  return entries.find(([pattern]) => matches(pattern, key))?.[1];
}
