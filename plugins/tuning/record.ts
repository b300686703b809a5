/**
 * What ADD of tuning keeps of an attachment: the sysctls, and of the file of `saved.ts` whose it is, which its name does not tell,
 * and what is in it.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { readRecord, recordSchema, removeRecord, writeRecord } from "../../core/state/record.ts";
import { encodeSettings, savedSettings } from "./saved.ts";

/** Name of the record among those of an attachment. */
export const recordName = "tuning";

const tuningRecord = recordSchema({
  /** CNI_NETNS. */
  path: z.string(),
  /** As of `Netns.identity`. */
  netns: z.string(),
  /** The link whose settings are saved. */
  ifindex: z.optional(z.number()),
  /** Where they are. */
  file: z.optional(z.string()),
  /** And what they are: that file is the reference's too, which writes it in place. */
  saved: z.optional(savedSettings),
  sysctls: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      before: z.optional(z.string()),
      made: z.optional(z.string()),
    }),
  ),
});
export type TuningRecord = z.output<typeof tuningRecord>;

/** The record; undefined without one that can be used. */
export function readTuned(attachment: Attachment): TuningRecord | undefined {
  return readRecord(attachment, recordName, tuningRecord);
}

/** Writes the record. Before the kernel is told, so that DEL finds all of it. */
export function recordTuned(attachment: Attachment, record: TuningRecord): void {
  const { saved } = record;
  writeRecord(attachment, recordName, { ...record, saved: saved && encodeSettings(saved) });
}

/** Removes the record. */
export function forgetTuned(attachment: Attachment): void {
  removeRecord(attachment, recordName);
}
