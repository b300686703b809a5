/**
 * A connection to the system bus, for calls of methods.
 *
 * The bus is asked by one process that waits for each answer; signals are stepped over. What the other end says is bounded in
 * length, checked byte for byte, and waited for only so long.
 * @see D-Bus Specification "Authentication Protocol", "Message Bus Specification"
 * @module
 */

import { readEnvironment } from "../cni/environment.ts";
import { CniError, cniCode, during, failureOf, isErrno } from "../errors.ts";
import { host } from "../host.ts";
import { type BusAddress, systemBusAddresses } from "./bus-address.ts";
import { DbusError } from "./dbus-error.ts";
import {
  type DbusMessage,
  ERROR,
  encodeMessage,
  METHOD_CALL,
  METHOD_RETURN,
  messageLength,
  NO_AUTO_START,
  parseMessage,
} from "./message.ts";
import type { DbusValue } from "./values.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const CLOCK_MONOTONIC = 1;
const receiveSize = 65536;
/** Before the first message comes one line. */
const longestLine = 512;
/** The bus itself answers at once, however busy the program behind it is. */
const busTimeoutMs = 5000;
const lineFeed = 10;
const variable = "DBUS_SYSTEM_BUS_ADDRESS";

/** Name of the bus among those that are connected to it. */
const busName = "org.freedesktop.DBus";
const ofBus = { destination: busName, path: "/org/freedesktop/DBus", interface: busName };

/** A call of a method. */
export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Types of `body`, which are none unless given. */
  readonly signature?: string;
  readonly body?: readonly DbusValue[];
  /** How long the answer is waited for; 5 s unless given. */
  readonly timeoutMs?: number;
}

/** True when nobody listens at any of the addresses: this host has no system bus, or it is stopped. */
export function isNoBus(error: unknown): boolean {
  return isErrno(error, "ENOENT", "ECONNREFUSED");
}

/** One connection. Dispose it. */
export class SystemBus implements Disposable {
  /** The address it listens at, as `unix:path=/run/dbus/system_bus_socket`. */
  readonly address: string;
  readonly #fd: number;
  #received: Uint8Array = new Uint8Array();
  #isAccepted = false;
  #serial = 0;
  readonly #hello: number;

  /** @param fd a connected stream; closed when this is disposed */
  private constructor(fd: number, address: string) {
    this.#fd = fd;
    this.address = address;
    // one write for all: the bus answers it in order, as the specification allows
    this.#hello = this.#send({ ...ofBus, member: "Hello" }, introduction());
  }

  /**
   * Connects to the first address that somebody listens at.
   * @throws {Error} of which {@link isNoBus} is true where nobody does
   */
  static open(): SystemBus {
    let problem: unknown;
    for (const address of systemBusAddresses(readEnvironment(host.environ()).get(variable))) {
      let bus: SystemBus | undefined;
      const error = failureOf(() => {
        bus = connect(address, (fd) => new SystemBus(fd, address.text));
      });
      if (bus !== undefined) return bus;
      if (problem === undefined || (isNoBus(problem) && !isNoBus(error))) problem = error;
    }
    throw problem;
  }

  /** Whether somebody on the bus has that name, as `org.fedoraproject.FirewallD1`. */
  hasOwner(name: string): boolean {
    const call = { ...ofBus, member: "NameHasOwner", signature: "s", body: [name] };
    return this.call(call)[0] === true;
  }

