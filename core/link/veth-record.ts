/**
 * What the plugins of veth pairs keep of an attachment, and what their verbs share knows of them.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../attachment.ts";
import type { CniResult } from "../cni/result.ts";
import { formatMac, parseCidr } from "../net/address.ts";
import type { Veth } from "../net/veth.ts";
import { masqueradeElements } from "../nft/masquerade.ts";
import type { SetName } from "../nft/sets.ts";
import type { TableElement } from "../nft/table-element.ts";
import type { Rollback } from "../rollback.ts";
import { readRecord, recordSchema, removeRecord, writeRecord } from "../state/record.ts";
import { linkRecordFields, linkRecordOf } from "./record.ts";
import { addRules, removeRules } from "./rules.ts";

const cidr = z.string().check(z.refine(isCidr));

function isCidr(text: string): boolean {
  try {
    return parseCidr(text) !== undefined;
  } catch {
    return false; // the record is broken, which its reader says
  }
}

/** Fields of the record of every plugin that makes a veth pair. Values that nobody can have written make it a broken one. */
export const vethRecordFields = {
  ...linkRecordFields,
  addresses: z.array(cidr),
  /** Name of the host's end. */
  host: z.string().check(z.regex(/^veth[0-9a-f]{8}$/)),
  /** MAC address of the container's end. */
  mac: z.string().check(z.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/)),
  ipMasq: z.boolean(),
};

/** The record of a plugin that makes a veth pair and nothing else of its own. */
export const vethRecord = recordSchema(vethRecordFields);
export type VethRecord = z.output<typeof vethRecord>;

/** {@link VethRecord} of an attachment whose container's end gets those addresses and routes, and is up. */
export function vethRecordOf(
  { host, mac }: Veth,
  result: CniResult | undefined,
  config: { ipMasq: boolean; internal?: boolean },
): VethRecord {
  const ipMasq = config.ipMasq && config.internal !== true;
  return { ...linkRecordOf(result, config), host, mac: formatMac(mac), ipMasq };
}

/** The elements that masquerade the container's addresses, if the configuration wants that. */
export function masqueradeOf(
  attachment: Attachment,
  { ipMasq, addresses }: VethRecord,
): TableElement[] {
  return ipMasq ? masqueradeElements(attachment, addresses.map(parseCidr)) : [];
}

/** What tells one plugin of veth pairs from another, for the verbs that they share. */
export interface VethPlugin<R extends VethRecord> {
  /** Its name, which its records have too. */
  readonly name: string;
  readonly record: z.ZodMiniType<R>;
  /** The sets that it puts attachments' elements into. */
  readonly sets: readonly SetName[];
  /** The elements that go with an attachment, what its network shares included. */
  elements(attachment: Attachment, record: R): TableElement[];
}

/**
 * Writes the record and adds the elements that go with it; a failing ADD takes both away, and keeps the record when elements
 * stay. What an earlier ADD left, that no DEL followed, goes first: its record is about to be replaced.
 */
export function keepVeth<R extends VethRecord>(
  plugin: VethPlugin<R>,
  attachment: Attachment,
  record: R,
  rollback: Rollback,
): void {
  const earlier = readRecord(attachment, plugin.name, plugin.record);
  if (earlier !== undefined) removeRules(plugin.elements(attachment, earlier));
  const elements = plugin.elements(attachment, record);
  rollback.defer(() => {
    removeRules(elements);
    removeRecord(attachment, plugin.name);
  });
  writeRecord(attachment, plugin.name, record);
  addRules(elements);
}
