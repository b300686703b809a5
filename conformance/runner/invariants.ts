/**
 * What holds of every execution, whatever was asked (checklist 0.3), as far as it can be seen at one execution.
 * @module
 */
import { type Outcome, slowness } from "../../test/kernel/enter.ts";

/** A program that has no reason to wait ends within this. */
const BOUND_MS = 10_000 * slowness;

/** A promise that was not kept. */
export class Broken extends Error {}

/** @throws {Broken} unless the condition holds */
export function promise(condition: unknown, text: string): asserts condition {
  if (!condition) throw new Broken(text);
}

function decode(stdout: string): unknown {
  if (stdout.trim() === "") return undefined;
  promise(!stdout.includes("\u001b["), "stdout has colours");
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Broken("stdout is not one JSON document");
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** 1.L: `code` an integer that is not 0, `msg` a text, `details` a text if it is there. */
function isErrorObject(json: unknown): void {
  promise(isObject(json), "a failure without an error object on stdout");
  const { code, msg, details = "" } = json;
  promise(Number.isInteger(code) && Number(code) > 0, `error code ${JSON.stringify(code)}`);
  promise(typeof msg === "string" && msg !== "", "an error object without msg");
  promise(typeof details === "string", "an error object whose details are no text");
}

/**
 * The program ended by itself and in time; stdout holds one JSON document or nothing, and an error object exactly when the exit
 * status says failure.
 * @returns stdout as JSON, `undefined` when it is empty
 * @throws {Broken}
 */
export function holdsAlways({ status, signal, stdout, ms }: Outcome, boundMs = BOUND_MS): unknown {
  promise(signal === null, `ended by signal ${signal}`);
  promise(ms < boundMs, `took ${Math.round(ms)} ms`);
  const json = decode(stdout);
  if (status === 0) promise(!isObject(json) || !("code" in json), "exit status 0 with an error");
  else isErrorObject(json);
  return json;
}
