/**
 * The files of one network: reservations, the last address of each range set, the lock. Names, contents and modes are
 * upstream's, so that its host-local and this one can take turns on a live host.
 * @module
 */

import { CniError, cniCode, during, isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { warn } from "../../core/log.ts";
import { formatIp, parseIp } from "../../core/net/address.ts";
import {
  createFileAtomically,
  ensureDirectory,
  isTemporaryName,
  readFileIfPresent,
  unlinkIfPresent,
  writeAll,
  writeFileAtomically,
} from "../../core/state/file.ts";
import { withLock } from "../../core/state/lock.ts";
import {
  isDirectory,
  isRegularFile,
  O_CREAT,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} from "../../core/state/open-flags.ts";
import { formatOwner, type Owner, parseOwner } from "../../core/state/reservation-owner.ts";

/** The stamp of a reservation whose file could not be read. */
export const unreadable = "?";

const largestContent = 65536;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** One reservation file. */
export interface Reservation {
  /** The file's name: the address. */
  ip: string;
  /** What distinguishes this file from a later one of the same name: inode and time of its content. */
  stamp: string;
  /** Absent when the content names nobody; then `problem` says what is wrong. */
  owner?: Owner;
  problem?: string;
  /** Seconds since 1970 by the clock of the time. */
  mtime: number;
}

/** The directory of one network below `dataDir`. */
export class Store {
  readonly directory: string;

  constructor(dataDir: string, network: string) {
    this.directory = `${dataDir}/${network}`;
  }

  path(name: string): string {
    return `${this.directory}/${name}`;
  }

  /** Makes the directory when it is missing. */
  ensure(): void {
    if (this.stat() !== undefined) return;
    during(`make directory ${JSON.stringify(this.directory)}`, () => {
      ensureDirectory(this.directory, 0o755);
    });
  }

  /** What stat tells of the directory; undefined when it is missing. */
  stat(): HostStat | undefined {
    let found: HostStat;
    try {
      found = host.stat(this.directory);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
    if (isDirectory(found)) return found;
    throw new CniError(cniCode.io, `${JSON.stringify(this.directory)} is no directory`);
  }

  /** Runs `fn` under the lock that upstream takes too. The directory must be there. */
  locked<T>(fn: () => T): T {
    return withLock(this.path("lock"), { mode: 0o750 }, fn);
  }

  /** Names of all reservations, in the order of the directory. */
  reservedIps(): string[] {
    return host.readdir(this.directory).filter(isIpName);
  }

  /** Removes what a killed process left half made; only under the lock. */
  removeLeftovers(): void {
    for (const name of host.readdir(this.directory)) {
      if (isTemporaryName(name)) unlinkIfPresent(this.path(name));
    }
  }

  /**
   * The reservation of an address; undefined when it has none. A file that is bad or cannot be read has a `problem`;
   * only what this process lacks is thrown.
   */
  reservation(ip: string): Reservation | undefined {
    try {
      return this.#read(ip);
    } catch (error) {
      if (isErrno(error, "EMFILE", "ENFILE", "ENOMEM")) throw error;
      if (isErrno(error, "ELOOP")) return { ip, stamp: "link", problem: "is a link", mtime: 0 };
      const problem = error instanceof Error ? error.message : String(error);
      return { ip, stamp: unreadable, problem, mtime: 0 };
    }
  }

  #read(ip: string): Reservation | undefined {
    const fd = this.#open(ip);
    if (fd === undefined) return undefined;
    try {
      const stat = host.fstat(fd);
      const { mtime } = stat;
      const stamp = stampOf(stat);
      if (!isRegularFile(stat)) return { ip, stamp, mtime, problem: "is no regular file" };
      // one byte more tells a file that is too long; its name is the address, so nothing can be wrong but the content
      const content = decoder.decode(host.read(fd, Math.min(stat.size, largestContent) + 1));
      const owner = content.length > largestContent ? undefined : parseOwner(content);
      if (owner !== undefined) return { ip, stamp, mtime, owner };
      return { ip, stamp, mtime, problem: stat.size === 0 ? "is empty" : "names no container" };
    } finally {
      host.close(fd);
    }
  }

  #open(ip: string): number | undefined {
    try {
      return host.open(this.path(ip), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  /**
   * Reserves an address: its file is there with its content, or not at all.
   * @returns the new file's stamp; undefined when the address is taken
   */
  reserve(ip: string, owner: Required<Owner>): string | undefined {
    return during(`reserve ${ip} in ${JSON.stringify(this.directory)}`, () => {
      const content = encoder.encode(formatOwner(owner));
      const stat = createFileAtomically(this.path(ip), content, 0o600);
      return stat && stampOf(stat);
    });
  }

  /** Frees an address; one that is free already is fine. */
  release(ip: string): void {
    during(`release ${ip} in ${JSON.stringify(this.directory)}`, () => {
      unlinkIfPresent(this.path(ip));
    });
  }

  /** The address that was handed out last from range set `index`; undefined when nothing usable is written down. */
  lastReserved(index: number): Uint8Array | undefined {
    try {
      const bytes = readFileIfPresent(this.path(lastName(index)), 64);
      return bytes && parseIp(decoder.decode(bytes));
    } catch {
      return undefined; // it only says where to look first, so a broken one costs nothing but the order
    }
  }

  /**
   * Writes down the address that was handed out last, over the old text, which takes no room on a full disk. A directory in
   * its place that is not empty is named on stderr and costs nothing but the order.
   */
  setLastReserved(index: number, ip: Uint8Array): void {
    const path = this.path(lastName(index));
    const bytes = encoder.encode(formatIp(ip));
    during(`write ${JSON.stringify(path)}`, () => {
      if (overwrite(path, bytes)) return;
      if (removeDirectory(path)) writeFileAtomically(path, bytes, 0o600);
      else warn(`steps over ${JSON.stringify(path)}: it is a directory`);
    });
  }
}

/** @returns false when there is one that holds something */
function removeDirectory(path: string): boolean {
  try {
    host.rmdir(path);
  } catch (error) {
    if (isErrno(error, "ENOTEMPTY", "EEXIST", "EBUSY")) return false;
    if (!isErrno(error, "ENOTDIR", "ENOENT")) throw error;
  }
  return true;
}

function lastName(index: number): string {
  return `last_reserved_ip.${index}`;
}

/** @returns false when something other than a regular file lies there, which is then to be replaced */
function overwrite(path: string, bytes: Uint8Array): boolean {
  let fd: number;
  try {
    fd = host.open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    // ELOOP: a symbolic link; ENXIO: a FIFO without reader
    if (isErrno(error, "ELOOP", "ENXIO", "EISDIR")) return false;
    throw error;
  }
  try {
    const stat = host.fstat(fd);
    if (!isRegularFile(stat)) return false;
    writeAll(fd, bytes);
    if (stat.size > bytes.length) host.ftruncate(fd, bytes.length);
    return true;
  } finally {
    host.close(fd);
  }
}

/** Inode and time, by which a file is known again. */
export function stampOf({ ino, mtime }: { ino: number; mtime: number }): string {
  return `${ino}:${mtime}`;
}

/** True for names that can be an address; `lock`, `last_reserved_ip.0` and our own files are none. */
function isIpName(name: string): boolean {
  return /^[0-9a-f:.]*[:.][0-9a-f:.]*$/.test(name) && name.charCodeAt(0) !== 46;
}
