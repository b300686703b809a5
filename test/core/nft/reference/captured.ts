/**
 * Rules as the kernel has told of them: files with one a line, made by the commands in their first lines.
 * @module
 */
import { readFileSync } from "node:fs";
import { ruleMessage } from "netlink-ts/nftables/rule.ts";
import { ruleWords } from "../../../../core/nft/reference/rule-words.ts";

/** A rule, where it stands, and its bytes. */
export interface CapturedRule {
  /** `ip nat POSTROUTING` */
  place: string;
  payload: Uint8Array;
}

/** The rules of a capture: `iptables`, `nftables`, `native`. */
export function captured(name: string): CapturedRule[] {
  const text = readFileSync(new URL(`./captures/${name}.rules`, import.meta.url), "utf8");
  return [...text.matchAll(/^(\w+ \S+ \S+) ([0-9a-f]+)$/gm)].map(([, place = "", hex = ""]) => {
    return { place, payload: new Uint8Array(Buffer.from(hex, "hex")) };
  });
}

/** A rule in words, with its place and comment: `ip nat POSTROUTING: jump CNI-1 # why`. */
export function inWords({ place, payload }: CapturedRule): string {
  const { text, comment } = ruleWords(ruleMessage.parse(payload));
  return `${place}: ${text}${comment === undefined ? "" : ` # ${comment}`}`;
}
