/**
 * What ADD of firewall keeps of an attachment.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { parsedText } from "../../core/cni/fields.ts";
import { parseCidr } from "../../core/net/address.ts";
import { belongsToPod } from "../../core/nft/ownership.ts";
import { recordedElements } from "../../core/nft/recorded-elements.ts";
import { encodeElements, type TableElement } from "../../core/nft/table-element.ts";
import { readRecord, recordSchema, removeRecord, writeRecord } from "../../core/state/record.ts";
import type { ZoneSource } from "./sources.ts";

/** Name of the record among those of an attachment. */
export const recordName = "firewall";

/** An address with its length. @throws {Error} it is none */
function sourceText(text: string): string {
  parseCidr(text);
  return text;
}

const firewallRecord = recordSchema({
  /** As of `encodeElements`. */
  elements: z.array(z.string()),
  /** What firewalld was told. */
  sources: z.optional(z.array(z.object({ zone: z.string(), source: parsedText(sourceText) }))),
});

/** What an attachment is let through. */
export interface Allowed {
  readonly elements: readonly TableElement[];
  readonly sources: readonly ZoneSource[];
}

/** Writes down the attachment's own. Before the kernel and firewalld are told, so that DEL finds all of it. */
export function recordAllowed(attachment: Attachment, { elements, sources }: Allowed): void {
  const own = encodeElements(elements.filter(belongsToPod));
  writeRecord(attachment, recordName, { elements: own, sources });
}

/** What the record says is let through; undefined without a record that can be read, and all of it. */
export function recordedAsAllowed(attachment: Attachment): Allowed | undefined {
  const record = readRecord(attachment, recordName, firewallRecord);
  const elements = record && recordedElements(attachment, recordName, record.elements);
  return elements && { elements, sources: record?.sources ?? [] };
}

/** Forgets what was let through. */
export function forgetAllowed(attachment: Attachment): void {
  removeRecord(attachment, recordName);
}
