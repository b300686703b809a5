/**
 * Finding elements by owner: for GC, and for DEL without a record.
 * @module
 */

import { NFPROTO_BRIDGE, NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";

import { ownerNetworkText } from "../attachment.ts";
import type { NftSocket } from "./nft-socket.ts";
import { belongsToNetwork, belongsToPod } from "./ownership.ts";
import { type SetName, sets } from "./sets.ts";
import type { TableElement } from "./table-element.ts";

/** Whose elements: of one attachment (`ownerText`), or of all attachments of a network by its name. */
export type Whose = { readonly owner: string } | { readonly network: string };

/**
 * Elements of that owner, found by reading the sets. A network's are those of its attachments; what they share is left out.
 * @param among the sets to read; by default all
 */
export function ownedElements(
  nft: NftSocket,
  whose: Whose,
  among: readonly SetName[] = allSets,
): TableElement[] {
  const network = "network" in whose ? ownerNetworkText(whose.network) : undefined;
  const text = "owner" in whose ? whose.owner : `${network}/`;
  const isTheirs = (element: TableElement): boolean =>
    network === undefined
      ? element.owner === text
      : belongsToNetwork(element, network) && belongsToPod(element);
  return presentSets(nft, among)
    .flatMap((set) => nft.elementsWithText(set, text))
    .filter(isTheirs);
}

const allSets = Object.keys(sets) as SetName[];

function presentSets(nft: NftSocket, among: readonly SetName[]): SetName[] {
  const present = [NFPROTO_INET, NFPROTO_BRIDGE].filter(
    (family) => nft.tableComment(family) !== undefined,
  );
  return among.filter((set) => (present as number[]).includes(sets[set].family));
}
