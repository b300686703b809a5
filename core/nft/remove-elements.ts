/**
 * Removing a pod's elements, and nobody else's.
 * @module
 */

import { openTransaction } from "netlink-ts/nftables/batch.ts";

import { during } from "../errors.ts";
import type { NftSocket } from "./nft-socket.ts";
import { belongsToPod } from "./ownership.ts";
import { untilNotOvertaken, vanished } from "./retry.ts";
import type { SetName } from "./sets.ts";
import { samePlace, type TableElement } from "./table-element.ts";
import { appendDeletes } from "./transaction.ts";

/** Above this many of one set, a dump is cheaper than as many questions. */
const questionsAtMost = 32;

/**
 * Removes a pod's elements that still have the owner they are given with; what pods share stays. The kernel deletes by key alone, so looking and deleting
 * are bound together by the generation. What is gone, what others have taken over, and a missing table are no error.
 */
export function removeElements(nft: NftSocket, elements: readonly TableElement[]): void {
  const own = elements.filter(belongsToPod);
  if (own.length === 0) return;
  during("remove elements from nf_tables", () =>
    untilNotOvertaken(() => {
      const transaction = openTransaction(nft.generation());
      const there = stillOwned(nft, own);
      if (there.length === 0) return;
      appendDeletes(transaction, there);
      nft.commit(transaction, { deletes: true });
    }, vanished),
  );
}

/** Those of `elements` that the kernel has, in their very place and with their owner. */
function stillOwned(nft: NftSocket, elements: readonly TableElement[]): TableElement[] {
  const counts = new Map<SetName, number>();
  for (const { set } of elements) counts.set(set, (counts.get(set) ?? 0) + 1);
  const dumps = new Map<SetName, Map<string, TableElement>>();
  const holder = (element: TableElement): TableElement | undefined => {
    const { set } = element;
    if (counts.get(set)! <= questionsAtMost) return nft.find(element);
    if (!dumps.has(set)) dumps.set(set, indexed(nft.elements(set)));
    return dumps.get(set)!.get(element.key.join());
  };
  return elements.filter((element) => {
    const there = holder(element);
    return there !== undefined && there.owner === element.owner && samePlace(there, element);
  });
}

function indexed(elements: TableElement[]): Map<string, TableElement> {
  return new Map(elements.map((element) => [element.key.join(), element]));
}
