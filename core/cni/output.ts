/**
 * stdout: one JSON document, or nothing.
 * @module
 */

import { CniError, cniCode, cniErrorOf, isErrno, rootCause } from "../errors.ts";
import { host } from "../host.ts";
import { warn, writeStderr } from "../log.ts";
import { mappedStack } from "./stack.ts";
import type { SpecVersion } from "./versions.ts";

const stdout = 1;
const POLLOUT = 4;
const encoder = new TextEncoder();

/** Made when the program is built, for the moment when there is no memory to make it. */
const lastResort = encoder.encode(
  `{"cniVersion": "1.1.0", "code": ${cniCode.internal}, "msg": "out of memory"}`,
);

/** Prints all of `text`. @throws {CniError} 5 when stdout is closed, full, or read by nobody */
export function printStdout(text: string): void {
  try {
    writeAll(encoder.encode(text));
  } catch (cause) {
    throw new CniError(cniCode.io, "print the result", { cause });
  }
}

function writeAll(bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0; ) {
    try {
      rest = rest.subarray(host.write(stdout, rest));
    } catch (error) {
      // a non-blocking pipe that is full
      if (!isErrno(error, "EAGAIN")) throw error;
      host.poll([{ fd: stdout, events: POLLOUT }], -1);
    }
  }
}

/** Prints the error object; where a mistake of our own is the cause, its trace goes to stderr. Never throws. */
export function printError(error: unknown, version: SpecVersion): void {
  try {
    const text = formatError(error, version);
    reportMistake(error);
    printErrorText(text);
  } catch {
    // out of memory, most likely: say what needs none
    printErrorText(undefined);
  }
}

function printErrorText(text: string | undefined): void {
  try {
    writeAll(text === undefined ? lastResort : encoder.encode(text));
  } catch {
    // nobody reads stdout; the exit status still tells
    if (text !== undefined) warn(`stdout takes no error: ${text}`);
  }
}

/** The error object of SPEC.md "Error". */
export function formatError(error: unknown, version: SpecVersion): string {
  const { code, message, details } = cniErrorOf(error);
  const rights = isErrno(error, "EPERM", "EACCES")
    ? "no permission: it needs root's capabilities"
    : "";
  const explained = [details, rights].filter((text) => !!text).join("; ");
  const document = {
    cniVersion: version,
    code,
    msg: message === "" ? "unknown error" : message,
    ...(explained === "" ? {} : { details: explained }),
  };
  return JSON.stringify(document, null, 4);
}

/** An error that no layer expected has a trace; one that was worded for people has not. */
function reportMistake(error: unknown): void {
  const root = rootCause(error);
  if (root instanceof CniError || !(root instanceof Error)) return;
  if (cniErrorOf(error).code !== cniCode.internal) return; // some layer knew what it means
  if (typeof (root as { code?: unknown }).code === "string") return;
  const stack = mappedStack(root.stack ?? "");
  const title = `${root.name}: ${root.message}`;
  // some engines begin the trace with the message, QuickJS does not
  writeStderr(stack.startsWith(title) ? `${stack}\n` : `${title}\n${stack}\n`);
}
