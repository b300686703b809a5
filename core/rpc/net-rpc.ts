/**
 * Go's net/rpc over a stream that HTTP's CONNECT opened, for both sides: bytes in, requests and replies out.
 *
 * After the handshake each side sends pairs of gob values: a header with the method and a number, and the argument or
 * the reply. Nothing here reads or writes a socket.
 * @see https://pkg.go.dev/net/rpc
 * @module
 */

import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { joinBytes } from "../bytes.ts";
import { GobDecoder } from "./gob-decoder.ts";
import { GobEncoder, type GobFields, type GobShape } from "./gob-encoder.ts";

const greeting = "CONNECT /_goRPC_ HTTP/1.0\n\n";
const welcome = "HTTP/1.0 200 Connected to Go RPC\n\n";
const LONGEST_HEAD = 8192;

const requestHeader = {
  struct: "Request",
  fields: { ServiceMethod: "string", Seq: "uint" },
} as const;
const replyHeader = {
  struct: "Response",
  fields: { ServiceMethod: "string", Seq: "uint", Error: "string" },
} as const;
/** What stands for the reply beside an error. */
const nothing = { struct: "InvalidRequest", fields: {} } as const;

/** A struct's shape. */
export type StructShape = GobShape & { struct: string };

/** A call as it reaches the server. */
export interface RpcRequest {
  /** `DHCP.Allocate` */
  method: string;
  /** Of this connection; the reply repeats it. */
  sequence: number | bigint;
  /** The argument: a struct's members, those that are zero left out. */
  args: GobFields;
}

/** An answer as it reaches the client. */
export interface RpcReply {
  sequence: number | bigint;
  /** The server's words when the call failed. */
  error?: string;
  reply: GobFields;
}

/** The head of an HTTP message, up to the empty line, gathered from bytes as they come. */
class Head {
  #bytes: number[] = [];

  /** @returns the head, and what came behind it; undefined while it is not whole */
  feed(bytes: Uint8Array): { text: string; rest: Uint8Array } | undefined {
    for (const [index, byte] of bytes.entries()) {
      this.#bytes.push(byte);
      if (this.#bytes.length > LONGEST_HEAD) {
        throw new DecodeError("http", LONGEST_HEAD, "want a head of at most 8192 bytes, got more");
      }
      if (byte !== 0x0a) continue;
      const text = String.fromCharCode(...this.#bytes);
      if (/\n\r?\n$/.test(text)) return { text, rest: bytes.subarray(index + 1) };
    }
    return undefined;
  }
}

/** Pairs of values: header and body. */
class Pairs {
  readonly #decoder = new GobDecoder();
  #header: GobFields | undefined;

  feed(bytes: Uint8Array): { header: GobFields; body: GobFields }[] {
    const pairs: { header: GobFields; body: GobFields }[] = [];
    for (const value of this.#decoder.feed(bytes)) {
      const fields = requireStruct(value);
      if (this.#header === undefined) {
        this.#header = fields;
        continue;
      }
      pairs.push({ header: this.#header, body: fields });
      this.#header = undefined;
    }
    return pairs;
  }
}

function requireStruct(value: unknown): GobFields {
  const isPlain = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isPlain && !(value instanceof Map) && !(value instanceof Uint8Array)) {
    return value as GobFields;
  }
  throw new DecodeError("rpc", 0, "want a struct, got another value");
}

/** The number of a call: 0 is not sent. */
function sequenceOf({ Seq = 0 }: GobFields): number | bigint {
  if (typeof Seq === "number" || typeof Seq === "bigint") return Seq;
  throw new DecodeError("rpc.Seq", 0, "want a number, got another value");
}

function textOf(value: unknown, field: string): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  throw new DecodeError(`rpc.${field}`, 0, "want a text, got another value");
}

/** The server's side of one connection. */
export class RpcServerConnection {
  readonly #head = new Head();
  readonly #pairs = new Pairs();
  readonly #encoder = new GobEncoder();
  #isOpen = false;

