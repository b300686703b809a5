/**
 * Other makers' firewalls that drop what a pod sends, in words, with the rule that it takes.
 * @module
 */

import { NF_CT_STATE_ESTABLISHED } from "netlink-ts/nftables/expr/ct.ts";
import { NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";

import { formatCidr, isIpv4, network, type Prefix } from "../../core/net/address.ts";
import {
  type DroppingChain,
  droppingChains,
  type Forwarded,
} from "../../core/nft/forward-drops.ts";
import type { NftSocket } from "../../core/nft/nft-socket.ts";
import { forwardMark } from "../../core/nft/table-name.ts";
import type { Allowance } from "./allowance.ts";

/** NF_CT_STATE_BIT of IP_CT_NEW. */
const STATE_NEW = 0x8;
const familyNames: Readonly<Record<number, string>> = {
  [NFPROTO_IPV4]: "ip",
  [NFPROTO_IPV6]: "ip6",
  [NFPROTO_INET]: "inet",
};

/** Chains that drop what a pod with these addresses sends or is answered, each as a sentence with what it takes. */
export function dropsOfPod(nft: NftSocket, { addresses, hostLink }: Allowance): string[] {
  const found = addresses.flatMap((prefix) => {
    const { address } = prefix;
    const family = isIpv4(address) ? NFPROTO_IPV4 : NFPROTO_IPV6;
    const sent: Forwarded = { family, source: address, iifname: hostLink, state: STATE_NEW };
    const answer: Forwarded = {
      family,
      destination: address,
      oifname: hostLink,
      state: NF_CT_STATE_ESTABLISHED,
    };
    return [
      ...droppingChains(nft, sent).map((chain) =>
        describe(chain, "what pods send", subnetOf(prefix)),
      ),
      ...droppingChains(nft, answer).map((chain) =>
        chain.seesMark ? describe(chain, "what pods send") : describeAnswers(chain),
      ),
    ];
  });
  return [...new Set(found)];
}

/**
 * Chains that would drop what any pod sends, as far as that can be told before there is one.
 * @param firewalldIsTold ADD opens firewalld's
 */
export function dropsOfAnyPod(
  nft: NftSocket,
  family: number,
  { firewalldIsTold }: { firewalldIsTold: boolean },
): string[] {
  const chains = droppingChains(nft, { family, state: STATE_NEW });
  return chains
    .filter((chain) => !isOpenedByUs(chain) && !(firewalldIsTold && isFirewalld(chain)))
    .map((chain) => describe(chain, "what pods send"));
}

/** iptables' own chain, which ADD puts our rules into. */
function isOpenedByUs({ family, table, chain }: DroppingChain): boolean {
  return family !== NFPROTO_INET && table === "filter" && chain === "FORWARD";
}

function isFirewalld({ table }: DroppingChain): boolean {
  return table === "firewalld";
}

function describe(chain: DroppingChain, what: string, subnet = "SUBNET"): string {
  return `${placeOf(chain)} drops ${what}; it takes: ${remedy(chain, subnet)}`;
}

function describeAnswers(chain: DroppingChain): string {
  const rule = "ct state established,related accept";
  return `${placeOf(chain)} drops what pods are answered; it takes: ${insertion(chain, rule)}`;
}

function placeOf({ family, table, chain }: DroppingChain): string {
  return `chain "${chain}" of table "${familyNames[family]} ${table}"`;
}

function remedy(chain: DroppingChain, subnet: string): string {
  const { family, seesMark } = chain;
  if (isOpenedByUs(chain)) {
    return `${family === NFPROTO_IPV6 ? "ip6tables" : "iptables"} -I FORWARD -j CNI-FORWARD`;
  }
  if (isFirewalld(chain)) return `firewall-cmd --zone=trusted --add-source=${subnet}`;
  const mark = `0x${forwardMark.toString(16)}`;
  if (seesMark) return insertion(chain, `meta mark & ${mark} == ${mark} accept`);
  return insertion(chain, `${subnet.includes(":") ? "ip6" : "ip"} saddr ${subnet} accept`);
}

function insertion({ family, table, chain }: DroppingChain, rule: string): string {
  return `nft insert rule ${familyNames[family]} ${table} ${chain} '${rule}'`;
}

/** The subnet of an address, or the address itself where it has none. */
function subnetOf(prefix: Prefix): string {
  return formatCidr(network(prefix));
}
