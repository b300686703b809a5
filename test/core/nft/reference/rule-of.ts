/**
 * Rules as iptables-nft writes them, for tests.
 * @module
 */
import { NFT_JUMP } from "netlink-ts/nftables/data.ts";
import { verdict } from "netlink-ts/nftables/expr/immediate.ts";
import { match } from "netlink-ts/nftables/expr/xtables.ts";
import { NFPROTO_IPV4 } from "netlink-ts/nftables/nfgenmsg.ts";
import { ruleMessage } from "netlink-ts/nftables/rule.ts";
import type { CapturedRule } from "./captured.ts";

/** `iptables -t nat -A CHAIN -m comment --comment COMMENT -j TARGET` */
export function jumpRule(
  chain: string,
  { comment, target, handle }: { comment: string; target: string; handle: bigint },
): CapturedRule {
  const info = new Uint8Array(256);
  info.set(new TextEncoder().encode(comment));
  const expressions = [match({ name: "comment", revision: 0, info }), verdict(NFT_JUMP, target)];
  const payload = ruleMessage.encode({
    family: NFPROTO_IPV4,
    table: "nat",
    chain,
    handle,
    expressions,
  });
  return { place: `ip nat ${chain}`, payload };
}
