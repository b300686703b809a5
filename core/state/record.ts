/**
 * Attachment records: what a plugin did for one attachment, so that DEL, GC and repair need not guess.
 *
 * A record is one JSON file, `/run/netloom/<network>/<containerID>:<ifname>/<plugin>.json`, for root alone, and ends
 * with the boot. Write it before the kernel is changed. A record repeats whose it is; one that is broken or somebody
 * else's is named on stderr and counts as missing, since DEL has to go on.
 * @module
 */

import "../cni/zod-settings.ts";
import * as z from "zod/mini";

import type { Attachment } from "../attachment.ts";
import { sha256Hex } from "../attachment.ts";
import { warmSchema } from "../cni/warm-schema.ts";
import { CniError, cniCode, explain, failureOf, isErrno } from "../errors.ts";
import { host } from "../host.ts";
import { warn } from "../log.ts";
import {
  ensureDirectory,
  isTemporaryName,
  readFileIfPresent,
  removeEntry,
  removeIfEmpty,
  unlinkIfPresent,
  writeFileAtomically,
} from "./file.ts";

/** The folder of all records. */
export const recordsRoot = "/run/netloom";
const largestRecord = 4 * 1024 * 1024;

const recordFile = recordSchema({
  network: z.string(),
  containerId: z.string(),
  ifname: z.string(),
  value: z.unknown(),
});

/** The schema of a record. As `z.object`, and made ready when the program is built instead of with the first record. */
export function recordSchema<S extends z.core.$ZodShape>(shape: S): z.ZodMiniObject<S> {
  return warmSchema(z.object(shape));
}

/**
 * Keeps `value` (anything JSON can say) as the plugin's record, in the place of one that is there.
 * @throws HostError ENOSPC, EROFS…; then the old record, or none, is still there
 */
export function writeRecord(attachment: Attachment, plugin: string, value: unknown): void {
  const { network, containerId, ifname } = attachment;
  const text = JSON.stringify({ network, containerId, ifname, value });
  const bytes = new TextEncoder().encode(text);
  const directory = directoryFor(attachment);
  // a DEL of another attachment may just now remove the network's directory as empty
  for (let triesLeft = 5; ; triesLeft--) {
    try {
      ensureDirectory(directory, 0o700);
      writeFileAtomically(`${directory}/${plugin}.json`, bytes);
      return;
    } catch (error) {
      if (triesLeft === 0 || !isErrno(error, "ENOENT")) throw error;
    }
  }
}

