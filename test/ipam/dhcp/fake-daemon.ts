import type { CniResult } from "../../../core/cni/result.ts";
import {
  type AllocateArgs,
  dhcpMethod,
  emptyShape,
  readAllocateArgs,
  readCollectArgs,
  resultFields,
  resultShape,
} from "../../../core/rpc/dhcp-service.ts";
import { type RpcRequest, RpcServerConnection } from "../../../core/rpc/net-rpc.ts";
import { type FakeHost, hostError } from "../../fake-host.ts";

/** What a daemon does in a test; what is left out answers that there is nothing to say. */
export interface Daemon {
  /** Throws to refuse. */
  allocate?: (args: AllocateArgs) => CniResult;
  release?: (args: AllocateArgs) => void;
  /** `null`: the reference's daemon, which does not know it. */
  collect?: ((args: { network: string; valid: string[] }) => void) | null;
  ping?: null;
  /** Bytes that are sent in place of every answer; none: it stays silent; "end": it hangs up. */
  instead?: Uint8Array | "silence" | "end";
}

const SOCKET = 900;

/** Makes a daemon listen at the path of a fake host. @returns the calls it got */
export function serveDaemon(fake: FakeHost, path: string, daemon: Daemon = {}): string[] {
  const calls: string[] = [];
  const answers: Uint8Array[] = [];
  let server = new RpcServerConnection();
  const host = fake as unknown as Record<string, unknown>;
  const close = fake.close.bind(fake);
  const poll = fake.poll.bind(fake);
  host.socket = () => SOCKET;
  host.setsockopt = () => {};
  host.close = (fd: number) => {
    if (fd !== SOCKET) close(fd);
  };
  host.connect = (_: number, address: Uint8Array) => {
    const dialed = new TextDecoder().decode(address.subarray(2)).replace(/\0+$/, "");
    if (dialed !== path) throw hostError("connect", "ENOENT");
    server = new RpcServerConnection();
  };
  host.send = (_: number, bytes: Uint8Array) => {
    const { requests, send } = server.feed(bytes);
    if (send.length > 0) answers.push(send);
    for (const request of requests) {
      calls.push(request.method);
      answers.push(reply(server, request, daemon));
    }
    return bytes.length;
  };
  host.recv = () => {
    if (daemon.instead === "end") return new Uint8Array();
    return daemon.instead instanceof Uint8Array
      ? daemon.instead
      : (answers.shift() ?? new Uint8Array());
  };
  host.poll = (fds: { fd: number; events: number }[], timeoutMs: number) => {
    if (fds[0]?.fd !== SOCKET || daemon.instead !== "silence") return poll(fds, timeoutMs);
    fake.clock.nowMs += timeoutMs;
    return [0];
  };
  return calls;
}

function reply(server: RpcServerConnection, request: RpcRequest, daemon: Daemon): Uint8Array {
  const { method, args } = request;
  try {
    if (method === dhcpMethod.allocate) {
      const result = daemon.allocate?.(readAllocateArgs(args)) ?? {};
      return server.reply(request, resultShape, resultFields(result));
    }
    if (method === dhcpMethod.release) daemon.release?.(readAllocateArgs(args));
    const unknown = method === dhcpMethod.collect ? daemon.collect : daemon.ping;
    if (method !== dhcpMethod.release && unknown === null)
      throw new Error(`rpc: can't find method ${method}`);
    if (method === dhcpMethod.collect) daemon.collect?.(readCollectArgs(args));
    return server.reply(request, emptyShape, {});
  } catch (error) {
    return server.refuse(request, (error as Error).message);
  }
}
