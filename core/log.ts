/**
 * Lines for people, on stderr. stdout belongs to the skeleton.
 * @module
 */

import { host } from "./host.ts";

const stderr = 2;
const POLLOUT = 4;
const PIPE_BUF = 4096;
const patienceMs = 1000;
const encoder = new TextEncoder();
let program = "";

/** Names the program in front of every later line; the skeleton calls it with the plugin's type. */
export function nameProgram(type: string): void {
  program = ` ${type}`;
}

/** Writes one line: `netloom bridge: text`. */
export function warn(text: string): void {
  writeStderr(`netloom${program}: ${text}\n`);
}

/** Writes text to stderr as it is, with what {@link writeStderrBytes} says about a stderr nobody reads. */
export function writeStderr(text: string, waitMs?: number): void {
  writeStderrBytes(encoder.encode(text), waitMs);
}

/**
 * Writes bytes to stderr, as a delegate's own. A stderr that is closed or broken, or that stays full for `waitMs`,
 * loses the text and nothing else: no call may fail or hang for want of a reader of its log.
 */
export function writeStderrBytes(bytes: Uint8Array, waitMs = patienceMs): void {
  try {
    for (let rest = bytes; rest.length > 0; ) {
      if (host.poll([{ fd: stderr, events: POLLOUT }], waitMs)[0] === 0) return;
      // poll promises room for this much in a pipe, so the write does not block
      rest = rest.subarray(host.write(stderr, rest.subarray(0, PIPE_BUF)));
    }
  } catch {
    // nobody reads stderr, and there is no other place to say so
  }
}
