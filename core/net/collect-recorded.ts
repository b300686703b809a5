/**
 * GC of plugins whose attachments live in the namespaces that their records name.
 * @module
 */

import type { Attachment } from "../attachment.ts";
import type { GcCall } from "../cni/plugin.ts";
import { attemptAll } from "../errors.ts";
import { recordedAttachments, removeEmptyDirectories, removeRecord } from "../state/record.ts";
import { Netns } from "./netns.ts";

/** What a record tells of where its attachment is. */
export interface Placed {
  /** CNI_NETNS. */
  readonly path: string;
  /** As of `Netns.identity`. */
  readonly netns: string;
}

/**
 * Ends what stale attachments have where their namespaces live, one by one under the namespace's lock, and forgets all of them.
 * Nothing when nothing is known of what is valid.
 */
export function collectRecorded<R extends Placed>(
  { network, validAttachments, isStale }: GcCall<unknown>,
  plugin: string,
  read: (attachment: Attachment) => R | undefined,
  end: (record: R, attachment: Attachment, netns: Netns) => void,
): void {
  if (validAttachments === undefined) return;
  const stale = recordedAttachments(network, plugin).filter((each) => isStale(each));
  attemptAll(
    ...stale.map((attachment) => () => {
      const record = read(attachment);
      using netns = Netns.openIfPresent(record?.path);
      // another namespace may have come to lie where the attachment's was
      if (record && netns?.identity() === record.netns) {
        netns.locked(() => end(record, attachment, netns));
      }
      removeRecord(attachment, plugin); // last: until here another GC finds all of it
    }),
    () => removeEmptyDirectories(network), // of a DEL that was killed behind the record
  );
}
