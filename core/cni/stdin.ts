/**
 * Reading standard input.
 * @module
 */

import { CniError, cniCode, isErrno } from "../errors.ts";
import { host } from "../host.ts";

const stdin = 0;
const POLLIN = 1;
const CLOCK_MONOTONIC = 1;
const FIRST_READ = 8 << 10;
const LARGEST_READ = 1 << 20;

/** All of stdin, to its end. @throws {CniError} 5 when it cannot be read */
export function readStdin(): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = FIRST_READ;
  try {
    for (let chunk = host.read(stdin, length); chunk.length > 0; chunk = host.read(stdin, length)) {
      chunks.push(chunk);
      // a full pipe gives 64 KiB at most, a file as much as it is asked for
      if (chunk.length === length) length = Math.min(length * 8, LARGEST_READ);
    }
  } catch (cause) {
    // anything but the kernel's refusal is a lack of memory
    if (!isErrno(cause)) throw cause;
    throw new CniError(cniCode.io, "error reading from stdin", { cause });
  }
  return joined(chunks);
}

/**
 * What stdin gives within `timeoutMs`, its end or the first piece that `isEnough`; never fails.
 * @returns nothing when it is closed, idle or broken
 */
export function peekStdin(timeoutMs: number, isEnough: (bytes: Uint8Array) => boolean): Uint8Array {
  const chunks: Uint8Array[] = [];
  const deadline = host.clockGettime(CLOCK_MONOTONIC) + timeoutMs;
  try {
    for (let left = timeoutMs; left > 0; left = deadline - host.clockGettime(CLOCK_MONOTONIC)) {
      if (host.poll([{ fd: stdin, events: POLLIN }], left)[0] === 0) break;
      const chunk = host.read(stdin, FIRST_READ);
      if (chunk.length === 0) break;
      chunks.push(chunk);
      if (isEnough(joined(chunks))) break;
    }
  } catch {
    // VERSION answers whatever stdin is, so what was read until now has to do
  }
  return joined(chunks);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
