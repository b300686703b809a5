/**
 * Signatures: the types of D-Bus values, as text.
 * @see D-Bus Specification "Type System"
 * @module
 */

import { DecodeError } from "netlink-ts/wire/decode-error.ts";

/** A single complete type: `s`, `as`, `(ib)`, `a{sv}`. */
export interface DbusType {
  /** Its first letter; `a` for an array, `(` for a struct, `{` for an entry of a dictionary. */
  readonly code: string;
  /** What an array is of, one type; the fields of a struct; key and value of an entry. */
  readonly inner: readonly DbusType[];
}

const basicCodes = "ybnqiuxtdsogh";
const longest = 255;
/** 32 arrays and 32 structs, as the specification has it. */
const deepest = 64;

/** The types of a signature, in order. @throws {DecodeError} at the letter that cannot be there */
export function parseSignature(text: string): DbusType[] {
  if (text.length > longest) throw problemAt(longest, `want at most ${longest} letters`);
  const cursor = { text, at: 0 };
  const types: DbusType[] = [];
  while (cursor.at < text.length) types.push(nextType(cursor, 0));
  return types;
}

interface Cursor {
  readonly text: string;
  at: number;
}

function nextType(cursor: Cursor, depth: number): DbusType {
  const start = cursor.at;
  const code = cursor.text[cursor.at++] ?? "the end";
  if (depth > deepest) throw problemAt(start, `want at most ${deepest} types in each other`);
  if (code === "v" || basicCodes.includes(code)) return { code, inner: [] };
  if (code === "a") return { code, inner: [elementType(cursor, depth + 1)] };
  if (code === "(") return { code, inner: fieldsUntil(")", cursor, depth + 1) };
  throw problemAt(start, `want a type, got ${JSON.stringify(code)}`);
}

function elementType(cursor: Cursor, depth: number): DbusType {
  const start = cursor.at;
  if (cursor.text[start] !== "{") return nextType(cursor, depth);
  cursor.at += 1;
  const inner = fieldsUntil("}", cursor, depth + 1);
  const isEntry = inner.length === 2 && basicCodes.includes(inner[0]!.code);
  if (!isEntry) throw problemAt(start, "want a key of a basic type and a value");
  return { code: "{", inner };
}

function fieldsUntil(end: string, cursor: Cursor, depth: number): DbusType[] {
  const start = cursor.at;
  const fields: DbusType[] = [];
  while (cursor.text[cursor.at] !== end) fields.push(nextType(cursor, depth));
  cursor.at += 1;
  if (fields.length === 0) throw problemAt(start, "want at least one field");
  return fields;
}

function problemAt(at: number, problem: string): DecodeError {
  return new DecodeError("signature", at, problem);
}
