/**
 * What a failing delegate said.
 * @module
 */

import { CniError, cniCode } from "../errors.ts";

const decoder = new TextDecoder("utf-8");
const LONGEST_QUOTE = 400;

/** The delegate's own error object with its code, msg and details; when it printed none, how it ended and its last words. */
export function readDelegateError(path: string, spawned: HostSpawned): CniError {
  return (!spawned.outputExceeded && ownError(spawned)) || endedBadly(path, spawned);
}

function ownError({ stdout }: HostSpawned): CniError | undefined {
  const { code, msg, details } = parsed(decoder.decode(stdout));
  if (typeof msg !== "string" || msg === "") return undefined;
  // 0 is no error code; plugins built on old libraries print it for failures of their own delegates
  const number = typeof code === "number" && code > 0 ? code : cniCode.internal;
  return new CniError(
    number,
    msg,
    typeof details === "string" && details !== "" ? { details } : {},
  );
}

function parsed(text: string): { code?: unknown; msg?: unknown; details?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    // anything may stand there; the caller then reports how the program ended
    return {};
  }
}

function endedBadly(path: string, spawned: HostSpawned): CniError {
  const { stdout, stderr } = spawned;
  const said = quoted(stderr) ?? quoted(stdout);
  const text = `${JSON.stringify(path)} ${ending(spawned)}`;
  return new CniError(cniCode.internal, said === undefined ? text : `${text}: ${said}`);
}

function ending({ status, signal, timedOut, outputExceeded }: HostSpawned): string {
  if (outputExceeded) return "printed too much";
  if (timedOut) return "was killed after a time-out";
  return signal === undefined
    ? `ended with exit status ${status} and no error object`
    : `was ended by signal ${signal}`;
}

/** The end of what was printed, where programs say why they stop. */
function quoted(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes).trim();
  if (text === "") return undefined;
  return text.length > LONGEST_QUOTE ? `…${text.slice(-LONGEST_QUOTE)}` : text;
}
