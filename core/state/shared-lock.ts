/**
 * One at a time where attachments share something of the host that goes with the last of them.
 * @module
 */

import { ensureDirectory } from "./file.ts";
import { withDirectoryLock } from "./lock.ts";
import { recordsRoot } from "./record.ts";

/**
 * Runs `fn` while no other program of ours does the like. The lock is the folder of the records: it leaves no file, and ends
 * with its holder.
 * @throws {CniError} 11 when another process keeps it for too long
 */
export function withSharedLock<T>(fn: () => T): T {
  ensureDirectory(recordsRoot, 0o700);
  return withDirectoryLock(recordsRoot, fn);
}
