/**
 * What ADD of firewall keeps of an attachment.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { belongsToPod } from "../../core/nft/ownership.ts";
import { recordedElements } from "../../core/nft/recorded-elements.ts";
import { encodeElements, type TableElement } from "../../core/nft/table-element.ts";
import { readRecord, removeRecord, writeRecord } from "../../core/state/record.ts";

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
  return record && recordedElements(attachment, recordName, record.elements);
}

/** Forgets what was let through. */
export function forgetAllowed(attachment: Attachment): void {
  removeRecord(attachment, recordName);
}
