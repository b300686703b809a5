/**
 * Whether a reservation could be written, found out without leaving anything.
 * @module
 */

import { isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { directoryOf, writeAll } from "../../core/state/file.ts";
import { O_TMPFILE, O_WRONLY } from "../../core/state/open-flags.ts";

const W_OK = 2;

/**
 * Writes one byte into a file that never gets a name, in the directory or, where that is still to be made, in the
 * nearest one above it.
 * @throws HostError ENOSPC, EROFS, EACCES…: what an ADD would meet
 */
export function probeDirectory(path: string): void {
  try {
    probe(path);
  } catch (error) {
    const parent = directoryOf(path);
    if (!isErrno(error, "ENOENT") || parent === path) throw error;
    probeDirectory(parent);
  }
}

function probe(path: string): void {
  const fd = openUnnamed(path);
  if (fd === undefined) {
    host.access(path, W_OK);
    return;
  }
  try {
    writeAll(fd, Uint8Array.of(0));
  } finally {
    host.close(fd);
  }
}

function openUnnamed(path: string): number | undefined {
  try {
    return host.open(path, O_TMPFILE | O_WRONLY, 0o600);
  } catch (error) {
    // a file system (EOPNOTSUPP) or a kernel (EISDIR) without O_TMPFILE
    if (isErrno(error, "EOPNOTSUPP", "EISDIR", "EINVAL")) return undefined;
    throw error;
  }
}