  /**
   * Calls a method and waits for its answer. The bus starts nobody for it.
   * @returns the values it is answered with
   * @throws {CniError} whose root cause is a {@link DbusError} when that is an error; 11 when none comes in time
   */
  call({ timeoutMs = busTimeoutMs, ...call }: MethodCall): readonly DbusValue[] {
    return during(`call ${call.member} of "${call.destination}" on "${this.address}"`, () => {
      const deadline = host.clockGettime(CLOCK_MONOTONIC) + timeoutMs;
      const serial = this.#send(call);
      for (;;) {
        const message = this.#receive(deadline, timeoutMs);
        if (message.type === ERROR && message.replySerial === this.#hello) throw errorOf(message);
        if (message.replySerial !== serial) continue;
        if (message.type === ERROR) throw errorOf(message);
        if (message.type === METHOD_RETURN) return message.body ?? [];
      }
    });
  }

  [Symbol.dispose](): void {
    host.close(this.#fd);
  }

  #send(call: Omit<MethodCall, "timeoutMs">, before: Uint8Array = new Uint8Array()): number {
    const serial = ++this.#serial;
    const message = encodeMessage({ type: METHOD_CALL, flags: NO_AUTO_START, serial, ...call });
    for (let rest = joined(before, message); rest.length > 0; ) {
      rest = rest.subarray(host.send(this.#fd, rest));
    }
    return serial;
  }

  #receive(deadline: number, timeoutMs: number): DbusMessage {
    for (;;) {
      const message = this.#isAccepted ? this.#nextMessage() : this.#accept();
      if (message !== undefined) return message;
      const left = deadline - host.clockGettime(CLOCK_MONOTONIC);
      const isReady = left > 0 && host.poll([{ fd: this.#fd, events: POLLIN }], left)[0] !== 0;
      if (!isReady) throw new CniError(cniCode.tryAgain, `no answer within ${timeoutMs} ms`);
      const some = host.recv(this.#fd, receiveSize, MSG_DONTWAIT);
      if (some.length === 0) throw new CniError(cniCode.tryAgain, "the bus closed the connection");
      this.#received = joined(this.#received, some);
    }
  }

  /** The line before the first message: `OK` and the bus' id, or a refusal. */
  #accept(): DbusMessage | undefined {
    const end = this.#received.indexOf(lineFeed);
    if (end < 0 && this.#received.length <= longestLine) return undefined;
    const line = new TextDecoder().decode(
      this.#received.subarray(0, Math.min(end + 1, longestLine)),
    );
    if (!line.startsWith("OK ")) {
      const wanted = `want "OK", got ${JSON.stringify(line.trimEnd())}`;
      throw new CniError(
        cniCode.notAvailable,
        `the bus does not take user ${host.geteuid()}: ${wanted}`,
      );
    }
    this.#isAccepted = true;
    this.#received = this.#received.slice(end + 1);
    return this.#nextMessage();
  }

  #nextMessage(): DbusMessage | undefined {
    const length = messageLength(this.#received);
    if (length === undefined || this.#received.length < length) return undefined;
    const message = parseMessage(this.#received.slice(0, length));
    this.#received = this.#received.slice(length);
    return message;
  }
}

/** The credentials' byte, and the lines of SASL: the kernel tells the bus who we are, so nothing is secret. */
function introduction(): Uint8Array {
  const user = [...String(host.geteuid())].map((digit) => `3${digit}`).join(""); // ASCII as hexadecimal digits
  return new TextEncoder().encode(`\0AUTH EXTERNAL ${user}\r\nBEGIN\r\n`);
}

function connect<T>({ text, sockaddr }: BusAddress, use: (fd: number) => T): T {
  return during(`connect to system bus ${JSON.stringify(text)}`, () => {
    const fd = host.socket(AF_UNIX, SOCK_STREAM, 0);
    try {
      // struct timeval; it bounds connect(2) as well
      host.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeval(busTimeoutMs / 1000));
      host.connect(fd, sockaddr);
      return use(fd);
    } catch (error) {
      host.close(fd);
      throw error;
    }
  });
}

function timeval(seconds: number): Uint8Array {
  return new Uint8Array(new BigInt64Array([BigInt(seconds), 0n]).buffer);
}

function errorOf({ errorName = "", body: [text] = [] }: DbusMessage): DbusError {
  return new DbusError(errorName, typeof text === "string" ? text : "");
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
