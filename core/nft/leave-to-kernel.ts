/**
 * Closing a socket without waiting for what the kernel does then.
 * @module
 */

import { isErrno } from "../errors.ts";
import { host } from "../host.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
/** struct sockaddr_un of the family alone: bind(2) picks an abstract name. */
const unnamed = new Uint8Array([AF_UNIX, 0]);
/** No descriptors or memory left, too many descriptors in flight, a sandbox without unix sockets: all this only costs time. */
const costsTime = [
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "ETOOMANYREFS",
  "EPERM",
  "EACCES",
  "EAFNOSUPPORT",
];

/**
 * Hands a second reference of `fd` to the kernel, so that closing ours no longer is the last close.
 *
 * The last close of an nfnetlink socket waits until all that was deleted in its namespace is freed, two RCU grace periods or
 * 7 to 17 ms, and a process ends only when that close returns. So the socket is sent to a unix socket that is sent to
 * itself with it; when both are closed nobody can receive them, and the kernel's collector of such sockets (net/unix/garbage.c) closes
 * them in its own time, once {@link wakeCollector} makes it look. Where it runs inside our own close, as in older kernels,
 * nothing is won and nothing lost.
 * @returns false when it could not be done; then the close waits
 */
export function leaveToKernel(fd: number): boolean {
  let carrier: number | undefined;
  try {
    carrier = host.socket(AF_UNIX, SOCK_DGRAM, 0);
    host.bind(carrier, unnamed);
    host.sendmsg(carrier, new Uint8Array(1), host.getsockname(carrier), [carrier, fd]);
    return true;
  } catch (error) {
    if (!isErrno(error, ...costsTime)) throw error;
    return false;
  } finally {
    if (carrier !== undefined) host.close(carrier);
  }
}

/** Wakes the collector: it looks whenever a unix socket closes, and what {@link leaveToKernel} left must be closed by then. */
export function wakeCollector(): void {
  try {
    host.close(host.socket(AF_UNIX, SOCK_DGRAM, 0));
  } catch (error) {
    if (!isErrno(error, ...costsTime)) throw error; // the next unix socket that any process closes wakes it
  }
}
