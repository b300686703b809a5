/**
 * Records of attachments that are not valid any more.
 * @module
 */

import type { GcCall } from "../cni/plugin.ts";
import { attemptAll } from "../errors.ts";
import { recordedAttachments, removeEmptyDirectories, removeRecord } from "./record.ts";

/** Removes the records of stale attachments; none when nothing is known of what is valid. */
export function removeStaleRecords(call: GcCall<unknown>, plugin: string): void {
  if (call.validAttachments === undefined) return;
  const stale = recordedAttachments(call.network, plugin).filter((each) => call.isStale(each));
  attemptAll(
    ...stale.map((attachment) => () => removeRecord(attachment, plugin)),
    () => removeEmptyDirectories(call.network), // of a DEL that was killed behind the record
  );
}
