/**
 * Taking published ports away.
 * @module
 */

import { type Attachment, ownerText } from "../../core/attachment.ts";
import type { DelCall, GcCall } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { ownedElements } from "../../core/nft/owned-elements.ts";
import { belongsToPod } from "../../core/nft/ownership.ts";
import { removeElements } from "../../core/nft/remove-elements.ts";
import type { SetName } from "../../core/nft/sets.ts";
import type { TableElement } from "../../core/nft/table-element.ts";
import { recordedAttachments, removeEmptyDirectories } from "../../core/state/record.ts";
import type { PortmapConfig } from "./config.ts";
import { handBack } from "./hand-back.ts";
import { forgetPublished, recordedAsPublished, recordName } from "./record.ts";
import { unpublishReferences, unpublishStaleReferences } from "./reference.ts";
import { endFlowsToPod } from "./stale-flows.ts";

/** Where published ports are. */
const portMaps: readonly SetName[] = ["any4", "any6", "port4", "port6", "range4", "range6"];
/** What goes with them, and never without them. */
const clientSets: readonly SetName[] = [
  "snat4",
  "self4",
  "self6",
  "nosnat4",
  "masqall4",
  "masqall6",
];

type Warn = (text: string) => void;

/**
 * Removes all that is published of an attachment: what the record says or, without one, what the kernel has of it. Ports
 * that it took from another network of its container go back there.
 */
export function unpublish(call: DelCall<PortmapConfig>): void {
  const { attachment, warn } = call;
  const recorded = recordedAsPublished(attachment);
  using nft = NftSocket.openIfSupported();
  if (nft !== undefined) {
    const owner = ownerText(attachment);
    attemptAll(
      () => removeAll(nft, recorded?.elements ?? elementsInKernel(nft, owner), warn),
      () => (recorded === undefined ? unpublishReferences(nft, call) : undefined),
      () => handBack(nft, recorded?.displaced ?? [], warn),
    );
  }
  forgetPublished(attachment); // last: until here another DEL finds all of it
}

/** Removes what stale attachments of a network have left, going on past failures. @param valid those that have not */
export function unpublishStale(
  { network, isStale, warn }: GcCall<PortmapConfig>,
  valid: readonly Attachment[],
): void {
  const validOwners = new Set(valid.map(ownerText));
  using nft = NftSocket.openIfSupported();
  const stale = recordedAttachments(network, recordName).filter(isStale);
  attemptAll(
    () => {
      if (nft === undefined) return;
      const there = ownedElements(nft, { network }, [...portMaps, ...clientSets]);
      const left = there.filter(({ owner = "" }) => !validOwners.has(owner));
      removeAll(nft, left, warn);
    },
    () => {
      if (nft !== undefined) unpublishStaleReferences(nft, { network, valid, warn });
    },
    () => {
      const displaced = stale.flatMap((each) => recordedAsPublished(each)?.displaced ?? []);
      if (nft !== undefined) handBack(nft, displaced, warn);
    },
    ...stale.map((attachment) => () => forgetPublished(attachment)),
    () => removeEmptyDirectories(network),
  );
}

/** Removes elements, and ends the flows that they led to their pods. */
export function removeAll(nft: NftSocket, elements: TableElement[], warn: Warn): void {
  const own = elements.filter(belongsToPod);
  removeElements(nft, own);
  endFlowsToPod(nft.connection, own, warn);
}

function elementsInKernel(nft: NftSocket, owner: string): TableElement[] {
  const ports = ownedElements(nft, { owner }, portMaps);
  return ports.length === 0 ? [] : [...ports, ...ownedElements(nft, { owner }, clientSets)];
}
