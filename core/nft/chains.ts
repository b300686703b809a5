/**
 * The chains of our tables: made once, the same for every pod. Their rules are in `inet-rules.ts` and `bridge-rules.ts`.
 * @module
 */

import {
  NF_INET_FORWARD,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
} from "netlink-ts/nftables/chain.ts";

/** Where a base chain runs; lowest priority first. */
export interface ChainHook {
  readonly type: "filter" | "nat";
  readonly number: number;
  readonly priority: number;
}

/** Chains by name, in the order they are made; undefined for those that are jumped to. */
export type Chains = Readonly<Record<string, ChainHook | undefined>>;

/** The administrator's chain in `inet netloom`: never filled nor flushed by us. `drop` there cuts, `goto allow` opens. */
export const adminChain = "admin";

/** Table `inet netloom`. */
export const inetChains = {
  [adminChain]: undefined,
  // chain guard { type filter hook prerouting priority raw; policy accept; }
  /** Before connection tracking, where a reply to a masqueraded loopback client still has the bridge's address. */
  guard: { type: "filter", number: NF_INET_PRE_ROUTING, priority: -300 },
  ports: undefined,
  // chain prerouting { type nat hook prerouting priority dstnat + 10; policy accept; }
  /** After kube-proxy's, which wins its own keys. */
  prerouting: { type: "nat", number: NF_INET_PRE_ROUTING, priority: -90 },
  // chain output { type nat hook output priority -90; policy accept; }
  output: { type: "nat", number: NF_INET_LOCAL_OUT, priority: -90 },
  // chain refuse { type filter hook output priority filter; policy accept; }
  refuse: { type: "filter", number: NF_INET_LOCAL_OUT, priority: 0 },
  // chain postrouting { type nat hook postrouting priority srcnat + 10; policy accept; }
  /** After kube-proxy's and an administrator's: the first to decide wins. */
  postrouting: { type: "nat", number: NF_INET_POST_ROUTING, priority: 110 },
  published: undefined,
  allow: undefined,
  isolate: undefined,
  // chain forward { type filter hook forward priority filter - 10; policy accept; }
  /** Just before the filter tables of iptables, which accept the mark it sets. */
  forward: { type: "filter", number: NF_INET_FORWARD, priority: -10 },
  // chain forward_after { type filter hook forward priority filter + 10; policy accept; }
  forward_after: { type: "filter", number: NF_INET_FORWARD, priority: 10 },
} satisfies Chains;

/** Table `bridge netloom`. */
export const bridgeChains = {
  // chain prerouting { type filter hook prerouting priority -300; policy accept; }
  prerouting: { type: "filter", number: NF_INET_PRE_ROUTING, priority: -300 },
  // chain forward { type filter hook forward priority filter; policy accept; }
  /** From port to port of a bridge; NF_BR_FORWARD has the number of the inet hook. */
  forward: { type: "filter", number: NF_INET_FORWARD, priority: -200 },
  from_port: undefined,
  from_arp: undefined,
  from_ip4: undefined,
  from_ip6: undefined,
} satisfies Chains;
