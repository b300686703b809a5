import { readFileSync } from "node:fs";
import { hex } from "netlink-ts/testing/hex.ts";

/** What one side of a connection said; the file's first line says who. */
export function captured(name: string): Uint8Array {
  return hex(readFileSync(new URL(`./captures/${name}.hex`, import.meta.url), "utf8"));
}

/** The same behind the HTTP head: a stream of gob. */
export function capturedGob(name: string): Uint8Array {
  const bytes = captured(name);
  const end = bytes.findIndex((byte, at) => byte === 0x0a && bytes[at + 1] === 0x0a);
  return bytes.slice(end + 2);
}
