/**
 * A daemon for dhcp that needs no server: it gives each attachment the next address, and keeps a file for each lease, so that
 * one that is left can be seen. A program of its own; `fixed-leases.ts` starts it.
 * @module
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  dhcpMethod,
  emptyShape,
  readAllocateArgs,
  readCollectArgs,
  resultFields,
  resultShape,
} from "../../core/rpc/dhcp-service.ts";
import { type RpcRequest, RpcServerConnection } from "../../core/rpc/net-rpc.ts";

/** The leases: address by attachment, `containerID:ifname`. */
class Leases {
  readonly #folder: string;
  readonly #addresses = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  give(key: string): string {
    const taken = new Set(this.#addresses.values());
    const free = Array.from({ length: 100 }, (_, n) => `10.74.0.${n + 2}/24`);
    const address = this.#addresses.get(key) ?? free.find((each) => !taken.has(each)) ?? "";
    this.#addresses.set(key, address);
    writeFileSync(join(this.#folder, `lease-${key}`), address);
    return address;
  }

  take(key: string): void {
    this.#addresses.delete(key);
    rmSync(join(this.#folder, `lease-${key}`), { force: true });
  }

  keep(valid: readonly string[]): void {
    for (const key of this.#addresses.keys()) if (!valid.includes(key)) this.take(key);
  }
}

function answer(server: RpcServerConnection, request: RpcRequest, leases: Leases): Uint8Array {
  const { method, args } = request;
  const { containerId, ifName } = readAllocateArgs(args);
  switch (method) {
    case dhcpMethod.allocate: {
      const address = leases.give(`${containerId}:${ifName}`);
      const routes = [{ dst: "0.0.0.0/0", gw: "10.74.0.1" }];
      const result = { ips: [{ address, gateway: "10.74.0.1" }], routes };
      return server.reply(request, resultShape, resultFields(result));
    }
    case dhcpMethod.release:
      leases.take(`${containerId}:${ifName}`);
      break;
    case dhcpMethod.collect:
      leases.keep(readCollectArgs(args).valid.map((each) => each.replace("/", ":")));
  }
  return server.reply(request, emptyShape, {});
}

function serve(folder: string): void {
  mkdirSync(folder);
  const leases = new Leases(folder);
  const listener = createServer((connection) => {
    const server = new RpcServerConnection();
    connection.on("error", () => connection.destroy()); // the caller was killed
    connection.on("data", (bytes: Buffer) => {
      const { requests, send } = server.feed(new Uint8Array(bytes));
      connection.write(send);
      for (const request of requests) connection.write(answer(server, request, leases));
    });
  });
  const path = join(folder, "unready");
  listener.listen(path, () => renameSync(path, join(folder, "socket")));
}

const [, , folder] = process.argv;
if (folder !== undefined) serve(folder);
