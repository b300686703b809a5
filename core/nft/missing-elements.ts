/**
 * What CHECK wants to know: is all there that ADD has made?
 * @module
 */

import type { NftSocket } from "./nft-socket.ts";
import { belongsToPod } from "./ownership.ts";
import { sameBytes, samePlace, type TableElement } from "./table-element.ts";

/** Those of `elements` that are not in the kernel, or there with another owner or value. Nothing is there without a table. */
export function missingElements(nft: NftSocket, elements: readonly TableElement[]): TableElement[] {
  return elements.filter((element) => {
    const { set, key, data, owner } = element;
    if (!belongsToPod(element)) return nft.find({ set, key }) === undefined;
    const there = nft.find(element);
    return !(
      there !== undefined &&
      samePlace(there, element) &&
      there.owner === owner &&
      sameBytes(there.data, data)
    );
  });
}
