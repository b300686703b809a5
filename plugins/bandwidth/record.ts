/**
 * What ADD of bandwidth keeps of an attachment.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { readRecord, recordSchema } from "../../core/state/record.ts";

/** Name of the record among those of an attachment. */
export const recordName = "bandwidth";

const shapedRecord = recordSchema({
  /** Name and index of the link of the host: both have to fit, as each may be another link's by now. */
  host: z.string(),
  ifindex: z.int().check(z.positive()),
  /** Which directions are held back. */
  ingress: z.boolean(),
  egress: z.boolean(),
});
export type ShapedRecord = z.output<typeof shapedRecord>;

/** What was shaped; undefined without a record that can be used. */
export function readShaped(attachment: Attachment): ShapedRecord | undefined {
  return readRecord(attachment, recordName, shapedRecord);
}
