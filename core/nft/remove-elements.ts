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
import { eachPlaceOnce, samePlace, type TableElement } from "./table-element.ts";
import { appendDeletes } from "./transaction.ts";

/** Above this many of one set, a dump is cheaper than as many questions. */
const questionsAtMost = 32;

/**
 * Removes a pod's elements that still have the owner they are given with; what pods share stays. The kernel deletes by key alone, so looking and deleting
 * are bound together by the generation. What is gone, what others have taken over, and a missing table are no error.
 */
export function removeElements(nft: NftSocket, elements: readonly TableElement[]): void {
  const own = eachPlaceOnce(elements.filter(belongsToPod)); // a broken record may name one twice, which the kernel would miss
  if (own.length === 0) return;
  during("remove elements from nf_tables", () =>
    untilNotOvertaken(() => {
      const { generation, there } = stillOwned(nft, own);
      if (there.length === 0) return;
      const transaction = openTransaction(generation);
      appendDeletes(transaction, there);
      nft.commit(transaction, { deletes: true });
    }, vanished),
  );
}

/** Removes elements that nobody owns, those that are there. */
export function removeShared(nft: NftSocket, elements: readonly TableElement[]): void {
  during("remove elements from nf_tables", () =>
    untilNotOvertaken(() => {
      const { generation, found } = nft.lookUp({ generation: true, elements });
      const there = eachPlaceOnce(elements.filter((_, at) => found[at] !== undefined));
      if (there.length === 0) return;
      const transaction = openTransaction(generation);
      appendDeletes(transaction, there);
      nft.commit(transaction, { deletes: true });
    }, vanished),
  );
}

/** Those of `elements` that the kernel has, in their very place and with their owner, and a generation not later than that. */
function stillOwned(
  nft: NftSocket,
  elements: readonly TableElement[],
): { generation: number | undefined; there: TableElement[] } {
  const counts = new Map<SetName, number>();
  for (const { set } of elements) counts.set(set, (counts.get(set) ?? 0) + 1);
  const few = elements.filter(({ set }) => counts.get(set)! <= questionsAtMost);
  const { generation, found } = nft.lookUp({ generation: true, elements: few });
  const there = few.filter((each, at) => isStill(found[at], each));
  for (const [set, count] of counts) {
    if (count <= questionsAtMost) continue;
    const dump = indexed(nft.elements(set));
    const many = elements.filter((each) => each.set === set);
    there.push(...many.filter((each) => isStill(dump.get(each.key.join()), each)));
  }
  return { generation, there };
}

function isStill(found: TableElement | undefined, element: TableElement): boolean {
  return found !== undefined && found.owner === element.owner && samePlace(found, element);
}

function indexed(elements: TableElement[]): Map<string, TableElement> {
  return new Map(elements.map((element) => [element.key.join(), element]));
}
