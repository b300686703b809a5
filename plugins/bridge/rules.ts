/**
 * An attachment's elements in nf_tables: one transaction to add them, one to take them away, none when there are none.
 * @module
 */

import { type Attachment, ownerText } from "../../core/attachment.ts";
import { addElements } from "../../core/nft/add-elements.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { ownedElements } from "../../core/nft/owned-elements.ts";
import { belongsToPod } from "../../core/nft/ownership.ts";
import { removeElements } from "../../core/nft/remove-elements.ts";
import type { SetName } from "../../core/nft/sets.ts";
import type { TableElement } from "../../core/nft/table-element.ts";
import { type BridgeRecord, recordedElements } from "./record.ts";

/** The sets that bridge puts attachments' elements into. */
export const bridgeSets: readonly SetName[] = ["masq4", "masq6", "mac_ports", "mac"];

/** Adds elements, all or none. */
export function addRules(elements: readonly TableElement[]): void {
  if (elements.length === 0) return;
  using nft = NftSocket.open();
  addElements(nft, elements);
}

/**
 * Takes away what is the attachment's own: by its record, without one whatever bears its mark. What its network shares
 * stays.
 */
export function removeRules(attachment: Attachment, record: BridgeRecord | undefined): void {
  const recorded = record && recordedElements(attachment, record).filter(belongsToPod);
  if (recorded?.length === 0) return;
  using nft = NftSocket.open();
  const owner = ownerText(attachment);
  removeElements(nft, recorded ?? ownedElements(nft, { owner }, bridgeSets));
}
