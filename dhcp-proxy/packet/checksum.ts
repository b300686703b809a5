/**
 * The checksum of IPv4, UDP and ICMP.
 * @see RFC 1071
 * @module
 */

/** The ones' complement sum of 16-bit words, over several runs of bytes; only the last may have an odd length. */
export function onesComplementSum(...runs: readonly Uint8Array[]): number {
  let sum = 0;
  for (const bytes of runs) {
    for (let at = 0; at < bytes.length; at += 2) {
      sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** What stands in a header's field, which counts as zero in the runs. */
export function checksum(...runs: readonly Uint8Array[]): number {
  return onesComplementSum(...runs) ^ 0xffff;
}
