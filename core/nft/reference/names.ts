/**
 * What the reference's plugins call what they leave in nf_tables: tables, chains and comments, of both back ends.
 * @see github.com/containernetworking/plugins: pkg/ip/ipmasq_*.go, pkg/link/spoofcheck.go, plugins/meta/portmap, plugins/meta/firewall
 * @module
 */

import { sha512 } from "@noble/hashes/sha2.js";
import {
  NFPROTO_BRIDGE,
  NFPROTO_INET,
  NFPROTO_IPV4,
  NFPROTO_IPV6,
} from "netlink-ts/nftables/nfgenmsg.ts";

import type { Attachment } from "../../attachment.ts";

/** A chain of somebody's. */
export interface ChainPlace {
  readonly family: number;
  readonly table: string;
  readonly chain: string;
}

const familyNames: Readonly<Record<number, string>> = {
  [NFPROTO_IPV4]: "ip",
  [NFPROTO_IPV6]: "ip6",
  [NFPROTO_INET]: "inet",
  [NFPROTO_BRIDGE]: "bridge",
};

/** In words: `chain "POSTROUTING" of table "ip nat"`. */
export function describeChain({ family, table, chain }: ChainPlace): string {
  return `chain "${chain}" of table "${familyNames[family]} ${table}"`;
}

/** A chain of iptables' table `nat`. */
export const natChain = (family: number, chain: string): ChainPlace => {
  return { family, table: "nat", chain };
};
/** A chain of iptables' table `filter`. */
export const filterChain = (family: number, chain: string): ChainPlace => {
  return { family, table: "filter", chain };
};
/** Families of iptables and ip6tables. */
export const ipFamilies: readonly number[] = [NFPROTO_IPV4, NFPROTO_IPV6];

/** Longest name of a chain that iptables takes. */
const chainNameLength = 28;

function sha512Hex(text: string): string {
  const digest = sha512(new TextEncoder().encode(text));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `CNI-…`, `CNI-DN-…`: of all interfaces of a container on a network. */
function hashedChain(prefix: string, { network, containerId }: Attachment): string {
  return prefix + sha512Hex(network + containerId).slice(0, chainNameLength - prefix.length);
}

const nameAndId = (network: string, containerId: string): string =>
  `name: "${network}" id: "${containerId}"`;

/** Whose a rule is: what comments of iptables' rules say. */
export interface NamedContainer {
  readonly network: string;
  readonly containerId: string;
}

/** Reads the comment of a rule of iptables. Undefined for anybody else's, and for one that was cut. */
export function containerInComment(comment: string | undefined): NamedContainer | undefined {
  const [, network = "", containerId = ""] =
    /^(?:dnat )?name: "([^"]+)" id: "([^"]+)"$/.exec(comment ?? "") ?? [];
  return network === "" ? undefined : { network, containerId };
}

/** Masquerade of bridge and ptp. */
export const masquerade = {
  /** iptables: what POSTROUTING leads a container's packets to. */
  chain: (attachment: Attachment): string => hashedChain("CNI-", attachment),
  comment: ({ network, containerId }: NamedContainer): string => nameAndId(network, containerId),
  /** nft: one chain with the rules of all. */
  checks: { family: NFPROTO_INET, table: "cni_plugins_masquerade", chain: "masq_checks" },
  /** nft: the beginning of the comments of a network's rules. */
  networkMark: (network: string): string => `${sha512Hex(network).slice(0, 16)}-`,
  /** nft: the beginning of the comments of an attachment's rules. */
  mark: ({ network, containerId, ifname }: Attachment): string =>
    masquerade.networkMark(network) + sha512Hex(`${ifname}:${containerId}`).slice(0, 16),
} as const;

/** The MAC check of bridge: always nft. */
export const macCheck = {
  hook: { family: NFPROTO_BRIDGE, table: "nat", chain: "PREROUTING" },
  chain: ({ containerId, ifname }: Attachment): ChainPlace => {
    const chain = `cni-br-iface-${containerId}-${ifname}`;
    return { family: NFPROTO_BRIDGE, table: "nat", chain };
  },
  macChain: (attachment: Attachment): ChainPlace => {
    const place = macCheck.chain(attachment);
    return { ...place, chain: `${place.chain}-mac` };
  },
  comment: ({ containerId, ifname }: Attachment): string => `macspoofchk-${containerId}-${ifname}`,
} as const;

const longestDnatComment = 255;

/** Published ports of portmap. */
export const ports = {
  /** iptables: what leads to the chains of containers, by port. */
  dnat: "CNI-HOSTPORT-DNAT",
  /** iptables: marks what is to be masqueraded, unless another chain is configured. */
  setMark: "CNI-HOSTPORT-SETMARK",
  masq: "CNI-HOSTPORT-MASQ",
  /** iptables: the chain of a container's ports. */
  chain: (attachment: Attachment): string => hashedChain("CNI-DN-", attachment),
  /** iptables: chains that releases before 0.7.1 made beside it. */
  oldSnat: "CNI-HOSTPORT-SNAT",
  oldSnatChain: (attachment: Attachment): string => hashedChain("CNI-SN-", attachment),
  /** iptables: of the rules that lead to a container's chain. */
  comment: ({ network, containerId }: NamedContainer): string => {
    const text = `dnat ${nameAndId(network, containerId)}`;
    return text.length > longestDnatComment ? `${text.slice(0, 253)}...` : text;
  },
  /** nft: comments are the container's id. */
  table: "cni_hostport",
  /** nft: chains with rules of containers; `hostip_hostports` was filled by early releases. */
  hostports: ["hostports", "hostip_hostports"],
  masquerading: "masquerading",
  all: "hostports_all",
} as const;

/** A chain of portmap's own table. */
export const hostportChain = (family: number, chain: string): ChainPlace => {
  return { family, table: ports.table, chain };
};

/** Chains of firewall, in iptables' table `filter`. Their rules name nobody. */
export const firewall = {
  forward: "FORWARD",
  chain: "CNI-FORWARD",
  admin: "CNI-ADMIN",
  stage1: "CNI-ISOLATION-STAGE-1",
  stage2: "CNI-ISOLATION-STAGE-2",
} as const;
