/**
 * Small files of state: read with a bound, written so that nobody ever sees half of one.
 *
 * Nothing here calls fsync: what lies in /run ends with the boot, and host-local's reservations are void after one
 * (its README says why), so a power cut has nothing to lose.
 * @module
 */

import { failureOf, isErrno, unlessErrno } from "../errors.ts";
import { host } from "../host.ts";
import { warn } from "../log.ts";
import {
  isDirectory,
  isRegularFile,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_TMPFILE,
  O_WRONLY,
} from "./open-flags.ts";

/**
 * The whole file; undefined when there is none.
 * @param limit most bytes it may have
 * @param follow whether the last part of the path may be a symbolic link
 * @throws HostError ELOOP for a symbolic link that is not followed
 * @throws Error `"/path" is no regular file` or `"/path" has more than 4096 bytes`
 */
export function readFileIfPresent(
  path: string,
  limit: number,
  { follow = false }: { follow?: boolean } = {},
): Uint8Array | undefined {
  const fd = openIfPresent(path, O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
  if (fd === undefined) return undefined;
  try {
    const found = host.fstat(fd);
    if (!isRegularFile(found)) throw new Error(`${JSON.stringify(path)} is no regular file`);
    const bytes = found.size > limit ? undefined : readAll(fd, found.size, limit);
    if (bytes === undefined)
      throw new Error(`${JSON.stringify(path)} has more than ${limit} bytes`);
    return bytes;
  } finally {
    host.close(fd);
  }
}

/** Files of /proc tell a size of 0: those are read until nothing comes. Undefined beyond the limit. */
function readAll(fd: number, size: number, limit: number): Uint8Array | undefined {
  const chunk = size > 0 ? size + 1 : Math.min(limit + 1, 65536);
  const parts: Uint8Array[] = [];
  for (let length = 0; length <= limit; ) {
    const part = host.read(fd, chunk);
    length += part.length;
    parts.push(part);
    if (length > limit) break;
    if (part.length === 0 || (size > 0 && part.length < chunk)) return joined(parts, length);
  }
  return undefined;
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function openIfPresent(path: string, flags: number): number | undefined {
  return unlessErrno(["ENOENT"], () => host.open(path, flags));
}

/** Writes all bytes to an open file. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(host.write(fd, rest));
}

/** Removes a file. @returns false when there was none */
export function unlinkIfPresent(path: string): boolean {
  const isRemoved = unlessErrno(["ENOENT"], () => {
    host.unlink(path);
    return true;
  });
  return isRemoved ?? false;
}

/**
 * Removes what lies at a path: a file, a link, an empty directory. A directory that holds something is not ours, stays, and is named on
 * stderr.
 */
export function removeEntry(path: string): void {
  try {
    unlinkIfPresent(path);
  } catch (error) {
    if (!isErrno(error, "EISDIR")) throw error;
    if (!removeIfEmpty(path)) warn(`leaves ${JSON.stringify(path)} alone: it is a directory`);
  }
}

/** Removes a directory. @returns whether it is gone; false when it holds something */
export function removeIfEmpty(directory: string): boolean {
  const error = failureOf(() => host.rmdir(directory));
  if (error === undefined || isErrno(error, "ENOENT", "ENOTDIR")) return true;
  // EBUSY: somebody mounted something there
  if (isErrno(error, "ENOTEMPTY", "EEXIST", "EBUSY")) return false;
  throw error;
}

/**
 * Creates a file that has its content from the first moment it has its name. It never follows a symbolic link at
 * `path`, and leaves nothing behind when it fails; a kill leaves at most a file whose name {@link isTemporaryName} knows.
 * @returns what fstat tells of it; undefined when the name is taken, by whatever it is
 */
export function createFileAtomically(
  path: string,
  bytes: Uint8Array,
  mode = 0o600,
): HostStat | undefined {
  let isLinked = false;
  try {
    return withNewFile(path, bytes, mode, (fd) => {
      const stat = host.fstat(fd); // before it has its name: nothing that can fail comes after that
      isLinked = linkIfFree(fd, path);
      return isLinked ? stat : undefined;
    });
  } catch (error) {
    if (isLinked) unlinkIfPresent(path); // what was written was lost at close(2)
    throw error;
  }
}

/** @returns false when the name is taken */
function linkIfFree(fd: number, path: string): boolean {
  try {
    host.linkat(fd, path);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

/** Creates or replaces a file in one step; a symbolic link at `path` is replaced, not followed. */
export function writeFileAtomically(path: string, bytes: Uint8Array, mode = 0o600): void {
  if (createFileAtomically(path, bytes, mode) !== undefined) return;
  const temporary = temporaryPath(path);
  writeNamed(temporary, bytes, mode, () => host.rename(temporary, path));
}

/** Hands an open file with the content to `fn`: one without a name where the file system has such (O_TMPFILE). */
function withNewFile<T>(path: string, bytes: Uint8Array, mode: number, fn: (fd: number) => T): T {
  const fd = openUnnamed(directoryOf(path), mode);
  if (fd === undefined) return writeNamed(temporaryPath(path), bytes, mode, fn);
  try {
    writeAll(fd, bytes);
    return fn(fd);
  } finally {
    host.close(fd);
  }
}

/** EOPNOTSUPP is a file system without O_TMPFILE, EISDIR a kernel without it. */
function openUnnamed(directory: string, mode: number): number | undefined {
  try {
    return host.open(directory, O_TMPFILE | O_WRONLY, mode);
  } catch (error) {
    if (isErrno(error, "EOPNOTSUPP", "EISDIR", "EINVAL")) return undefined;
    throw error;
  }
}

function writeNamed<T>(
  temporary: string,
  bytes: Uint8Array,
  mode: number,
  fn: (fd: number) => T,
): T {
  const fd = host.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    try {
      writeAll(fd, bytes);
      return fn(fd);
    } finally {
      host.close(fd);
    }
  } finally {
    unlinkIfPresent(temporary);
  }
}

const temporaryPrefix = ".netloom-tmp-";

function temporaryPath(path: string): string {
  const random = Array.from(host.getrandom(8), (byte) => byte.toString(16).padStart(2, "0"));
  return `${directoryOf(path)}/${temporaryPrefix}${random.join("")}`;
}

/** True for the name a file has while it is written; one that stays was left by a kill and means nothing. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(temporaryPrefix);
}

/** The path without its last part. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : path.slice(0, slash);
}

/**
 * Makes a directory and those missing above it. A `mode` without bits for group and others is a promise: then a
 * directory that is there already must be one, no link to one, ours, and closed to others as well.
 * @throws Error `"/path" is no directory`, `… belongs to uid 1000`, `… has mode 777, want 700`
 */
export function ensureDirectory(path: string, mode: number): void {
  const error = failureOf(() => host.mkdir(path, mode));
  if (error === undefined) return;
  if (isErrno(error, "ENOENT") && directoryOf(path) !== path) {
    ensureDirectory(directoryOf(path), mode);
    ensureDirectory(path, mode);
    return;
  }
  // EROFS and EACCES come before EEXIST on some file systems, though the directory is there
  if (!isErrno(error, "EEXIST", "EROFS", "EACCES", "EPERM")) throw error;
  checkDirectory(path, mode, error);
}

function checkDirectory(path: string, mode: number, cause: unknown): void {
  const shared = (mode & 0o077) !== 0;
  const found = statIfPresent(path, shared);
  if (found === undefined) throw cause;
  const quoted = JSON.stringify(path);
  if (!isDirectory(found)) throw new Error(`${quoted} is no directory`, { cause });
  if (shared) return;
  if (found.uid !== host.geteuid()) throw new Error(`${quoted} belongs to uid ${found.uid}`);
  if ((found.mode & 0o077 & ~mode) !== 0) {
    const octal = (found.mode & 0o7777).toString(8);
    throw new Error(`${quoted} has mode ${octal}, want ${mode.toString(8)}`);
  }
}

function statIfPresent(path: string, follow: boolean): HostStat | undefined {
  return unlessErrno(["ENOENT"], () => (follow ? host.stat(path) : host.lstat(path)));
}