/** The plugin's record, checked by `schema`; undefined when there is none that can be used. */
export function readRecord<S extends z.ZodMiniType>(
  attachment: Attachment,
  plugin: string,
  schema: S,
): z.output<S> | undefined {
  const path = recordPath(attachment, plugin);
  const file = readRecordFile(path);
  if (file === undefined) return undefined;
  if (!isSame(file, attachment)) {
    return stepOver(path, "it belongs to another attachment");
  }
  const parsed = z.safeParse(schema, file.value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return stepOver(path, `bad value at "${["value", ...(issue?.path ?? [])].join(".")}"`);
}

/** True when there is a file for the plugin's record, even one that cannot be used. */
export function hasRecord(attachment: Attachment, plugin: string): boolean {
  return isThere(recordPath(attachment, plugin));
}

/**
 * What `read` makes of the plugin's record, for CHECK. Undefined only when nothing lies in its place: then the reference's
 * plugin may have made the attachment.
 * @throws {CniError} that names one which cannot be used
 */
export function usableRecord<R>(
  attachment: Attachment,
  plugin: string,
  read: (attachment: Attachment) => R | undefined,
): R | undefined {
  const record = read(attachment);
  if (record === undefined && isInTheWay(attachment, plugin)) {
    throw new CniError(cniCode.internal, recordFault(attachment, plugin));
  }
  return record;
}

/** Why there is no record that can be used, in CHECK's words. */
export function recordFault(attachment: Attachment, plugin: string): string {
  if (!isInTheWay(attachment, plugin)) return "the record of this attachment is missing";
  return `the record ${JSON.stringify(recordPath(attachment, plugin))} cannot be used`;
}

/** Unlike {@link hasRecord}, true as well when something else lies where the attachment's directory should be. */
function isInTheWay(attachment: Attachment, plugin: string): boolean {
  return isThere(recordPath(attachment, plugin), true);
}

/** Where the plugin's record of an attachment lies. */
export function recordPath(attachment: Attachment, plugin: string): string {
  return `${directoryFor(attachment)}/${plugin}.json`;
}

const W_OK = 2;

/** For STATUS. @throws {CniError} 50 when no record could be written: a file system that is read-only, a missing right */
export function requireRecordable(): void {
  try {
    host.access(isThere(recordsRoot) ? recordsRoot : "/run", W_OK);
  } catch (cause) {
    throw new CniError(cniCode.notAvailable, `state cannot be written to "${recordsRoot}"`, {
      cause,
    });
  }
}

/** @param behindFile the answer for a path that leads through something else than a directory */
function isThere(path: string, behindFile = false): boolean {
  const error = failureOf(() => host.lstat(path));
  if (error === undefined) return true;
  if (isErrno(error, "ENOENT")) return false;
  if (isErrno(error, "ENOTDIR")) return behindFile;
  throw error;
}

/**
 * Removes the plugin's record, whatever lies in its place, and the directories that are empty then. Nothing to remove is
 * fine; a directory that holds something is not ours, stays, and is named on stderr.
 */
export function removeRecord(attachment: Attachment, plugin: string): void {
  const directory = directoryFor(attachment);
  try {
    removeEntry(recordPath(attachment, plugin));
  } catch (error) {
    // no directory lies where the attachment's should be
    if (!isErrno(error, "ENOTDIR")) throw error;
    unlinkUnlessBelowFile(directory);
  }
  if (removeIfEmpty(directory) || removeLeftovers(directory))
    removeIfEmpty(networkDirectory(attachment.network));
}

function unlinkUnlessBelowFile(path: string): void {
  try {
    unlinkIfPresent(path);
  } catch (error) {
    if (!isErrno(error, "ENOTDIR")) throw error;
  }
}

/**
 * Removes the directories of a network that no record is in, as a killed ADD leaves them; for GC. An ADD that has just made
 * one makes it again.
 */
export function removeEmptyDirectories(network: string): void {
  const directory = networkDirectory(network);
  for (const name of entriesOf(directory)) {
    const inside = `${directory}/${name}`;
    if (!removeIfEmpty(inside)) removeLeftovers(inside);
  }
  removeIfEmpty(directory);
}

/** Names of the networks that have records, in no order; names over 200 bytes as they are cut for the file system. */
export function recordedNetworks(): string[] {
  return entriesOf(recordsRoot);
}

/** Whether another network has a record of this plugin for that interface of that container. */
export function isRecordedElsewhere(attachment: Attachment, plugin: string): boolean {
  return recordedNetworks().some(
    (network) => network !== attachment.network && hasRecord({ ...attachment, network }, plugin),
  );
}

/**
 * The attachments of a network that have a record of this plugin, in no order. Of one that cannot be used the directory
 * tells whose it is, unless its name is cut.
 */
export function recordedAttachments(network: string, plugin: string): Attachment[] {
  const directory = networkDirectory(network);
  const found: Attachment[] = [];
  for (const name of entriesOf(directory)) {
    const path = `${directory}/${name}/${plugin}.json`;
    const file = readRecordFile(path);
    if (file?.network === network && attachmentName(file) === name) {
      found.push({ network, containerId: file.containerId, ifname: file.ifname });
      continue;
    }
    if (file !== undefined) stepOver(path, "it belongs to another attachment");
    const [, containerId, ifname] = plainName.exec(name) ?? [];
    if (containerId === undefined || ifname === undefined || !isThere(path)) continue;
    found.push({ network, containerId, ifname });
  }
  return found;
}

/**
 * The attachments of a network that any plugin has a record of, or had: those with a directory, be it empty. One whose name is cut is
 * left out.
 */
export function knownAttachments(network: string): Attachment[] {
  return entriesOf(networkDirectory(network)).flatMap((name) => {
    const [, containerId, ifname] = plainName.exec(name) ?? [];
    if (containerId === undefined || ifname === undefined) return [];
    return { network, containerId, ifname };
  });
}

/** Whether another network knows that interface of that container, as of {@link knownAttachments}. */
export function isKnownElsewhere(attachment: Attachment): boolean {
  return recordedNetworks().some(
    (network) =>
      network !== attachment.network && isThere(directoryFor({ ...attachment, network })),
  );
}

/** Name of an attachment's directory that is not cut. */
const plainName = /^([^:~]+):([^:~]+)$/;

function readRecordFile(path: string): z.output<typeof recordFile> | undefined {
  try {
    const bytes = readFileIfPresent(path, largestRecord);
    if (bytes === undefined) return undefined;
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const parsed = z.safeParse(recordFile, JSON.parse(text));
    return parsed.success ? parsed.data : stepOver(path, "it is no record");
  } catch (error) {
    // ENOTDIR: something else lies where the attachment's directory should be
    if (isErrno(error, "ENOTDIR")) return undefined;
    return stepOver(path, explain(error));
  }
}

function stepOver(path: string, why: string): undefined {
  warn(`steps over ${JSON.stringify(path)}: ${why}`);
  return undefined;
}

function isSame(a: Attachment, b: Attachment): boolean {
  return a.network === b.network && a.containerId === b.containerId && a.ifname === b.ifname;
}

/** What a kill left while it wrote. @returns whether the directory is gone */
function removeLeftovers(directory: string): boolean {
  const names = entriesOf(directory);
  if (names.length === 0 || !names.every(isTemporaryName)) return false;
  for (const name of names) unlinkIfPresent(`${directory}/${name}`);
  return removeIfEmpty(directory);
}

function entriesOf(directory: string): string[] {
  try {
    return host.readdir(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

function networkDirectory(network: string): string {
  return `${recordsRoot}/${fileName(network)}`;
}

function directoryFor(attachment: Attachment): string {
  return `${networkDirectory(attachment.network)}/${attachmentName(attachment)}`;
}

function attachmentName({ containerId, ifname }: { containerId: string; ifname: string }): string {
  return fileName(`${containerId}:${ifname}`);
}

/** Names over 200 bytes are cut, and a hash of the whole follows "~", which neither name nor container id can hold. */
function fileName(text: string): string {
  if (new TextEncoder().encode(text).length <= 200) return text;
  return `${text.slice(0, 120)}~${sha256Hex(text).slice(0, 32)}`;
}