  /**
   * Takes what the client sent.
   * @returns the calls that are whole now, and what has to be sent back at once: the answer to CONNECT
   * @throws {DecodeError} the connection is of no use after that
   */
  feed(bytes: Uint8Array): { requests: RpcRequest[]; send: Uint8Array } {
    if (this.#isOpen) return { requests: this.#requests(bytes), send: new Uint8Array() };
    const head = this.#head.feed(bytes);
    if (head === undefined) return { requests: [], send: new Uint8Array() };
    if (!/^CONNECT \/_goRPC_ HTTP\/1\.[01]\r?\n/.test(head.text)) {
      throw new DecodeError(
        "http",
        0,
        `want ${JSON.stringify(greeting.trim())}, got another request`,
      );
    }
    this.#isOpen = true;
    return { requests: this.#requests(head.rest), send: new TextEncoder().encode(welcome) };
  }

  #requests(bytes: Uint8Array): RpcRequest[] {
    return this.#pairs.feed(bytes).map(({ header, body }) => ({
      method: textOf(header["ServiceMethod"], "ServiceMethod"),
      sequence: sequenceOf(header),
      args: body,
    }));
  }

  /** The bytes that answer a call. */
  reply({ method, sequence }: RpcRequest, shape: StructShape, reply: GobFields): Uint8Array {
    const header = { ServiceMethod: method, Seq: sequence };
    return joinBytes(this.#encoder.encode(replyHeader, header), this.#encoder.encode(shape, reply));
  }

  /** The bytes that refuse a call; an empty text would mean success. */
  refuse({ method, sequence }: RpcRequest, error: string): Uint8Array {
    const header = { ServiceMethod: method, Seq: sequence, Error: error || "unknown error" };
    return joinBytes(this.#encoder.encode(replyHeader, header), this.#encoder.encode(nothing, {}));
  }
}

/** The client's side of one connection. */
export class RpcClientConnection {
  readonly #head = new Head();
  readonly #pairs = new Pairs();
  readonly #encoder = new GobEncoder();
  #isOpen = false;
  #sequence = 0;

  /**
   * True once the server has welcomed us. A server in Go loses what is sent before: it lies in the buffer of its HTTP
   * reader, which it lets go then.
   */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What has to be sent first. */
  open(): Uint8Array {
    return new TextEncoder().encode(greeting);
  }

  /** The bytes of a call, and the number its reply will have. */
  call(
    method: string,
    shape: StructShape,
    args: GobFields,
  ): { sequence: number; send: Uint8Array } {
    const sequence = this.#sequence++;
    const header = this.#encoder.encode(requestHeader, { ServiceMethod: method, Seq: sequence });
    return { sequence, send: joinBytes(header, this.#encoder.encode(shape, args)) };
  }

  /**
   * Takes what the server sent. @returns the replies that are whole now
   * @throws {DecodeError} the connection is of no use after that
   */
  feed(bytes: Uint8Array): RpcReply[] {
    if (this.#isOpen) return this.#replies(bytes);
    const head = this.#head.feed(bytes);
    if (head === undefined) return [];
    if (!/^HTTP\/1\.[01] 200 Connected to Go RPC\r?\n/.test(head.text)) {
      const [line = ""] = head.text.split(/\r?\n/);
      throw new DecodeError(
        "http",
        0,
        `want "200 Connected to Go RPC", got ${JSON.stringify(line)}`,
      );
    }
    this.#isOpen = true;
    return this.#replies(head.rest);
  }

  #replies(bytes: Uint8Array): RpcReply[] {
    return this.#pairs.feed(bytes).map(({ header, body }) => {
      const error = textOf(header["Error"], "Error");
      return { sequence: sequenceOf(header), reply: body, ...(error === "" ? {} : { error }) };
    });
  }
}
