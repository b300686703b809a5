/**
 * Intervals that networks share: subnets that lie in each other.
 * @module
 */

import { sameBytes } from "../bytes.ts";
import type { NftSocket } from "./nft-socket.ts";
import { belongsToPod } from "./ownership.ts";
import type { TableElement } from "./table-element.ts";

/** True when a shared interval of the kernel's holds all of this one, so that it need not be added. */
export function isCovered(nft: NftSocket, element: TableElement): boolean {
  if (!isSharedInterval(element)) return false;
  const { set, key } = element;
  const there = nft.find({ set, key });
  return there !== undefined && holds(there, element) && !isSame(there, element);
}

/** Shared intervals in the kernel that lie in one of `elements`: the kernel takes no interval around another. */
export function overlappedIntervals(
  nft: NftSocket,
  elements: readonly TableElement[],
): TableElement[] {
  const wanted = elements.filter(isSharedInterval);
  const there = [...new Set(wanted.map(({ set }) => set))].flatMap((set) => nft.elements(set));
  return there.filter((other) =>
    wanted.some((element) => holds(element, other) && !isSame(element, other)),
  );
}

function isSharedInterval(element: TableElement): boolean {
  return element.keyEnd !== undefined && !belongsToPod(element);
}

function isSame(one: TableElement, other: TableElement): boolean {
  return sameBytes(one.key, other.key) && sameBytes(one.keyEnd, other.keyEnd);
}

/** Both ends of `inner` lie between those of `outer`, in each half of the key: two addresses. */
function holds(outer: TableElement, inner: TableElement): boolean {
  const half = outer.key.length / 2;
  return [0, half].every(
    (at) =>
      compare(outer.key, inner.key, at, half) <= 0 &&
      compare(inner.keyEnd ?? inner.key, outer.keyEnd ?? outer.key, at, half) <= 0,
  );
}

function compare(one: Uint8Array, other: Uint8Array, start: number, length: number): number {
  for (let at = start; at < start + length; at++) {
    const difference = one[at]! - other[at]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
