/**
 * What ADD of firewall keeps of an attachment.
 * @module
 */

import * as z from "zod/mini";

import { type Attachment, ownerText } from "../../core/attachment.ts";
import { warn } from "../../core/log.ts";
import { belongsToPod } from "../../core/nft/ownership.ts";
import { decodeElements, encodeElements, type TableElement } from "../../core/nft/table-element.ts";
import { readRecord, recordPath, removeRecord, writeRecord } from "../../core/state/record.ts";

/** Name of the record among those of an attachment. */
export const recordName = "firewall";

const firewallRecord = z.object({
  /** As of `encodeElements`. */
  elements: z.array(z.string()),
});

/** Writes down the attachment's own elements. Before the kernel is told, so that DEL finds all of them. */
export function recordAllowed(attachment: Attachment, elements: readonly TableElement[]): void {
  const own = elements.filter(belongsToPod);
  writeRecord(attachment, recordName, { elements: encodeElements(own) });
}

/** What the record says is let through; undefined without a record that can be read, and all of it. */
export function recordedAsAllowed(attachment: Attachment): TableElement[] | undefined {
  const record = readRecord(attachment, recordName, firewallRecord);
  if (record === undefined) return undefined;
  const elements = decodeElements(record.elements, ownerText(attachment));
  if (elements.length === record.elements.length) return elements;
  warn(`steps over "${recordPath(attachment, recordName)}": it has elements of no known set`);
  return undefined;
}

/** Forgets what was let through. */
export function forgetAllowed(attachment: Attachment): void {
  removeRecord(attachment, recordName);
}
