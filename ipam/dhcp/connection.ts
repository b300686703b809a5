/**
 * A connection to the daemon: one call, and its answer within a time.
 * @see unix(7)
 * @module
 */

import { unixAddress } from "../../core/daemon/unix-socket.ts";
import { CniError, cniCode, explain, isErrno, rootCause } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { remoteError } from "../../core/rpc/dhcp-service.ts";
import type { GobFields } from "../../core/rpc/gob-encoder.ts";
import { RpcClientConnection, type RpcReply, type StructShape } from "../../core/rpc/net-rpc.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
const POLLIN = 1;
const CLOCK_MONOTONIC = 1;
const receiveSize = 65536;
/** How long a daemon may take to let us in, and to take what we send. */
const dialSeconds = 5;

/** Nobody listens at the socket. */
export class NoDaemonError extends CniError {
  override readonly name = "NoDaemonError";
}

/** One call of the daemon, and whether a daemon that does not know it counts. */
export interface DaemonCall {
  /** Where the daemon listens. */
  socketPath: string;
  method: string;
  shape: StructShape;
  args: GobFields;
  /** How long the answer is waited for. */
  timeoutMs: number;
}

/**
 * Calls the daemon. @returns the fields of its answer
 * @throws {NoDaemonError} nobody listens
 * @throws {CniError} in the daemon's words; 11 when it does not answer in time
 */
export function callDaemon(call: DaemonCall): GobFields {
  const { socketPath, method } = call;
  const fd = dial(socketPath);
  try {
    const { error, reply } = exchange(fd, call);
    if (error !== undefined) throw remoteError(method, error);
    return reply;
  } catch (cause) {
    if (cause instanceof CniError) throw cause;
    const code = isErrno(cause, "EAGAIN") ? cniCode.tryAgain : cniCode.internal;
    throw new CniError(code, `error calling ${method}: ${reason(cause)}`, {
      details: `${explain(cause)}; the daemon listens at "${socketPath}"`,
      cause,
    });
  } finally {
    host.close(fd);
  }
}

function dial(socketPath: string): number {
  const address = unixAddress(socketPath);
  const fd = host.socket(AF_UNIX, SOCK_STREAM, 0);
  try {
    // struct timeval; for connect(2), too, while as many wait as may
    const timeout = new BigInt64Array([BigInt(dialSeconds), 0n]);
    host.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, new Uint8Array(timeout.buffer));
    host.connect(fd, address);
    return fd;
  } catch (cause) {
    host.close(fd);
    const text = `error dialing DHCP daemon: dial unix ${socketPath}: connect: ${reason(cause)}`;
    const details = `no daemon serves "${socketPath}": start it with "systemctl enable --now cni-dhcp.socket", or run "dhcp daemon"`;
    if (isErrno(cause, "ENOENT", "ECONNREFUSED", "ENOTDIR")) {
      throw new NoDaemonError(cniCode.tryAgain, text, { details, cause });
    }
    throw new CniError(cniCode.internal, text, { cause });
  }
}

/** The kernel's words alone, as Go prints them: `connection refused`. */
function reason(error: unknown): string {
  const root = rootCause(error);
  const text = root instanceof Error ? root.message : String(root);
  return text.replace(/^.*?: E[A-Z0-9]+: /, "");
}

function exchange(fd: number, { method, shape, args, timeoutMs }: DaemonCall): RpcReply {
  const endMs = host.clockGettime(CLOCK_MONOTONIC) + timeoutMs;
  const receive = () => {
    const leftMs = Math.ceil(endMs - host.clockGettime(CLOCK_MONOTONIC));
    if (leftMs <= 0 || host.poll([{ fd, events: POLLIN }], leftMs)[0] === 0) {
      const text = `error calling ${method}: no answer within ${timeoutMs / 1000} s`;
      throw new CniError(cniCode.tryAgain, text);
    }
    const bytes = host.recv(fd, receiveSize);
    if (bytes.length === 0) throw new Error("the daemon hung up without an answer");
    return bytes;
  };
  const connection = new RpcClientConnection();
  sendAll(fd, connection.open());
  while (!connection.isOpen) connection.feed(receive());
  sendAll(fd, connection.call(method, shape, args).send);
  for (;;) {
    const [reply] = connection.feed(receive());
    if (reply !== undefined) return reply;
  }
}

function sendAll(fd: number, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(host.send(fd, rest));
}
