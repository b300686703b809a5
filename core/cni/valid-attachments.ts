/**
 * The list of attachments a runtime still knows, for GC.
 * @see SPEC.md "GC"
 * @module
 */

import type { Attachment } from "../attachment.ts";
import { CniError, cniCode } from "../errors.ts";
import { valueText } from "./issue-text.ts";

/** The key's name in the main text and in the tag of 1.1.0. A client may send both; then both lists count. */
const listKeys = ["cni.dev/valid-attachments", "cni.dev/attachments"];

/**
 * Reads the list.
 * @returns undefined when there is none: then nothing is known about any attachment
 * @throws {CniError} 7 for an entry that names no attachment, since guessing would remove what is in use
 */
export function readValidAttachments(
  document: Readonly<Record<string, unknown>>,
  network: string,
): Attachment[] | undefined {
  const lists = listKeys.filter((key) => document[key] != null);
  if (lists.length === 0) return undefined;
  return lists.flatMap((key) => {
    const list = document[key];
    if (!Array.isArray(list)) throw malformed(key, "a list", list);
    return list.map((entry, index) => readAttachment(entry, `${key}[${index}]`, network));
  });
}

function readAttachment(entry: unknown, where: string, network: string): Attachment {
  if (typeof entry !== "object" || entry === null) throw malformed(where, "an object", entry);
  const containerId = member(entry, "containerID");
  if (typeof containerId !== "string" || containerId === "") {
    throw malformed(`${where}.containerID`, "a text", containerId);
  }
  const ifname = member(entry, "ifname");
  if (typeof ifname !== "string" || ifname === "") {
    throw malformed(`${where}.ifname`, "a text", ifname);
  }
  return { network, containerId, ifname };
}

/** A member by name, in any case. */
function member(object: object, name: string): unknown {
  const key = Object.keys(object).find((each) => each.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : (object as Record<string, unknown>)[key];
}

function malformed(where: string, wanted: string, value: unknown): CniError {
  const text = `${JSON.stringify(where)}: want ${wanted}, got ${valueText(value)}`;
  return new CniError(cniCode.badConfig, text);
}

/** Tells whether an attachment of this network is missing from the list. Without a list none is. */
export function staleness(
  valid: readonly Attachment[] | undefined,
  network: string,
): (attachment: Attachment) => boolean {
  if (valid === undefined) return () => false;
  // neither name can hold a slash
  const known = new Set(valid.map(({ containerId, ifname }) => `${containerId}/${ifname}`));
  return (attachment) =>
    attachment.network === network && !known.has(`${attachment.containerId}/${attachment.ifname}`);
}
