/**
 * Looking at paths that others chose.
 * @module
 */

import { explain, isErrno } from "../errors.ts";
import { host } from "../host.ts";

/** What errno says about a path that leads nowhere, or nowhere we may look. */
const unreachable = ["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"];

/**
 * stat(2); undefined for a path that leads nowhere. `tell` is told of one where we may not look.
 * @throws {HostError} for everything else
 */
export function statIfReachable(
  path: string,
  tell: (why: string) => void = () => {},
): HostStat | undefined {
  try {
    return host.stat(path);
  } catch (error) {
    if (isErrno(error, "EACCES")) tell(explain(error));
    if (isErrno(error, ...unreachable)) return undefined;
    throw error;
  }
}
