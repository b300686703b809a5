/**
 * Seeded fuzzing: the same seed gives the same run everywhere.
 * @module
 */

import { DecodeError } from "../wire/decode-error.ts";
import { type Described, sameBytes } from "./described.ts";
import { formatHex } from "./hex.ts";

/** How a run of {@link fuzz} went. */
export interface FuzzReport {
  /** Inputs that ended in a {@link DecodeError}. */
  refused: number;
  /** Inputs that decoded, encoded, and decoded to the same again. */
  accepted: number;
}

/** A generator of numbers in 0…2^32-1 (xorshift32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** Changes captured bytes in one to four places. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let mutated = bytes;
  for (let count = 1 + (random() % 4); count > 0; count--) {
    const mutation = mutations[random() % mutations.length] as Mutation;
    mutated = mutation(mutated.slice(), random);
  }
  return mutated;
}

/**
 * Parses mutations of captures. Each must end in a {@link DecodeError}, or in a value that encodes, and whose encoding decodes
 * to the same.
 * @throws {Error} with the input that did neither
 */
export function fuzz<T>(
  described: Described<T>,
  captures: readonly Uint8Array[],
  { seed = 1, rounds = 1000 }: { seed?: number; rounds?: number } = {},
): FuzzReport {
  const random = randomNumbers(seed);
  const report: FuzzReport = { refused: 0, accepted: 0 };
  for (let round = 0; round < rounds; round++) {
    const capture = captures[random() % captures.length] as Uint8Array;
    const input = mutate(capture, random);
    try {
      if (isStable(described, input)) {
        report.accepted++;
      } else {
        report.refused++;
      }
    } catch (cause) {
      throw new Error(`seed ${seed}, round ${round}:\n${formatHex(input)}`, { cause });
    }
  }
  return report;
}

type Mutation = (bytes: Uint8Array, random: () => number) => Uint8Array;

/** Lengths and numbers that decoders stumble over. */
const edges = [0, 1, 3, 4, 5, 7, 8, 0x7f, 0x80, 0xfe, 0xff];

const mutations: readonly Mutation[] = [
  function flipBit(bytes, random) {
    return poke(bytes, random, (byte) => byte ^ (1 << (random() % 8)));
  },
  function setByte(bytes, random) {
    return poke(bytes, random, () => random() & 0xff);
  },
  function setEdge(bytes, random) {
    return poke(bytes, random, () => edges[random() % edges.length] as number);
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random() % (bytes.length + 1));
  },
  function appendRandom(bytes, random) {
    return splice(bytes, bytes.length, 0, randomBytes(random, 1 + (random() % 12)));
  },
  function removeWords(bytes, random) {
    return splice(bytes, wordIn(bytes, random), 4 * (1 + (random() % 4)), new Uint8Array());
  },
  function repeatWords(bytes, random) {
    const at = wordIn(bytes, random);
    return splice(bytes, at, 0, bytes.slice(at, at + 4 * (1 + (random() % 8))));
  },
];

function isStable<T>(described: Described<T>, input: Uint8Array): boolean {
  let value: T;
  try {
    value = described.parse(input);
  } catch (error) {
    if (error instanceof DecodeError) {
      return false;
    }
    throw error;
  }
  const once = described.encode(value);
  const twice = described.encode(described.parse(once));
  if (!sameBytes(once, twice)) {
    throw new Error(`encodes to\n${formatHex(once)}\nand that to\n${formatHex(twice)}`);
  }
  return true;
}

function poke(
  bytes: Uint8Array,
  random: () => number,
  change: (byte: number) => number,
): Uint8Array {
  if (bytes.length > 0) {
    const at = random() % bytes.length;
    bytes[at] = change(bytes[at] as number);
  }
  return bytes;
}

function wordIn(bytes: Uint8Array, random: () => number): number {
  return 4 * (random() % (1 + (bytes.length >> 2)));
}

function splice(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  const rest = bytes.subarray(at + removed);
  const result = new Uint8Array(Math.min(at, bytes.length) + added.length + rest.length);
  result.set(bytes.subarray(0, at));
  result.set(added, Math.min(at, bytes.length));
  result.set(rest, Math.min(at, bytes.length) + added.length);
  return result;
}

function randomBytes(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random() & 0xff);
}
