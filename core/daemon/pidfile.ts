/**
 * The file that tells a daemon's pid.
 * @module
 */

import { host } from "../host.ts";
import { writeFileAtomically } from "../state/file.ts";

/** Writes our pid in decimal, without a line's end. @throws Error `path not absolute`, as upstream says it */
export function writePidfile(path: string): void {
  if (!path.startsWith("/")) {
    throw new Error(`Error writing pidfile ${JSON.stringify(path)}: path not absolute`);
  }
  writeFileAtomically(path, new TextEncoder().encode(String(host.getpid())), 0o644);
}
