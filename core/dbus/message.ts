/**
 * D-Bus messages: method calls, their answers, signals.
 * @see D-Bus Specification "Message Format"
 * @module
 */

import { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";

import { parseSignature } from "./signature.ts";
import {
  type DbusValue,
  type DbusVariant,
  padTo,
  ValueReader,
  writeValue,
  writeValues,
} from "./values.ts";

/** Types of messages. */
export const METHOD_CALL = 1;
export const METHOD_RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;

/** Flag: the bus does not start a program to have the call answered. */
export const NO_AUTO_START = 0x2;

/** A message. Fields that it does not have are absent. */
export interface DbusMessage {
  /** METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL; others are none of ours. */
  readonly type: number;
  readonly flags: number;
  /** Number among the messages of its sender; not 0. */
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  /** Of an ERROR: its name, as `org.freedesktop.DBus.Error.ServiceUnknown`. */
  readonly errorName?: string;
  /** Of an answer: the serial of what it answers. */
  readonly replySerial?: number;
  readonly destination?: string;
  readonly sender?: string;
  /** Types of the body; "" unless given. */
  readonly signature?: string;
  readonly body?: readonly DbusValue[];
}

type FieldName = Exclude<keyof DbusMessage, "type" | "flags" | "serial" | "body">;

/** Header fields by their numbers. */
const fields: readonly [code: number, name: FieldName, type: string][] = [
  [1, "path", "o"],
  [2, "interface", "s"],
  [3, "member", "s"],
  [4, "errorName", "s"],
  [5, "replySerial", "u"],
  [6, "destination", "s"],
  [7, "sender", "s"],
  [8, "signature", "g"],
];

const [fixedPart, headerFields] = [parseSignature("yyyyuu"), parseSignature("a(yv)")[0]!];
const littleEndian = 0x6c; // "l"
const bigEndian = 0x42; // "B"
const protocolVersion = 1;
/** Up to the length of the header's fields. */
const startLength = 16;
/** The specification has 128 MiB; no answer to a question of ours comes near this. */
const longestMessage = 1024 * 1024;

/** The message as bytes. */
export function encodeMessage(message: DbusMessage): Uint8Array {
  const { type, flags, serial, signature = "", body = [] } = message;
  const content = new Writer(256);
  writeValues(content, parseSignature(signature), body);
  const writer = new Writer(256);
  const start = [littleEndian, type, flags, protocolVersion, content.length, serial];
  writeValues(writer, fixedPart, start);
  const present = fields.flatMap(([code, name, fieldType]): DbusValue[] => {
    const value = message[name];
    if (value === undefined || value === "") return [];
    return [[code, { signature: fieldType, value: value as DbusValue }]];
  });
  writeValue(writer, headerFields, present);
  padTo(writer, 8);
  writer.put(content.written());
  return writer.finish();
}

/**
 * Bytes of the message that begins here, whole or not; undefined when too few are there to tell.
 * @throws {DecodeError} it is no message, or longer than any answer to ours can be
 */
export function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < startLength) return undefined;
  const reader = new Reader(bytes);
  const [, , , version, bodyLength] = readStart(reader);
  if (version !== protocolVersion) {
    throw new DecodeError("message.version", 3, `want ${protocolVersion}, got ${version}`);
  }
  const fieldsLength = reader.view.getUint32(12, bytes[0] === littleEndian);
  const length = startLength + ((fieldsLength + 7) & ~7) + bodyLength!;
  if (fieldsLength <= longestMessage && length <= longestMessage) return length;
  throw new DecodeError("message", 4, `want at most ${longestMessage} bytes`);
}

function readStart(reader: Reader): number[] {
  const order = reader.bytes[0];
  if (order !== littleEndian && order !== bigEndian) {
    throw new DecodeError("message.order", 0, `want "l" or "B", got byte ${order}`);
  }
  const values = new ValueReader(reader, order === littleEndian);
  return fixedPart.map((each) => values.value(each) as number);
}

/** Reads one whole message. Header fields of no known number are left out, as the specification wants. @throws {DecodeError} */
export function parseMessage(bytes: Uint8Array): DbusMessage {
  const length = messageLength(bytes);
  if (length !== bytes.length) {
    throw new DecodeError(
      "message",
      bytes.length,
      `want ${length ?? startLength} bytes, got ${bytes.length}`,
    );
  }
  const reader = new Reader(bytes);
  const [, type = 0, flags = 0, , , serial = 0] = readStart(reader);
  if (type === 0) throw new DecodeError("message.type", 1, "want a type, got 0");
  if (serial === 0) throw new DecodeError("message.serial", 8, "want a serial, got 0");
  const values = new ValueReader(reader, bytes[0] === littleEndian);
  const header = fieldsOf(values.value(headerFields) as [number, DbusVariant][]);
  values.align(8);
  const body = parseSignature(header.signature ?? "").map((each) => values.value(each));
  if (reader.left > 0) throw new DecodeError("message", reader.offset, "want the end of the body");
  return { type, flags, serial, ...header, body };
}

function fieldsOf(list: readonly [number, DbusVariant][]): Partial<Record<FieldName, never>> {
  const found: Partial<Record<FieldName, DbusValue>> = {};
  for (const [code, { signature, value }] of list) {
    const [, name, type] = fields.find(([number]) => number === code) ?? [];
    if (name === undefined) continue;
    if (signature !== type) {
      throw new DecodeError(
        `message.${name}`,
        startLength,
        `want type "${type}", got "${signature}"`,
      );
    }
    found[name] = value;
  }
  return found as Partial<Record<FieldName, never>>;
}
