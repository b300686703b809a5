import { readdirSync, readFileSync } from "node:fs";
import { hex } from "netlink-ts/testing/hex.ts";
import { decodeFrame } from "../../../dhcp-proxy/packet/frame.ts";

const folder = new URL("./captures/", import.meta.url);

/** A frame as it was on the link; its file's first line says whose it is. */
export function capturedFrame(name: string): Uint8Array {
  return hex(readFileSync(new URL(`${name}.hex`, folder), "utf8"));
}

/** The UDP payload of a captured frame. */
export function capturedPayload(name: string): Uint8Array {
  const frame = decodeFrame(capturedFrame(name));
  if (frame === undefined) throw new Error(`${name} holds no UDP`);
  return frame.payload.slice();
}

/** Names of all captures that begin so. */
export function captureNames(start: RegExp): string[] {
  const names = readdirSync(folder).map((file) => file.replace(/\.hex$/, ""));
  return names.filter((name) => start.test(name));
}
