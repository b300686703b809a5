/**
 * A packet as far as it is known, for following rules that others wrote: what is not known may be anything.
 * @module
 */

/** Bytes, and which of their bits are known (1). */
export interface Bits {
  readonly value: Uint8Array;
  readonly known: Uint8Array;
  /** What the value is not, although it is not known. */
  readonly never?: Uint8Array;
}

/** What is known of a packet at the forward hook. */
export interface Packet {
  /** NFPROTO_IPV4 or NFPROTO_IPV6. */
  readonly family: number;
  /** 4 or 16 bytes. */
  readonly source?: Uint8Array | undefined;
  readonly destination?: Uint8Array | undefined;
  readonly iifname?: string | undefined;
  readonly oifname?: string | undefined;
  /** One bit of NFT_CT_STATE: new 8, established 2. */
  readonly state: number;
  /** Bits of the mark that are set; the others may be. */
  readonly mark: number;
}

/** All of it known. */
export function known(value: Uint8Array): Bits {
  return { value, known: new Uint8Array(value.length).fill(0xff) };
}

/** A number as four bytes in host order, of which these bits are known. */
export function knownNumber(number: number, bits = 0xffffffff): Bits {
  const bytes = (from: number) => new Uint8Array(new Uint32Array([from]).buffer);
  return { value: bytes(number), known: bytes(bits) };
}

/** Nothing of it known. */
export function unknown(length: number): Bits {
  return { value: new Uint8Array(length), known: new Uint8Array(length) };
}

/** True when every bit is known. */
export function isKnown({ known: bits }: Bits): boolean {
  return bits.every((byte) => byte === 0xff);
}

/** `(bits & mask) ^ xor`: what the mask takes away is known. */
export function masked({ value, known: bits }: Bits, mask: Uint8Array, xor: Uint8Array): Bits {
  return {
    value: value.map((byte, at) => (byte & (mask[at] ?? 0)) ^ (xor[at] ?? 0)),
    known: bits.map((byte, at) => byte | (~(mask[at] ?? 0) & 0xff)),
  };
}

/** What is known whether it is the one or the other. */
export function either(one: Bits, other: Bits): Bits {
  return {
    value: one.value,
    known: one.known.map(
      (bits, at) => bits & other.known[at]! & ~(one.value[at]! ^ other.value[at]!),
    ),
  };
}

/** Whether the bits are those of `wanted`; undefined when that is not known. */
export function isEqual(
  { value, known: bits, never }: Bits,
  wanted: Uint8Array,
): boolean | undefined {
  if (never !== undefined && wanted.every((byte, at) => byte === never[at])) return false;
  const differs = wanted.some((byte, at) => ((byte ^ value[at]!) & bits[at]!) !== 0);
  if (differs) return false;
  return bits.subarray(0, wanted.length).every((byte) => byte === 0xff) ? true : undefined;
}

const BYTES = 64;

/** The registers of nf_tables: 64 bytes under two sets of numbers. */
export class Registers {
  readonly #value = new Uint8Array(BYTES);
  readonly #known = new Uint8Array(BYTES);
  /** By offset; never of more than the value that was put there last. */
  readonly #never = new Map<number, Uint8Array>();

  /** Puts bits into a register. */
  set(register: number | undefined, { value, known: bits, never }: Bits): void {
    const at = offsetOf(register);
    for (const [start, { length }] of this.#never) {
      if (start < at + value.length && at < start + length) this.#never.delete(start);
    }
    if (never !== undefined) this.#never.set(at, never);
    this.#value.set(value.subarray(0, BYTES - at), at);
    this.#known.set(bits.subarray(0, BYTES - at), at);
  }

  /** Reads that many bytes. */
  get(register: number | undefined, length: number): Bits {
    const at = offsetOf(register);
    const [value, bits] = [this.#value, this.#known].map((all) => all.slice(at, at + length));
    const never = this.#never.get(at);
    return { value: value!, known: bits!, ...(never && { never }) };
  }

  /** Whatever is in them: an expression that is not understood may have written anything. */
  forget(): void {
    this.#known.fill(0);
    this.#never.clear();
  }
}

/** NFT_REG_1 to NFT_REG_4 have 16 bytes, NFT_REG32_00 (8) and following 4 of the same. */
function offsetOf(register = 0): number {
  return register >= 8 ? (register - 8) * 4 : (register - 1) * 16;
}
