/**
 * Unix sockets: their addresses, listening, and who is at the other end.
 * @see unix(7)
 * @module
 */

import { CniError, cniCode, during } from "../errors.ts";
import { host } from "../host.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_ACCEPTCONN = 30;
const backlog = 4096;
/** sizeof(sun_path), in which a path ends with a zero. */
const SUN_PATH = 108;

/** struct sockaddr_un of a path, or of an abstract name that is written with "@". @throws {CniError} 4 when it does not fit */
export function unixAddress(path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path);
  const isAbstract = path.startsWith("@");
  const length = bytes.length + (isAbstract ? 0 : 1);
  if (length > SUN_PATH || bytes.length === 0 || (bytes.includes(0) && !isAbstract)) {
    const most = `a socket's path has 1 to ${SUN_PATH - 1} bytes`;
    throw new CniError(cniCode.badEnvironment, `${most}, got ${JSON.stringify(path)}`);
  }
  const address = new Uint8Array(2 + length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  if (isAbstract) address[2] = 0;
  return address;
}

/** A stream socket that listens at the path, which must be free. The caller closes it, and removes the file. */
export function listenUnix(path: string): number {
  const fd = host.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  try {
    during(`listen unix ${path}`, () => host.bind(fd, unixAddress(path)));
    host.chmod(path, 0o600); // nobody connects before listen(2)
    host.listen(fd, backlog);
    return fd;
  } catch (error) {
    host.close(fd);
    throw error;
  }
}

/** True for a socket that listens, as one that a service manager passed should. */
export function isListening(fd: number): boolean {
  const value = host.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, 4);
  return value.some((byte) => byte !== 0);
}

/** A process. */
export interface Credentials {
  pid: number;
  uid: number;
  gid: number;
}

/** The process that connected, as it was then. */
export function peerCredentials(fd: number): Credentials {
  const { buffer, byteOffset } = host.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, 12);
  const view = new DataView(buffer, byteOffset);
  const [pid, uid, gid] = [0, 4, 8].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
  ];
  return { pid, uid, gid };
}
