/**
 * Masquerade that bridge and ptp of the reference have made.
 * @module
 */

import { NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";

import type { Attachment } from "../../attachment.ts";
import { formatCidr, isIpv4, network, type Prefix, parseCidr } from "../../net/address.ts";
import type { NftSocket } from "../nft-socket.ts";
import { missingTexts, type PresentChain, presentChains } from "./chains.ts";
import { describeChain, ipFamilies, masquerade, natChain } from "./names.ts";
import { type Doomed, placedRules, staleChains, together, withJumps } from "./removal.ts";

const postrouting = (family: number) => natChain(family, "POSTROUTING");
const multicast: Readonly<Record<number, string>> = {
  [NFPROTO_IPV4]: "224.0.0.0/4",
  [NFPROTO_IPV6]: "ff00::/8",
};

/** The chains that hold an attachment's masquerade; none on a host of which the reference has gone. */
export function masqueradeChains(nft: NftSocket, attachment: Attachment): PresentChain[] {
  const chain = masquerade.chain(attachment);
  return presentChains(nft, [
    ...ipFamilies.map((family) => natChain(family, chain)),
    masquerade.checks,
  ]);
}

/**
 * An attachment's masquerade, of both back ends.
 * @param isOthers tells addresses of the container's other attachments to the network, which share iptables' chain
 */
export function masqueradeOf(
  nft: NftSocket,
  attachment: Attachment,
  isOthers: (address: Uint8Array) => boolean,
): Doomed {
  const mark = masquerade.mark(attachment);
  const comment = masquerade.comment(attachment);
  return together(
    masqueradeChains(nft, attachment).map((place) => {
      if (place.table === masquerade.checks.table) return marked(nft, mark);
      return withJumps(nft, place, postrouting(place.family), (jump) => {
        const isTheirs = (jump.comment ?? comment) === comment;
        return isTheirs && !isOthers(parseCidr(jump.words.get("saddr") ?? "::/0").address);
      });
    }),
  );
}

/** What attachments of a network have left that are not among these. */
export function staleMasquerade(
  nft: NftSocket,
  networkName: string,
  valid: readonly Attachment[],
): Doomed {
  const places = presentChains(nft, [...ipFamilies.map(postrouting), masquerade.checks]);
  return together(
    places.map((place) => {
      if (place.table !== masquerade.checks.table) {
        return staleChains(nft, place, { networkName, valid, chainOf: masquerade.chain });
      }
      const kept = new Set(valid.map(masquerade.mark));
      const { rules } = marked(nft, masquerade.networkMark(networkName));
      return { rules: rules.filter(({ comment = "" }) => !kept.has(markIn(comment))), chains: [] };
    }),
  );
}

/** `6fd94d501e58f0aa-287fc69eff0574a2` of a comment. */
const markIn = (comment: string): string => comment.slice(0, comment.indexOf(","));

function marked(nft: NftSocket, mark: string): Doomed {
  const rules = placedRules(nft, masquerade.checks, mark);
  return { rules: rules.filter(({ comment }) => comment?.startsWith(mark)), chains: [] };
}

/** What is missing of the masquerade of these addresses, in words; one that either back end has made whole is not missing. */
export function masqueradeFaults(
  nft: NftSocket,
  attachment: Attachment,
  addresses: readonly Prefix[],
): string[] {
  const there = masqueradeChains(nft, attachment);
  const checks = there.some(({ table }) => table === masquerade.checks.table)
    ? marked(nft, masquerade.mark(attachment)).rules
    : [];
  return addresses.flatMap((prefix) => {
    if (checks.some(({ text }) => text === checkText(prefix))) return [];
    const family = isIpv4(prefix.address) ? NFPROTO_IPV4 : NFPROTO_IPV6;
    const chain = there.find((each) => each.family === family);
    if (chain !== undefined) return chainFaults(nft, chain, prefix);
    const wanted = describeChain(natChain(family, masquerade.chain(attachment)));
    const other = describeChain(masquerade.checks);
    return `"${formatCidr(prefix)}" is not masqueraded: there is no ${wanted}, and no rule of the container's in ${other}`;
  });
}

function whole({ address }: Prefix): string {
  return formatCidr({ address, length: address.length * 8 });
}

/** ip saddr 10.1.2.3 ip daddr != 10.1.2.0/24 masquerade */
function checkText(prefix: Prefix): string {
  return `saddr ${whole(prefix)} daddr != ${formatCidr(network(prefix))} masquerade`;
}

function chainFaults(nft: NftSocket, chain: PresentChain, prefix: Prefix): string[] {
  const hook = postrouting(chain.family);
  return [
    ...missingTexts(nft, hook, [`saddr ${whole(prefix)} jump ${chain.chain}`]),
    ...missingTexts(nft, chain, [
      `daddr ${formatCidr(network(prefix))} accept`,
      `daddr != ${multicast[chain.family]} masquerade`,
    ]),
  ];
}
