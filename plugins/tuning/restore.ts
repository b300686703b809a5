/**
 * DEL and GC of tuning.
 * @module
 */

import type { Attachment } from "../../core/attachment.ts";
import type { DelCall, GcCall } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import {
  isKnownElsewhere,
  isRecordedElsewhere,
  knownAttachments,
  recordedAttachments,
  removeEmptyDirectories,
} from "../../core/state/record.ts";
import { dataDirOf, type TuningConfig } from "./config.ts";
import { findLink, restoreSteps } from "./link.ts";
import { forgetTuned, readTuned, recordName, type TuningRecord } from "./record.ts";
import { readSaved, removeSaved, savedPath } from "./saved.ts";
import { restoreSysctl } from "./sysctls.ts";

type Warn = (text: string) => void;

/** What is known of an attachment that ends. */
interface Tuned {
  readonly attachment: Attachment;
  readonly record: TuningRecord | undefined;
  /** Where the link's earlier settings are; undefined when there are none, or another network's. */
  readonly file: string | undefined;
}

/** DEL: gives link and sysctls their earlier values back where the namespace is still there, and forgets them. */
export function restore(call: DelCall<TuningConfig>): void {
  using netns = call.openNetnsIfPresent();
  end(tunedOf(call.attachment, call.config), netns, call.warn);
}

/** GC: the same for stale attachments of the network. */
export function collect(call: GcCall<TuningConfig>): void {
  const { network, validAttachments, isStale, config, warn } = call;
  if (validAttachments === undefined) return;
  const recorded = recordedAttachments(network, recordName);
  const isNew = ({ containerId, ifname }: Attachment) =>
    !recorded.some((each) => each.containerId === containerId && each.ifname === ifname);
  // a file alone does not tell its network; other plugins' records of the attachment, or their directory, do
  const known = knownAttachments(network).filter((each) => isNew(each) && !isKnownElsewhere(each));
  const stale = [...recorded, ...known].filter((each) => isStale(each));
  attemptAll(
    ...stale.map((attachment) => () => {
      const tuned = tunedOf(attachment, config);
      using netns = Netns.openIfPresent(tuned.record?.path);
      end(tuned, netns, warn);
    }),
    () => removeEmptyDirectories(network),
  );
}

/** Without a record the reference may have made the file, which lies where the configuration says. */
function tunedOf(attachment: Attachment, config: Partial<TuningConfig>): Tuned {
  const record = readTuned(attachment);
  const file = record === undefined ? savedPath(dataDirOf(config), attachment) : record.file;
  const isTheirs = isRecordedElsewhere(attachment, recordName); // its name does not tell the network
  return { attachment, record, file: isTheirs ? undefined : file };
}

function end(tuned: Tuned, netns: Netns | undefined, warn: Warn): void {
  const { attachment, record, file } = tuned;
  // another namespace may have come to lie where the attachment's was
  if (netns && (record === undefined || netns.identity() === record.netns)) {
    attemptAll(
      () => restoreLink(tuned, netns, warn),
      () => restoreSysctls(netns, record),
    );
  }
  if (file !== undefined) removeSaved(file);
  forgetTuned(attachment); // last: until here another DEL finds all of it
}

function restoreLink({ attachment, file, record }: Tuned, netns: Netns, warn: Warn): void {
  const saved = file === undefined ? undefined : readSaved(file, record?.saved, warn);
  if (saved === undefined) return;
  using route = RouteSocket.dial(netns);
  const link = findLink(route, attachment.ifname);
  if (link !== undefined) attemptAll(...restoreSteps(route, link, saved, warn));
}

function restoreSysctls(netns: Netns, record: TuningRecord | undefined): void {
  if (record === undefined || record.sysctls.length === 0) return;
  const steps = record.sysctls.toReversed().map((each) => () => restoreSysctl(each));
  netns.run(() => attemptAll(...steps));
}
