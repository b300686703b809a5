/**
 * Requests: a type and flags that go with a message.
 * @module
 */

import type { Reader, Writer } from "../wire/cursor.ts";
import type { HeaderInput, Message } from "../wire/message.ts";
import { NLM_F_REQUEST } from "./flags.ts";

/** A type of message by number and name: `RTM_NEWADDR` is `{ name: "RTM_NEWADDR", number: 20 }`. */
export interface MessageType {
  readonly name: string;
  readonly number: number;
}

/** What a request encodes and, as an answer, decodes. */
interface Encodes<I> {
  readonly name: string;
  readonly headerSize: number;
  write(writer: Writer, value: I): void;
  read(reader: Reader): unknown;
}
interface Decodes<R> {
  read(reader: Reader): R;
}

/** What can be asked of the kernel: `I` is what it is encoded from, `R` what the answers decode to. */
export interface Request<I, R = unknown> {
  /** Name of the message type, as "RTM_NEWADDR"; errors start with it. */
  readonly name: string;
  readonly type: number;
  /** NLM_F_*; NLM_F_REQUEST is there. */
  readonly flags: number;
  readonly message: Encodes<I>;
  /** Decodes answers: the same message, or a {@link Message.pick} of it. */
  readonly reply: Decodes<R>;
  /** The kernel never acknowledges it: the brackets around an nfnetlink batch. */
  readonly silent?: boolean;
}

/** Names a number of the kernel's. */
export function messageType(name: string, number: number): MessageType {
  return { name, number };
}

/**
 * Describes a request. NLM_F_REQUEST is added, and {@link Connection} adds NLM_F_ACK and NLM_F_DUMP where they belong.
 * @param reply decodes the answers when they are not described by `message`
 */
export function request<H extends object, A extends object>(
  type: MessageType,
  flags: number,
  message: Message<H, A>,
): Request<HeaderInput<H> & A, H & A>;
export function request<H extends object, A extends object, R>(
  type: MessageType,
  flags: number,
  message: Message<H, A>,
  reply: Decodes<R>,
): Request<HeaderInput<H> & A, R>;
export function request<H extends object, A extends object>(
  type: MessageType,
  flags: number,
  message: Message<H, A>,
  reply: Decodes<unknown> = message,
): Request<HeaderInput<H> & A, unknown> {
  return { name: type.name, type: type.number, flags: flags | NLM_F_REQUEST, message, reply };
}

/** The same request whose answers are decoded otherwise, as `answeredBy(getLink, linkMessage.pick("ifname"))`. */
export function answeredBy<I, R>(request: Request<I>, reply: Decodes<R>): Request<I, R> {
  return { ...request, reply };
}

/** The same request with further NLM_F_* flags. */
export function flagged<I, R>(request: Request<I, R>, flags: number): Request<I, R> {
  return { ...request, flags: request.flags | flags };
}

/** A request with its value, for {@link Connection.executeAll}. */
export interface Call<R = unknown> {
  readonly request: Request<never, R>;
  readonly value: unknown;
}

/** Puts a request and its value together. */
export function call<I, R>(request: Request<I, R>, value: I): Call<R> {
  return { request: request as Request<never, R>, value };
}
