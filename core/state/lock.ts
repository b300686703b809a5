/**
 * Locks between processes that end with their holder, and that nobody waits for without end.
 * @module
 */

import { CniError, cniCode, during, explain, isErrno } from "../errors.ts";
import { host } from "../host.ts";
import { warn } from "../log.ts";
import { describeHolder } from "./lock-holder.ts";
import { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "./open-flags.ts";

const LOCK_EX = 2;
const LOCK_UN = 8;

/** A disk may be slow, and twenty others before us. */
const patienceMs = 30_000;

/** How {@link withLock} waits and what it makes. */
export interface LockOptions {
  /** How long to wait for another holder, in milliseconds. Default 30 s. */
  timeoutMs?: number;
  /** Permissions of a lock file that is made. */
  mode?: number;
}

/**
 * Runs `fn` while it holds the exclusive flock(2) of the file at `path`, which is made when missing and stays. The
 * directory must be there. The kernel gives the lock back when the holder dies, however it dies.
 * @throws {CniError} 11 when another process keeps it for too long, naming its pid, command and age; else as the errno
 * says: ENOENT without the directory, ELOOP for a symbolic link, EISDIR for a directory
 */
export function withLock<T>(path: string, options: LockOptions, fn: () => T): T {
  const { timeoutMs = patienceMs, mode = 0o600 } = options;
  const fd = during(`lock ${JSON.stringify(path)}`, () => openLocked(path, mode, timeoutMs));
  try {
    return fn();
  } finally {
    release(fd, path);
  }
}

/** The lock is free even when close(2) reports an error, as FUSE may: what was done under it stands. */
function release(fd: number, path: string): void {
  try {
    host.close(fd);
  } catch (error) {
    warn(`close lock ${JSON.stringify(path)}: ${explain(error)}`);
  }
}

function openLocked(path: string, mode: number, timeoutMs: number): number {
  const fd = host.open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode);
  try {
    takeLock(fd, timeoutMs);
    return fd;
  } catch (error) {
    host.close(fd);
    throw error;
  }
}

/**
 * Same as {@link withLock} for a directory that is there, which leaves no file.
 * @throws {CniError} as {@link withLock}
 */
export function withDirectoryLock<T>(path: string, fn: () => T): T {
  const fd = host.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    during(`lock ${JSON.stringify(path)}`, () => takeLock(fd));
    return fn();
  } finally {
    tryGiveLock(fd); // if the descriptor stayed open, this process would wait for itself
    release(fd, path);
  }
}

/** Closing gives it back as well. */
function tryGiveLock(fd: number): void {
  try {
    giveLock(fd);
  } catch (error) {
    warn(`give a lock back: ${explain(error)}`);
  }
}

/**
 * Takes the exclusive flock(2) of an open file, for as long as it is open.
 * @throws {CniError} 11 when another process keeps it for too long
 */
export function takeLock(fd: number, timeoutMs = patienceMs): void {
  try {
    host.flock(fd, LOCK_EX, timeoutMs);
  } catch (cause) {
    if (!isErrno(cause, "ETIMEDOUT")) throw cause;
    const held = `held by ${describeHolder(host.fstat(fd))}`;
    throw new CniError(cniCode.tryAgain, held, { details: `waited ${timeoutMs} ms`, cause });
  }
}

/** Gives it back while the file stays open. */
export function giveLock(fd: number): void {
  host.flock(fd, LOCK_UN);
}
