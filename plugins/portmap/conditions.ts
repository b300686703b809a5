/**
 * `conditionsV4` and `conditionsV6`: of what upstream hands on to iptables or nft word by word, the part that can be kept
 * exactly, which is one destination address of the host.
 * @module
 */

import { parseIp } from "../../core/net/address.ts";

/** The tools whose words conditions are written in. */
export type ConditionStyle = "iptables" | "nftables";

/** Upstream's guess by the first word; undefined for no conditions. */
export function conditionStyle(words: readonly string[] | undefined): ConditionStyle | undefined {
  const first = words?.[0];
  if (first === undefined || first === "") return undefined;
  return /^[-!]/.test(first) ? "iptables" : "nftables";
}

const destination = /^(?:(?:-d|--dst|--destination)|(ip6?) daddr) ([0-9a-fA-F.:]+)(?:\/(\d+))?$/;

/**
 * The one host address that the conditions ask for: `["-d", "192.0.2.1"]` or `["ip daddr 192.0.2.1"]`.
 * @param addressLength 4 for `conditionsV4`, 16 for `conditionsV6`
 * @returns undefined for no conditions
 * @throws Error that names what cannot be kept
 */
export function conditionAddress(
  words: readonly string[] | undefined,
  addressLength: number,
): Uint8Array | undefined {
  if (conditionStyle(words) === undefined) return undefined;
  const text = words!.join(" ").trim();
  const [, family, address = "", prefix] = destination.exec(text) ?? [];
  const isHost = prefix === undefined || Number(prefix) === addressLength * 8;
  const isFamily = family === undefined || family === (addressLength === 4 ? "ip" : "ip6");
  const bytes = address === "" || !isHost || !isFamily ? undefined : tryParse(address);
  if (bytes?.length !== addressLength) {
    const example = addressLength === 4 ? "192.0.2.1" : "2001:db8::1";
    throw new Error(
      `want one destination address, as "-d ${example}", got ${JSON.stringify(text)}`,
    );
  }
  return bytes;
}

function tryParse(address: string): Uint8Array | undefined {
  try {
    return parseIp(address);
  } catch {
    return undefined; // the caller says what was wanted
  }
}
