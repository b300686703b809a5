/**
 * The file with a link's earlier settings, in the reference's form and place: either program restores what the other saved.
 * @module
 */

import "../../core/cni/zod-settings.ts";
import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { macField } from "../../core/cni/fields.ts";
import { warmSchema } from "../../core/cni/warm-schema.ts";
import { CniError, cniCode, explain, isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { formatMac } from "../../core/net/address.ts";
import {
  directoryOf,
  ensureDirectory,
  readFileIfPresent,
  removeEntry,
  writeFileAtomically,
} from "../../core/state/file.ts";
import type { LinkSettings } from "./config.ts";

const longest = 4096;
const W_OK = 2;

/** Settings as the file has them, and the record too. */
export const savedSettings = warmSchema(
  z.object({
    mac: z.exactOptional(macField),
    promisc: z.exactOptional(z.boolean()),
    mtu: z.exactOptional(z.int()),
    allmulti: z.exactOptional(z.boolean()),
    txQLen: z.exactOptional(z.int()),
  }),
);

/** What {@link savedSettings} reads. */
export function encodeSettings({ mac, promisc, mtu, allmulti, txQLen }: LinkSettings): object {
  return { mac: mac && formatMac(mac), promisc, mtu, allmulti, txQLen };
}

/** The file of an attachment in that folder. */
export function savedPath(dataDir: string, { containerId, ifname }: Attachment): string {
  return `${dataDir.replace(/\/+$/, "")}/${containerId}_${ifname}.json`;
}

/** Writes the file, in the place of one that is there, and the folders above it. */
export function writeSaved(path: string, settings: LinkSettings): void {
  const text = JSON.stringify(encodeSettings(settings), null, 1);
  ensureDirectory(directoryOf(path), 0o755);
  writeFileAtomically(path, new TextEncoder().encode(text));
}

/**
 * What the file says; undefined without one, as behind the reference's DEL.
 * @param recorded what the record says was written there, which counts when the file cannot be used as a whole; `warn` is told
 * @throws HostError EIO, ENOMEM…: then nothing is known, and another DEL may read it
 */
export function readSaved(
  path: string,
  recorded: LinkSettings | undefined,
  warn: (text: string) => void,
): LinkSettings | undefined {
  try {
    const bytes = readFileIfPresent(path, longest);
    return bytes && decodeSaved(bytes);
  } catch (error) {
    if (isErrno(error, ...nowhere) && recorded === undefined) return undefined;
    if (isErrno(error) && !isErrno(error, "ELOOP", ...nowhere)) throw error;
    const instead = recorded === undefined ? "" : ", but what the record says was in it";
    warn(`restores nothing from "${path}"${instead}: ${explain(error)}`);
    return recorded;
  }
}

/** There cannot be a file of that name. */
const nowhere = ["ENOTDIR", "ENAMETOOLONG"];

function decodeSaved(bytes: Uint8Array): LinkSettings {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const parsed = z.safeParse(savedSettings, JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new Error(`bad value at "${parsed.error.issues[0]?.path.join(".")}"`);
}

/** Removes the file, whatever lies in its place. */
export function removeSaved(path: string): void {
  try {
    removeEntry(path);
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
