/**
 * What holds of every execution of a CNI program, whatever it was asked (conformance checklist 0.3).
 * @module
 */
import { equal, match, ok } from "node:assert/strict";

import { type Outcome, slowness } from "./enter.ts";

/** A program that has no reason to wait ends within this. */
const BOUND_MS = 10_000 * slowness;
const specCodes = [1, 2, 3, 4, 5, 6, 7, 8, 11, 50, 51];

/**
 * Ended by itself and in time; stdout has one JSON document or nothing, an error object exactly when the status says
 * so, and no log text.
 * @param boundMs how long it may take; more for one of many at once
 * @returns stdout as JSON, undefined when it is empty
 */
export function holdsAlways(
  { status, signal, stdout, stderr, ms }: Outcome,
  boundMs = BOUND_MS,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into results of every version
): any {
  equal(signal, null, `ended by signal ${signal}: ${stderr}`);
  ok(ms < boundMs, `took ${ms} ms`);
  const json = stdout === "" ? undefined : JSON.parse(stdout);
  if (status === 0) equal(json?.code, undefined, stdout);
  else isErrorObject(json, stdout);
  return json;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever was printed
function isErrorObject(json: any, stdout: string): void {
  const { code, msg, details = "x", cniVersion } = json;
  ok(specCodes.includes(code) || code >= 100, stdout);
  ok(typeof msg === "string" && msg !== "", stdout);
  ok(typeof details === "string" && details !== "", stdout);
  match(cniVersion, /^\d+\.\d+\.\d+$/);
  equal(JSON.stringify(json, null, 4), stdout);
}
