/**
 * Which network namespace a lease belongs to, and finding it again.
 *
 * Nothing here is kept open: a descriptor or a socket of a namespace keeps it, and its links, alive after the pod.
 * @see namespaces(7), SO_NETNS_COOKIE in include/uapi/asm-generic/socket.h
 * @module
 */

import { explain, isErrno } from "../core/errors.ts";
import { host } from "../core/host.ts";
import { writeStderr } from "../core/log.ts";
import { isAway, Netns } from "../core/net/netns.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;

/** What a namespace is known by. */
export interface NamespaceIdentity {
  /** Device and inode, as `4:4026532201`. The kernel gives the inode of a namespace that is gone to a new one. */
  file: string;
  /** A number that no other namespace has until the machine is started anew; empty before Linux 5.14. */
  cookie: string;
}

/** The identity of an open namespace. */
export function identityOf(netns: Netns): NamespaceIdentity {
  return { file: netns.identity(), cookie: visit(netns, cookieHere) };
}

/**
 * Runs `fn` in a namespace. A daemon that could not come back would serve the pod's network as if it were the host's: it ends then, and
 * the service manager starts it anew.
 */
export function visit<T>(netns: Netns, fn: () => T): T {
  try {
    return netns.run(fn);
  } catch (error) {
    if (!isAway()) throw error;
    writeStderr(`cannot leave "${netns.path}", so ends: ${explain(error)}\n`);
    return host.exit(1);
  }
}

function cookieHere(): string {
  const fd = host.socket(AF_UNIX, SOCK_DGRAM, 0);
  try {
    return host.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, 8).reverse().join(".");
  } catch (error) {
    if (isErrno(error, "ENOPROTOOPT")) return "";
    throw error;
  } finally {
    host.close(fd);
  }
}

/** Folders in which runtimes and `ip netns` keep namespaces. */
const folders = ["/run/netns", "/run/docker/netns"];

/**
 * Runs `fn` in that namespace, wherever it is now: at the path it had, at another, or in use by a process.
 * @param prefix put before every path but `hint`
 * @returns where it was, and what `fn` returned; undefined when it is gone
 */
export function visitAnywhere<T>(
  wanted: NamespaceIdentity,
  hint: string,
  prefix: string,
  fn: (netns: Netns) => T,
): { path: string; value: T } | undefined {
  for (const path of places(hint, prefix)) {
    using netns = openSameFile(path, wanted);
    if (netns === undefined) continue;
    const visited = visit(netns, () =>
      cookieHere() === wanted.cookie ? { path, value: fn(netns) } : undefined,
    );
    if (visited !== undefined) return visited;
  }
  return undefined;
}

function* places(hint: string, prefix: string): Generator<string> {
  yield hint;
  for (const folder of folders) yield* entries(prefix + folder);
  for (const path of entries(`${prefix}/proc`)) if (/\/\d+$/.test(path)) yield `${path}/ns/net`;
}

/** Whether the path leads to a file of that namespace's device and inode. */
export function isSameFile(path: string, { file }: NamespaceIdentity): boolean {
  try {
    const { dev, ino } = host.stat(path);
    return `${dev}:${ino}` === file;
  } catch (error) {
    // gone, or of a process that has ended or that we may not look into
    if (isErrno(error, "ENOENT", "ENOTDIR", "ESRCH", "EACCES", "EPERM", "ELOOP")) return false;
    throw error;
  }
}

function openSameFile(path: string, wanted: NamespaceIdentity): Netns | undefined {
  if (!isSameFile(path, wanted)) return undefined; // a pipe or a device is not opened
  const netns = Netns.openIfPresent(path);
  if (netns?.identity() === wanted.file) return netns;
  netns?.[Symbol.dispose](); // another has come to lie there meanwhile
  return undefined;
}

function entries(folder: string): string[] {
  try {
    return host.readdir(folder).map((name) => `${folder}/${name}`);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return [];
    throw error;
  }
}
