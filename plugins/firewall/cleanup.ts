/**
 * Taking away what was let through.
 * @module
 */

import { type Attachment, ownerText } from "../../core/attachment.ts";
import type { GcCall } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { ownedElements } from "../../core/nft/owned-elements.ts";
import { removeElements } from "../../core/nft/remove-elements.ts";
import type { SetName } from "../../core/nft/sets.ts";
import { removeStaleRecords } from "../../core/state/stale-records.ts";
import type { FirewallConfig } from "./config.ts";
import { forgetAllowed, recordedAsAllowed, recordName } from "./record.ts";

/** Where the elements of pods are; a bridge's are shared and stay. */
const podSets: readonly SetName[] = ["pods4", "pods6"];

/** Removes all that an attachment is let through: what the record says or, without one, what the kernel has of it. */
export function forbid(attachment: Attachment): void {
  const recorded = recordedAsAllowed(attachment);
  using nft = NftSocket.openIfSupported();
  if (nft !== undefined) {
    removeElements(nft, recorded ?? ownedElements(nft, { owner: ownerText(attachment) }, podSets));
  }
  forgetAllowed(attachment); // last: until here another DEL finds all of it
}

/** Removes what attachments of this network left that are valid no more, going on past failures. */
export function collectGarbage(call: GcCall<FirewallConfig>): void {
  const { network, validAttachments } = call;
  if (validAttachments === undefined) return;
  const valid = new Set(validAttachments.filter((each) => each.network === network).map(ownerText));
  attemptAll(
    () => removeStale(network, valid),
    () => removeStaleRecords(call, recordName),
  );
}

function removeStale(network: string, valid: ReadonlySet<string>): void {
  using nft = NftSocket.openIfSupported();
  if (nft === undefined) return;
  const there = ownedElements(nft, { network }, podSets);
  removeElements(
    nft,
    there.filter(({ owner = "" }) => !valid.has(owner)),
  );
}
