import { deepEqual, equal, throws } from "node:assert/strict";
import { emptyShape } from "../../../core/rpc/dhcp-service.ts";
import { RpcClientConnection, RpcServerConnection } from "../../../core/rpc/net-rpc.ts";
import { captured } from "./capture.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (of: Uint8Array) => new TextDecoder().decode(of);

describe("RpcServerConnection", () => {
  it("welcomes a plugin of the reference and reads its call", () => {
    const { requests, send } = new RpcServerConnection().feed(captured("plugin-allocate"));
    equal(text(send), "HTTP/1.0 200 Connected to Go RPC\n\n");
    equal(requests.length, 1);
    deepEqual([requests[0]?.method, requests[0]?.sequence], ["DHCP.Allocate", 0]);
    equal(requests[0]?.args["ContainerID"], "c1");
  });

  it("takes bytes one by one", () => {
    const server = new RpcServerConnection();
    const all = [...captured("plugin-allocate")].map((byte) => server.feed(Uint8Array.of(byte)));
    equal(all.flatMap(({ requests }) => requests).length, 1);
    equal(all.filter(({ send }) => send.length > 0).length, 1);
  });

  it("takes a head with carriage returns and fields", () => {
    const head = "CONNECT /_goRPC_ HTTP/1.1\r\nHost: x\r\n\r\n";
    equal(text(new RpcServerConnection().feed(bytes(head)).send).length > 0, true);
  });

  it("refuses other requests and a head without an end", () => {
    const other = bytes("GET / HTTP/1.0\n\n");
    throws(() => new RpcServerConnection().feed(other), { message: /got another request$/ });
    const long = new Uint8Array(8193).fill(65);
    throws(() => new RpcServerConnection().feed(long), { message: /8192 bytes, got more$/ });
  });

  it("refuses a call that is no struct", () => {
    const server = new RpcServerConnection();
    server.feed(bytes("CONNECT /_goRPC_ HTTP/1.0\n\n"));
    throws(() => server.feed(Uint8Array.of(3, 4, 0, 6)), { message: /want a struct/ });
  });
});

describe("RpcClientConnection", () => {
  it("reads a reply of the reference's daemon", () => {
    const [reply] = new RpcClientConnection().feed(captured("daemon-lease"));
    deepEqual([reply?.sequence, reply?.error], [0, undefined]);
    deepEqual(Object.keys(reply?.reply ?? {}), ["IPs", "Routes", "DNS"]);
  });

  it("reads its refusal", () => {
    const [reply] = new RpcClientConnection().feed(captured("daemon-refuses"));
    equal(
      reply?.error,
      'Can not parse option "doNotparseMe": Can not parse option: strconv.ParseUint: parsing "doNotparseMe": invalid syntax',
    );
  });

  it("refuses a server that speaks something else", () => {
    const other = bytes("HTTP/1.0 404 Not Found\n\n");
    throws(() => new RpcClientConnection().feed(other), {
      message:
        'decode http at byte 0: want "200 Connected to Go RPC", got "HTTP/1.0 404 Not Found"',
    });
  });
});

describe("both sides", () => {
  it("understand each other over several calls", () => {
    const [client, server] = [new RpcClientConnection(), new RpcServerConnection()];
    client.feed(server.feed(client.open()).send);
    const shape = { struct: "Note", fields: { Text: "string" } } as const;
    for (const number of [0, 1, 2]) {
      const { sequence, send } = client.call("A.B", shape, { Text: `t${number}` });
      const [request] = server.feed(send).requests;
      deepEqual(request, { method: "A.B", sequence: number, args: { Text: `t${number}` } });
      if (request === undefined) continue;
      const answer =
        number === 1 ? server.refuse(request, "no") : server.reply(request, emptyShape, {});
      const [reply] = client.feed(answer);
      equal(reply?.sequence, sequence);
      equal(reply?.error, number === 1 ? "no" : undefined);
    }
  });
});
