/**
 * Which boot this is.
 * @see random(4)
 * @module
 */

import { readFileIfPresent } from "./file.ts";

const path = "/proc/sys/kernel/random/boot_id";

/** The kernel's random name for this boot, 36 characters; undefined where /proc does not tell. */
export function bootId(): string | undefined {
  const bytes = readFileIfPresent(path, 64);
  const text = bytes && new TextDecoder().decode(bytes).trim();
  return text !== undefined && /^[0-9a-f-]{36}$/.test(text) ? text : undefined;
}
