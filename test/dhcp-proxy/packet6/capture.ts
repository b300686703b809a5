import { readFileSync } from "node:fs";
import { hex } from "netlink-ts/testing/hex.ts";

/** The UDP payloads that are captured; a file's first line says whose it is. */
export const captureNames = [
  "dnsmasq-reply",
  "dnsmasq-renewed",
  "dnsmasq-released",
  "dnsmasq-information",
] as const;

/** One of them. */
export function captured(name: (typeof captureNames)[number]): Uint8Array {
  return hex(readFileSync(new URL(`./captures/${name}.hex`, import.meta.url), "utf8"));
}
