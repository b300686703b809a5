/**
 * What CHECK wants to know: is all there that ADD has made?
 * @module
 */

import { sameBytes } from "../bytes.ts";
import type { NftSocket } from "./nft-socket.ts";
import { belongsToPod } from "./ownership.ts";
import { samePlace, type TableElement } from "./table-element.ts";

/** Those of `elements` that are not in the kernel, or there with another owner or value. Nothing is there without a table. */
export function missingElements(nft: NftSocket, elements: readonly TableElement[]): TableElement[] {
  // what pods share is found by any key that it holds
  const wanted = elements.map((each) =>
    belongsToPod(each) ? each : { set: each.set, key: each.key },
  );
  const { found } = nft.lookUp({ elements: wanted });
  return elements.filter((element, at) => {
    const there = found[at];
    if (there === undefined) return true;
    return belongsToPod(element) && !isElement(there, element);
  });
}

/** True when the kernel has one of a pod's own: then we have made the rest too, whatever has become of it. */
export function hasAnyOwn(nft: NftSocket, elements: readonly TableElement[]): boolean {
  const own = elements.filter(belongsToPod);
  return missingElements(nft, own).length < own.length;
}

function isElement(there: TableElement, { data, owner, ...place }: TableElement): boolean {
  return samePlace(there, place) && there.owner === owner && sameBytes(there.data, data);
}
