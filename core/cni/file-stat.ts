/**
 * Looking at paths that others chose.
 * @module
 */

import { isErrno } from "../errors.ts";
import { host } from "../host.ts";

/** What errno says about a path that leads nowhere, or nowhere we may look. */
const unreachable = ["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"];

/** stat(2); undefined for a path that leads nowhere. @throws {HostError} for everything else */
export function statIfReachable(path: string): HostStat | undefined {
  try {
    return host.stat(path);
  } catch (error) {
    if (isErrno(error, ...unreachable)) return undefined;
    throw error;
  }
}
