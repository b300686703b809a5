/**
 * The file with a link's earlier settings, in the reference's form and place: either program restores what the other saved.
 * @module
 */

import "../../core/cni/zod-settings.ts";
import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { CniError, cniCode, explain, isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { formatMac, parseMac } from "../../core/net/address.ts";
import {
  directoryOf,
  ensureDirectory,
  readFileIfPresent,
  unlinkIfPresent,
  writeFileAtomically,
} from "../../core/state/file.ts";
import type { LinkSettings } from "./config.ts";

const longest = 4096;
const W_OK = 2;

const savedFile = z.object({
  mac: z.optional(z.string()),
  promisc: z.optional(z.boolean()),
  mtu: z.optional(z.int()),
  allmulti: z.optional(z.boolean()),
  txQLen: z.optional(z.int()),
});

/** The file of an attachment in that folder. */
export function savedPath(dataDir: string, { containerId, ifname }: Attachment): string {
  return `${dataDir.replace(/\/+$/, "")}/${containerId}_${ifname}.json`;
}

/** Writes the file, in the place of one that is there, and the folders above it. */
export function writeSaved(path: string, { mac, ...rest }: LinkSettings): void {
  const { promisc, mtu, allmulti, txQLen } = rest;
  const value = { mac: mac && formatMac(mac), promisc, mtu, allmulti, txQLen };
  ensureDirectory(directoryOf(path), 0o755);
  writeFileAtomically(path, new TextEncoder().encode(JSON.stringify(value, null, 1)));
}

/**
 * What the file says; undefined without one, or when it cannot be used as a whole, which is said with `warn`.
 * @throws HostError EIO, ENOMEM…: then nothing is known, and another DEL may read it
 */
export function readSaved(path: string, warn: (text: string) => void): LinkSettings | undefined {
  try {
    const bytes = readFileIfPresent(path, longest);
    return bytes && decodeSaved(bytes);
  } catch (error) {
    if (isErrno(error, ...nowhere)) return undefined;
    if (isErrno(error) && !isErrno(error, "ELOOP")) throw error;
    warn(`restores nothing from "${path}": ${explain(error)}`);
    return undefined;
  }
}

/** There cannot be a file of that name. */
const nowhere = ["ENOTDIR", "ENAMETOOLONG", "EISDIR"];

function decodeSaved(bytes: Uint8Array): LinkSettings {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const parsed = z.safeParse(savedFile, JSON.parse(text));
  if (!parsed.success) {
    throw new Error(`bad value at "${parsed.error.issues[0]?.path.join(".")}"`);
  }
  const { mac, ...rest } = parsed.data;
  const present = Object.entries(rest).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(present), ...(mac !== undefined && { mac: parseMac(mac) }) };
}

/** Removes the file. */
export function removeSaved(path: string): void {
  try {
    unlinkIfPresent(path);
  } catch (error) {
    if (!isErrno(error, ...nowhere)) throw error;
  }
}

/** For STATUS. @throws {CniError} 50 when no file could be written in that folder */
export function requireSavable(dataDir: string): void {
  try {
    host.access(dataDir, W_OK);
  } catch (cause) {
    const above = directoryOf(dataDir);
    const isMissing = isErrno(cause, "ENOENT") && above !== dataDir; // ADD would make it
    if (!isMissing) {
      throw new CniError(cniCode.notAvailable, `nothing can be saved in "${dataDir}"`, { cause });
    }
    requireSavable(above);
  }
}
