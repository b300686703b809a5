/**
 * What the test process in the guest tells the world outside: one JSON object a line, written as it happens, so that a
 * guest that hangs has said in which test.
 * @module
 */

import { join } from "node:path";
import { root } from "../../scripts/place.ts";

/** A file of the machine that only the guest writes, so the machine shall never have it. */
export const marker = join(root, "guest-was-here");

/** Which test, or hook. */
export interface TestName {
  /** From the repository's root, as `test/plugins/bridge/vlan.guest.test.ts`. */
  file: string;
  /** Titles of the suites around it and its own. */
  path: string[];
}

/** A test has begun. */
export interface Started extends TestName {
  event: "started";
}

/** It has ended. */
export interface Ended extends TestName {
  event: "passed" | "failed" | "skipped";
  ms?: number;
  /** Of a failure: the error with its stack, places as in the sources. */
  error?: string;
  /** Why it was skipped. */
  reason?: string;
}

/** No test is to come. */
export interface Finished {
  event: "finished";
}

export type GuestEvent = Started | Ended | Finished;

/** File in the results folder that has the lines. */
export const eventsFile = "events.jsonl";
