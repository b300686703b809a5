/**
 * Reading a whole set, although a dump of one may tell an element twice and another not at all.
 *
 * The kernel walks a hash set bucket by bucket and begins each part of a dump by count. A worker resizes the table some time after a
 * commit: then the walk begins anew or goes on in another order. A commit between two parts makes the count wrong. None of this is marked
 * NLM_F_DUMP_INTR.
 * @see net/netfilter/nft_set_hash.c nft_rhash_walk, net/netfilter/nf_tables_api.c nf_tables_dump_set
 * @module
 */

import { type Element, elementsMessage } from "netlink-ts/nftables/element.ts";

const elementsAlone = elementsMessage.pick("elements");
type Part = ReturnType<typeof elementsAlone.parse>;

/** Who commits all the time does not keep us for ever. */
const attempts = 10;

/**
 * The elements of a set, each once. One that is there all the time is among them; when no dump of ten was left alone, one
 * that was deleted meanwhile may be too.
 * @param dump reads the set: payloads of NFT_MSG_NEWSETELEM
 * @param isLikely whether a payload may have what is looked for; a set that is told in one of which it is not has none
 */
export function readSet(
  dump: () => readonly Uint8Array[],
  isLikely: (payload: Uint8Array) => boolean = () => true,
): Element[] {
  const seen = new Map<string, Element>();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [first, ...rest] = dump();
    const more = rest.map(readPart).filter(({ elements = [] }) => elements.length > 0);
    if (more.length === 0) return first && isLikely(first) ? eachOnce([readPart(first)]) : [];
    const parts = [readPart(first!), ...more];
    const elements = eachOnce(parts);
    if (wasLeftAlone(parts, elements)) return elements;
    for (const each of elements) seen.set(placeOf(each), each);
  }
  return [...seen.values()];
}

function readPart(payload: Uint8Array): Part {
  return elementsAlone.parse(payload);
}

function eachOnce(parts: readonly Part[]): Element[] {
  const all = parts.flatMap(({ elements = [] }) => elements);
  return [...new Map(all.map((each) => [placeOf(each), each])).values()];
}

/** All parts are of one generation, and none repeats another's elements: what is told twice is told instead of another. */
function wasLeftAlone(parts: readonly Part[], distinct: readonly Element[]): boolean {
  const told = parts.reduce((sum, { elements = [] }) => sum + elements.length, 0);
  return told === distinct.length && new Set(parts.map(({ resourceId }) => resourceId)).size === 1;
}

function placeOf({ key, keyEnd }: Element): string {
  return `${key?.value?.join()}-${keyEnd?.value?.join() ?? ""}`;
}
