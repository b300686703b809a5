/**
 * Matches and targets of iptables as words: those that the reference's plugins use.
 * @module
 */

import { NFPROTO_IPV4 } from "netlink-ts/nftables/nfgenmsg.ts";

import { formatIp } from "../../net/address.ts";
import {
  isXtToLocal,
  xtConntrackState,
  xtDestination,
  xtDport,
  xtMark,
  xtMultiport,
} from "../xt-structs.ts";
import { markText, stateText } from "./rule-fields.ts";

/** What a word is about, and the word. */
export type Word = readonly [key: string, word: string];

/** A match; undefined for what has no words here. */
export function matchWord(name: string, info: Uint8Array): Word | undefined {
  return word(matchKeys[name], matches[name]?.(info, name));
}

/** A target; undefined for what has no words here. @param family of its table */
export function targetWord(
  family: number,
  name: string,
  revision: number,
  info: Uint8Array,
): Word | undefined {
  if (name === "MASQUERADE") return ["masquerade", ""];
  if (name === "MARK") return word("set mark", markOf(info));
  if (name !== "DNAT") return undefined;
  const to = xtDestination(revision, info, family === NFPROTO_IPV4 ? 4 : 16);
  return word("dnat", to && destinationText(to.address, to.port));
}

/** `10.1.2.3:80`, `[fd00::3]:80`; without a port the address alone. */
export function destinationText(address: Uint8Array, port: number): string {
  const text = address.length === 4 ? formatIp(address) : `[${formatIp(address)}]`;
  return port === 0 ? text : `${text}:${port}`;
}

function word(key: string | undefined, text: string | undefined): Word | undefined {
  return key === undefined || text === undefined ? undefined : [key, text];
}

const matchKeys: Readonly<Record<string, string>> = {
  addrtype: "daddr type",
  conntrack: "ct state",
  mark: "mark",
  multiport: "dport",
  sctp: "dport",
  tcp: "dport",
  udp: "dport",
};

const dport = (info: Uint8Array, name: string) => xtDport(name, info)?.toString();

const matches: Readonly<Record<string, (info: Uint8Array, name: string) => string | undefined>> = {
  addrtype: (info) => (isXtToLocal(info) ? "local" : undefined),
  conntrack(info) {
    const { mask, isInverted } = xtConntrackState(info) ?? {};
    return mask === undefined || isInverted ? undefined : stateText(mask);
  },
  mark: markOf,
  multiport: (info) => xtMultiport(info)?.join(),
  sctp: dport,
  tcp: dport,
  udp: dport,
};

function markOf(info: Uint8Array): string | undefined {
  const mark = xtMark(info);
  if (mark === undefined) return undefined;
  const text = markText(mark.value, mark.mask);
  return mark.isInverted ? `!= ${text}` : text;
}
