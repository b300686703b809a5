/**
 * A host with a system bus that the test plays: one connection at a time, a clock that moves while somebody waits.
 * @module
 */
import {
  type DbusMessage,
  ERROR,
  encodeMessage,
  METHOD_RETURN,
  messageLength,
  parseMessage,
} from "../../../core/dbus/message.ts";
import { hostError } from "../../fake-files.ts";

/** What a call is answered with: values with their types, an error, bytes as they are, or nothing. */
export type FakeReply =
  | Pick<DbusMessage, "signature" | "body">
  | { error: string; text?: string }
  | Uint8Array
  | undefined;

/** How the bus behaves. */
export interface FakeBusOptions {
  /** Answers calls of methods; of the bus' own too, but for Hello. */
  reply?: (call: DbusMessage) => FakeReply;
  /** The answer to AUTH; `OK` and an id unless given. */
  welcome?: string;
  /** Errors of connect(2), by what the path ends with. */
  connect?: Record<string, string>;
  /** At most so many bytes come with one recv(2). */
  chunk?: number;
  /** Changes what the bus says. */
  garble?: (bytes: Uint8Array) => Uint8Array;
  /** It has nothing more to say, and closes. */
  hangsUp?: boolean;
  environ?: string[];
}

const AF_UNIX = 1;

/** The functions of the host that a bus takes. */
export class FakeBus implements Partial<Host> {
  /** Calls that came, Hello among them. */
  readonly calls: DbusMessage[] = [];
  /** Connections that are open. */
  connections = 0;
  /** Milliseconds. */
  now = 1000;
  readonly #options: FakeBusOptions;
  #sent: Uint8Array = new Uint8Array();
  #queue: Uint8Array = new Uint8Array();
  #isAuthenticated = false;
  #serial = 0;

  constructor(options: FakeBusOptions = {}) {
    this.#options = options;
  }

  environ(): string[] {
    return this.#options.environ ?? [];
  }

  geteuid(): number {
    return 0;
  }

  clockGettime(): number {
    return this.now;
  }

  socket(domain: number): number {
    if (domain !== AF_UNIX) throw hostError("socket", "EAFNOSUPPORT");
    this.connections += 1;
    return 7;
  }

  setsockopt(): void {}

  connect(_: number, address: Uint8Array): void {
    const path = new TextDecoder().decode(address.subarray(2)).replaceAll("\0", "");
    const failing = Object.entries(this.#options.connect ?? {});
    const [, code] = failing.find(([end]) => path.endsWith(end)) ?? [];
    if (code !== undefined) throw hostError("connect", code);
    this.#sent = this.#queue = new Uint8Array();
    this.#isAuthenticated = false;
  }

  send(_: number, bytes: Uint8Array): number {
    const part = bytes.subarray(0, this.#options.chunk ?? bytes.length);
    this.#sent = joined(this.#sent, part);
    this.#work();
    return part.length;
  }

  poll(fds: { fd: number; events: number }[], timeoutMs: number): number[] {
    if (this.#queue.length > 0 || this.#options.hangsUp === true) return fds.map(() => 1);
    this.now += timeoutMs;
    return fds.map(() => 0);
  }

  recv(_: number, length: number): Uint8Array {
    const part = this.#queue.slice(0, Math.min(length, this.#options.chunk ?? length));
    this.#queue = this.#queue.slice(part.length);
    this.now += 1;
    return part;
  }

  close(): void {
    this.connections -= 1;
  }

  /** Says something. */
  say(bytes: Uint8Array): void {
    this.#queue = joined(this.#queue, this.#options.garble?.(bytes) ?? bytes);
  }

  #work(): void {
    if (!this.#isAuthenticated) {
      const text = new TextDecoder("latin1").decode(this.#sent);
      const end = text.indexOf("BEGIN\r\n");
      if (end < 0) return;
      if (!text.startsWith("\0AUTH EXTERNAL 30\r\n")) throw new Error(`fake bus: ${text}`);
      this.#isAuthenticated = true;
      this.#sent = this.#sent.slice(end + 7);
      this.say(new TextEncoder().encode(this.#options.welcome ?? `OK ${"0".repeat(32)}\r\n`));
    }
    for (;;) {
      const length = messageLength(this.#sent);
      if (length === undefined || this.#sent.length < length) return;
      this.#answer(parseMessage(this.#sent.slice(0, length)));
      this.#sent = this.#sent.slice(length);
    }
  }

  #answer(call: DbusMessage): void {
    this.calls.push(call);
    const hello = call.member === "Hello" ? { signature: "s", body: [":1.0"] } : undefined;
    const reply = this.#options.reply?.(call) ?? hello;
    if (reply instanceof Uint8Array) this.say(reply);
    else if (reply !== undefined) this.say(encodeMessage(this.#replyTo(call, reply)));
  }

  #replyTo(
    { serial: replySerial }: DbusMessage,
    reply: Exclude<FakeReply, Uint8Array | undefined>,
  ): DbusMessage {
    const own = { flags: 1, serial: ++this.#serial, replySerial };
    if (!("error" in reply)) return { ...own, type: METHOD_RETURN, ...reply };
    const said = reply.text === undefined ? {} : { signature: "s", body: [reply.text] };
    return { ...own, type: ERROR, errorName: reply.error, ...said };
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  return new Uint8Array([...one, ...other]);
}
