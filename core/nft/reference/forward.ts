/**
 * What firewall of the reference lets through of containers. Its rules name addresses, and nobody.
 * @module
 */

import { NF_CT_STATE_ESTABLISHED, NF_CT_STATE_RELATED } from "netlink-ts/nftables/expr/ct.ts";
import { NFPROTO_IPV4 } from "netlink-ts/nftables/nfgenmsg.ts";

import { formatCidr, isIpv4 } from "../../net/address.ts";
import type { NftSocket } from "../nft-socket.ts";
import { missingTexts, type PresentChain, presentChains } from "./chains.ts";
import { filterChain, firewall, ipFamilies } from "./names.ts";
import { type Doomed, placedRules } from "./removal.ts";
import { stateText } from "./rule-fields.ts";

/** -d 10.1.2.3 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT, -s 10.1.2.3 -j ACCEPT */
function allowTexts(address: Uint8Array): string[] {
  const own = formatCidr({ address, length: address.length * 8 });
  const answers = stateText(NF_CT_STATE_ESTABLISHED | NF_CT_STATE_RELATED);
  return [`daddr ${own} ct state ${answers} accept`, `saddr ${own} accept`];
}

/** The chains with what the reference lets through; none on a host of which it has gone. */
export function allowingChains(nft: NftSocket): PresentChain[] {
  return presentChains(
    nft,
    ipFamilies.map((family) => filterChain(family, firewall.chain)),
  );
}

/** The rules that let these addresses through; anybody's that say more or less are not among them. */
export function allowanceOf(nft: NftSocket, addresses: readonly Uint8Array[]): Doomed {
  const texts = new Set(addresses.flatMap(allowTexts));
  const there = texts.size === 0 ? [] : allowingChains(nft);
  const rules = there.flatMap((place) => placedRules(nft, place));
  return { rules: rules.filter(({ text }) => texts.has(text)), chains: [] };
}

/** What was asked for. */
export interface WantedForward {
  readonly addresses: readonly Uint8Array[];
  /** The administrator's chain. */
  readonly admin: string | undefined;
  /** The bridge that a policy closes, if one does. */
  readonly bridge: string | undefined;
  /** Containers of the bridge are kept from each other. */
  readonly isApart: boolean;
}

/** What is missing, in words; undefined when the reference lets none of the addresses through. */
export function forwardFaults(nft: NftSocket, wanted: WantedForward): string[] | undefined {
  const { addresses } = wanted;
  if (allowanceOf(nft, addresses).rules.length === 0) return undefined;
  return ipFamilies.flatMap((family) => {
    const own = addresses.filter((each) => isIpv4(each) === (family === NFPROTO_IPV4));
    return own.length === 0 ? [] : familyFaults(nft, family, { ...wanted, addresses: own });
  });
}

function familyFaults(
  nft: NftSocket,
  family: number,
  { addresses, admin = firewall.admin, bridge, isApart }: WantedForward,
): string[] {
  const place = (chain: string) => filterChain(family, chain);
  const own = [`jump ${admin}`, ...addresses.flatMap(allowTexts)];
  return [
    ...missingTexts(nft, place(firewall.chain), own),
    ...missingTexts(nft, place(firewall.forward), [`jump ${firewall.chain}`]),
    ...(bridge === undefined ? [] : policyFaults(nft, family, bridge, isApart)),
  ];
}

function policyFaults(nft: NftSocket, family: number, bridge: string, isApart: boolean): string[] {
  const place = (chain: string) => filterChain(family, chain);
  return [
    ...missingTexts(nft, place(firewall.forward), [`jump ${firewall.stage1}`]),
    ...missingTexts(nft, place(firewall.stage1), [
      `iifname ${bridge} oifname != ${bridge} jump ${firewall.stage2}`,
      ...(isApart ? [`iifname ${bridge} oifname ${bridge} drop`] : []),
    ]),
    ...missingTexts(nft, place(firewall.stage2), [`oifname ${bridge} drop`]),
  ];
}
