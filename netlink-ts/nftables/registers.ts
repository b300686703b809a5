/**
 * Registers: what expressions read and write.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_registers
 * @module
 */

/** The verdict's own. */
export const NFT_REG_VERDICT = 0;
/** The first of four registers of 16 bytes: NFT_REG_1 to NFT_REG_4 are 1 to 4. */
export const NFT_REG_1 = 1;
/** The first of sixteen registers of 4 bytes, which are the same memory: NFT_REG32_00 to NFT_REG32_15 are 8 to 23. */
export const NFT_REG32_00 = 8;

/** The register at a byte offset, named as nft names it: by its 16-byte name where it starts one, else by its 4-byte name. */
export function registerAt(offset: number): number {
  return offset % 16 === 0 ? NFT_REG_1 + offset / 16 : NFT_REG32_00 + offset / 4;
}
