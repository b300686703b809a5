/**
 * Calls of a chained program's tests, and what holds of those that fail.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { CniCall, CniOutcome, Sandbox } from "../../kernel/sandbox.ts";

/** How a program said no. */
interface Refusal {
  msg: string;
  details?: string;
}

/**
 * @param sandbox where; asked for at each call
 * @param call puts a call together from a test's words, the command first
 */
export function callsOf<P extends readonly [string, ...unknown[]]>(
  sandbox: () => Sandbox,
  call: (...parts: P) => CniCall,
) {
  const run = (...parts: P): CniOutcome => sandbox().cni(call(...parts));
  /** Runs a call that has to succeed. */
  const good = (...parts: P): CniOutcome => {
    const done = run(...parts);
    equal(done.status, 0, `${parts[0]}: ${done.stdout}${done.stderr}`);
    return done;
  };
  /** What is in nf_tables, and the files of the program. */
  const state = (): string[] => {
    const { nft, files } = sandbox().snapshot();
    return [...nft, ...files.filter((file) => file.includes("netloom"))];
  };
  /** Runs a call that has to fail with this code, and to change nothing. */
  const refusal = (code: number, ...parts: P): Refusal => {
    const before = state();
    const done = run(...parts);
    equal(done.status, 1, done.stdout);
    equal(done.json.code, code, done.stdout);
    deepEqual(state(), before, "nothing is changed");
    return done.json;
  };
  return { run, good, state, refusal };
}
