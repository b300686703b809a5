/**
 * Filters that tell packets of a subnet: of the other side's address, not the container's.
 * @module
 */

import { ETH_P_IP, ETH_P_IPV6, type FilterInput, filterInfo } from "netlink-ts/route/filter.ts";
import { TC_U32_TERMINAL, type U32Key } from "netlink-ts/route/filter-kinds/u32.ts";

import { isIpv4, type Prefix } from "../../core/net/address.ts";

/** Which of a packet's addresses is the other side's: the source of what the container receives. */
export type OtherSide = "source" | "destination";

/** Where the addresses are in a packet, in bytes. */
const offsets = { ipv4: { source: 12, destination: 16 }, ipv6: { source: 8, destination: 24 } };
/** One protocol each; smaller goes first. */
const priorities = { ipv4: 16, ipv6: 15 };

/** A filter at `parent` by which the packets of a subnet are of a class. */
export function subnetFilter(
  subnet: Prefix,
  side: OtherSide,
  { parent, classId }: { parent: number; classId: number },
): FilterInput {
  const family = isIpv4(subnet.address) ? "ipv4" : "ipv6";
  const protocol = family === "ipv4" ? ETH_P_IP : ETH_P_IPV6;
  const keys = wordsOf(subnet, offsets[family][side]);
  return {
    parent,
    info: filterInfo(priorities[family], protocol),
    kind: "u32",
    options: { classId, selector: { flags: TC_U32_TERMINAL, keys } },
  };
}

/** The words of the address that the prefix covers; one that is always right for the whole address space. */
function wordsOf({ address, length }: Prefix, offset: number): U32Key[] {
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  const keys: U32Key[] = [];
  for (let at = 0; at < address.length && at * 8 < length; at += 4) {
    const bits = Math.min(length - at * 8, 32);
    const mask = (0xffff_ffff << (32 - bits)) >>> 0;
    const value = (view.getUint32(at) & mask) >>> 0;
    keys.push({ mask, value, offset: offset + at, offsetMask: 0 });
  }
  return keys.length > 0 ? keys : [{ mask: 0, value: 0, offset: 0, offsetMask: 0 }];
}
