/**
 * Network namespaces: opening the one a runtime names, and working in it.
 * @see namespaces(7), setns(2), ioctl_ns(2)
 * @module
 */

import { CniError, cniCode, during, isErrno } from "../errors.ts";
import { host } from "../host.ts";
import { warn } from "../log.ts";
import { giveLock, takeLock } from "../state/lock.ts";

const NSFS_MAGIC = 0x6e736673;
const CLONE_NEWNET = 0x40000000;
const NS_GET_NSTYPE = 0xb703;
const O_NONBLOCK = 0o4000;
const ownPath = "/proc/self/ns/net";
/** What statfs(2) and open(2) say about a path that leads nowhere. */
const absent = ["ENOENT", "ENOTDIR"];
/** And about one that cannot lead anywhere. Other errors say nothing about what is there. */
const impossible = ["ELOOP", "ENAMETOOLONG"];

/** Where the process is: the descriptors of the namespace it has entered and of its own. Undefined while at home. */
let inside: { readonly fd: number; readonly home: number } | undefined;

/** Whether the process is in another namespace than its own: within {@link Netns.run}, or after it could not come back. */
export function isAway(): boolean {
  return inside !== undefined;
}

/** A network namespace that is held open until it is disposed. */
export class Netns implements Disposable {
  /** The path as it was given. */
  readonly path: string;
  /** The open descriptor, for messages that name a namespace; undefined for {@link Netns.current}. */
  get fd(): number | undefined {
    return this.#fd;
  }
  readonly #fd: number | undefined;
  #home: number | undefined;

  private constructor(path: string, fd: number | undefined) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Opens the network namespace at `path`. Nothing that may block, or that opening would change, is ever opened.
   * @throws {CniError} 4 that names CNI_NETNS and the path, when it leads to nothing or to something else
   */
  static open(path: string): Netns {
    requireNsfs(path);
    const fd = during(`open CNI_NETNS "${path}"`, () => host.open(path, O_NONBLOCK));
    try {
      requireNetworkNamespace(path, fd);
    } catch (error) {
      host.close(fd);
      throw error;
    }
    return new Netns(path, fd);
  }

  /**
   * Opens the namespace for DEL: undefined when there is no path, nothing at the path (the runtime may have removed it
   * already), or something that is no network namespace, which is said on stderr.
   * @throws HostError ENOMEM, EIO…: it may be there, and so may what DEL has to remove in it
   */
  static openIfPresent(path: string | undefined): Netns | undefined {
    if (path === undefined || path === "") return undefined;
    try {
      return Netns.open(path);
    } catch (error) {
      if (!(error instanceof CniError) || error.code !== cniCode.badEnvironment) throw error;
      if (!isErrno(error, ...absent)) warn(`${error.message}; going on without it`);
      return undefined;
    }
  }

  /** The namespace the process was started in. */
  static current(): Netns {
    return new Netns(ownPath, undefined);
  }

  /** True when both are the same namespace, whatever their paths. */
  isSame(other: Netns): boolean {
    return this.identity() === other.identity();
  }

  /** Device and inode, as `4:4026532201`: what a record knows a namespace by. */
  identity(): string {
    const { dev, ino } = this.#fd === undefined ? host.stat(ownPath) : host.fstat(this.#fd);
    return `${dev}:${ino}`;
  }

  /** Runs `fn` in this namespace and returns to the one before, also when `fn` throws. May be nested. */
  run<T>(fn: () => T): T {
    if (inside === undefined && this.#fd === undefined) return fn();
    const before = inside;
    const home = before?.home ?? this.#ownDescriptor();
    const fd = this.#fd ?? home;
    during(`enter "${this.path}"`, () => host.setns(fd, CLONE_NEWNET));
    inside = { fd, home };
    try {
      return fn();
    } finally {
      enterAgain(before?.fd ?? home);
      inside = before;
    }
  }

  /**
   * Runs `fn` while others who lock this namespace wait, by whatever path they have opened it. When `fn` throws they wait until
   * this one is disposed, and with it what is undone.
   * @throws {CniError} 11 when another process keeps it for too long
   */
  locked<T>(fn: () => T): T {
    this.lock();
    const value = fn();
    if (this.#fd !== undefined) giveLock(this.#fd);
    return value;
  }

  /** Others who lock this namespace wait until this one is disposed. @throws {CniError} 11 as {@link locked} */
  lock(): void {
    const fd = this.#fd;
    if (fd !== undefined) during(`lock CNI_NETNS "${this.path}"`, () => takeLock(fd));
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) host.close(this.#fd);
    if (this.#home !== undefined) host.close(this.#home);
    this.#home = undefined;
  }

  #ownDescriptor(): number {
    this.#home ??= host.open(ownPath, 0);
    return this.#home;
  }
}

/** Goes back to where the process was: if that failed, the undos that follow would work in the container's namespace. */
function enterAgain(fd: number): void {
  try {
    host.setns(fd, CLONE_NEWNET);
  } catch {
    host.setns(fd, CLONE_NEWNET); // once more, for what passes: ENOMEM
  }
}

/**
 * Runs `fn` in a network namespace that is made for it and ends with it: for trying what would change this one.
 * @throws HostError EPERM, ENOSPC…: there can be none
 */
export function inScratchNetns<T>(fn: () => T): T {
  const home = host.open(ownPath, 0);
  try {
    host.unshare(CLONE_NEWNET);
    try {
      return fn();
    } finally {
      enterAgain(home);
    }
  } finally {
    host.close(home);
  }
}

/** statfs(2) opens nothing: a FIFO cannot block it, a device cannot be started by it. */
function requireNsfs(path: string): void {
  let type: number;
  try {
    type = host.statfs(path).type;
  } catch (cause) {
    if (!isErrno(cause, ...absent, ...impossible)) throw cause;
    throw notNamespace(path, { cause });
  }
  if (type !== NSFS_MAGIC) {
    throw notNamespace(path, { details: "it lies in a file system that holds no namespaces" });
  }
}

function requireNetworkNamespace(path: string, fd: number): void {
  if (host.ioctl(fd, NS_GET_NSTYPE, 0) !== CLONE_NEWNET) {
    throw notNamespace(path, { details: "it is a namespace of another kind" });
  }
}

function notNamespace(path: string, options: { cause?: unknown; details?: string }): CniError {
  const message = `CNI_NETNS names no network namespace: "${path}"`;
  return new CniError(cniCode.badEnvironment, message, options);
}
