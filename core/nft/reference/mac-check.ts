/**
 * The MAC check that bridge of the reference has made.
 * @module
 */

import type { Attachment } from "../../attachment.ts";
import { formatMac } from "../../net/address.ts";
import type { NftSocket } from "../nft-socket.ts";
import { missingTexts, presentChains, rulesIn } from "./chains.ts";
import { describeChain, macCheck } from "./names.ts";
import { type Doomed, together, withJumps } from "./removal.ts";

/**
 * The MAC check of a container's interface: two chains, and the rules that lead to them. They do not name the network, so the port does.
 * @param isOthers tells ports of other networks
 */
export function macCheckOf(
  nft: NftSocket,
  attachment: Attachment,
  isOthers: (port: string) => boolean,
): Doomed {
  const [first, second] = [macCheck.chain(attachment), macCheck.macChain(attachment)];
  const there = presentChains(nft, [first, second]);
  if (there.length === 0) return together([]);
  const jumps = rulesIn(nft, macCheck.hook, first.chain);
  const isAnothers = jumps.some(
    ({ target, words }) => target === first.chain && isOthers(words.get("iifname") ?? ""),
  );
  if (isAnothers) return together([]);
  const before = (chain: string) => (chain === second.chain ? first : macCheck.hook);
  return together(there.map((place) => withJumps(nft, place, before(place.chain), () => true)));
}

/** What is missing of the MAC check of a port, in words. @param mac of the container's end */
export function macCheckFaults(
  nft: NftSocket,
  attachment: Attachment,
  port: string,
  mac: Uint8Array,
): string[] {
  const first = macCheck.chain(attachment);
  const second = macCheck.macChain(attachment);
  return [
    ...missingTexts(nft, macCheck.hook, [`iifname ${port} jump ${first.chain}`]),
    ...missingTexts(nft, first, [`jump ${second.chain}`]),
    ...missingTexts(nft, second, [`ether saddr ${formatMac(mac)} return`]),
    ...(lastDrops(nft, attachment) ? [] : [`${describeChain(second)} does not drop at its end`]),
  ];
}

function lastDrops(nft: NftSocket, attachment: Attachment): boolean {
  return rulesIn(nft, macCheck.macChain(attachment)).at(-1)?.text === "drop";
}
