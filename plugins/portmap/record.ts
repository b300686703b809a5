/**
 * What ADD of portmap keeps of an attachment, and what others conclude from it.
 * @module
 */

import * as z from "zod/mini";

import { type Attachment, ownerNetworkText, ownerText } from "../../core/attachment.ts";
import { isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { recordedElements } from "../../core/nft/recorded-elements.ts";
import { encodeElements, type TableElement } from "../../core/nft/table-element.ts";
import {
  hasRecord,
  readRecord,
  recordedAttachments,
  recordedNetworks,
  recordSchema,
  removeRecord,
  writeRecord,
} from "../../core/state/record.ts";

/** Name of the record among those of an attachment. */
export const recordName = "portmap";

const portmapRecord = recordSchema({
  /** CNI_NETNS. */
  netns: z.string(),
  /** Device and inode of the namespace, as `4:4026532201`; absent when nothing was at the path. */
  identity: z.exactOptional(z.string()),
  /** As of `encodeElements`. */
  elements: z.array(z.string()),
  /** Owner texts of the container's other attachments that had some of these ports, the last one first. */
  displaced: z.exactOptional(z.array(z.string())),
});

/** What is published of an attachment. */
export interface PublishedRecord {
  readonly elements: TableElement[];
  /** Owner texts of the container's other attachments that had some of the ports, the last one first. */
  readonly displaced: readonly string[];
}

/** Writes down what is published of an attachment. Before the kernel is told, so that DEL finds all of it. */
export function recordPublished(
  attachment: Attachment,
  netns: string,
  { elements, displaced }: PublishedRecord,
): void {
  const identity = netnsIdentity(netns);
  writeRecord(attachment, recordName, {
    netns,
    ...(identity !== undefined && { identity }),
    elements: encodeElements(elements),
    ...(displaced.length > 0 && { displaced }),
  });
}

/** What the record says is published; undefined without a record that can be read, and all of it. */
export function recordedAsPublished(attachment: Attachment): PublishedRecord | undefined {
  const record = readRecord(attachment, recordName, portmapRecord);
  if (record === undefined) return undefined;
  const elements = recordedElements(attachment, recordName, record.elements);
  return elements && { elements, displaced: record.displaced ?? [] };
}

/** Same as {@link recordedAsPublished} for an owner text; undefined too when the pod is gone. */
export function readPublished(owner: string): PublishedRecord | undefined {
  const attachment = attachmentOf(owner);
  return attachment === undefined || isGone(owner) ? undefined : recordedAsPublished(attachment);
}

/** Forgets what was published. */
export function forgetPublished(attachment: Attachment): void {
  removeRecord(attachment, recordName);
}

/**
 * Whether the pod of that owner text is gone: it has no record, or its namespace is no longer where the record says. A
 * record that cannot be read speaks for the pod.
 */
export function isGone(owner: string): boolean {
  const attachment = attachmentOf(owner);
  if (attachment === undefined) return true;
  const record = readRecord(attachment, recordName, portmapRecord);
  if (record === undefined) return !hasRecord(attachment, recordName);
  return record.identity !== undefined && record.identity !== netnsIdentity(record.netns);
}

/** Whether that owner text is of the same container, be it on another network or under another interface name. */
export function isOfContainer(owner: string, attachment: Attachment): boolean {
  const containerText = (text: string) => text.slice(text.indexOf("/"), text.lastIndexOf(":"));
  return containerText(owner) === containerText(ownerText(attachment));
}

const plainOwner = /^([^/~]+)\/([^~]+):([^:~]+)$/;

/** Reads an owner text; one with shortened parts is looked for among the records. */
function attachmentOf(owner: string): Attachment | undefined {
  const [, network = "", containerId = "", ifname = ""] = plainOwner.exec(owner) ?? [];
  if (network !== "") return { network, containerId, ifname };
  const [text] = owner.split("/");
  return recordedNetworks()
    .filter((name) => ownerNetworkText(name) === text)
    .flatMap((name) => recordedAttachments(name, recordName))
    .find((each) => ownerText(each) === owner);
}

function netnsIdentity(path: string): string | undefined {
  try {
    const { dev, ino } = host.stat(path);
    return `${dev}:${ino}`;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES", "ESRCH")) return undefined;
    throw error;
  }
}
