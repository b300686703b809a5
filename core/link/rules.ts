/**
 * An attachment's elements in nf_tables: one transaction to add them, one to take them away, none when there are none.
 * @module
 */

import { type Attachment, ownerText } from "../attachment.ts";
import { CniError, cniCode } from "../errors.ts";
import { addElements } from "../nft/add-elements.ts";
import { describeElement } from "../nft/describe-element.ts";
import { missingElements } from "../nft/missing-elements.ts";
import { NftSocket } from "../nft/nft-socket.ts";
import { ownedElements } from "../nft/owned-elements.ts";
import { belongsToPod } from "../nft/ownership.ts";
import { removeElements } from "../nft/remove-elements.ts";
import type { SetName } from "../nft/sets.ts";
import type { TableElement } from "../nft/table-element.ts";

/** Adds elements, all or none. */
export function addRules(elements: readonly TableElement[]): void {
  if (elements.length === 0) return;
  using nft = NftSocket.open();
  addElements(nft, elements);
}

/** Takes away what of an attachment's elements is its own; what its network shares stays. */
export function removeRules(elements: readonly TableElement[]): void {
  const own = elements.filter(belongsToPod);
  if (own.length === 0) return;
  using nft = NftSocket.open();
  removeElements(nft, own);
}

/** Takes away what attachments of a network own, but for those whose marks are in `kept`. */
export function removeStaleRules(
  network: string,
  kept: ReadonlySet<string>,
  among: readonly SetName[],
): void {
  using nft = NftSocket.open();
  const elements = ownedElements(nft, { network }, among);
  removeElements(
    nft,
    elements.filter(({ owner = "" }) => !kept.has(owner)),
  );
}

/** For CHECK. @throws {CniError} that names the first element which is missing, or somebody else's */
export function checkRules(attachment: Attachment, elements: readonly TableElement[]): void {
  if (elements.length === 0) return;
  using nft = NftSocket.open();
  const [missing] = missingElements(nft, elements);
  if (missing === undefined) return;
  const message = `nf_tables has no ${describeElement(missing)} of "${ownerText(attachment)}"`;
  throw new CniError(cniCode.internal, message);
}
