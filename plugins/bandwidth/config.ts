/**
 * The configuration of bandwidth.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { type Prefix, parseCidr } from "../../core/net/address.ts";
import { parseRate, parseSize } from "./rate-text.ts";

const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;
const LARGEST_U32 = 0xffff_ffffn;

/** A number of bits, or a text that `parse` reads. */
function quantity(parse: (text: string) => bigint) {
  return z.optional(
    z.pipe(
      z.union([z.number(), z.string()]),
      z.transform((value: number | string, payload): bigint => {
        try {
          return bitsOf(value, parse);
        } catch (error) {
          const { message } = error as Error;
          payload.issues.push({ code: "custom", message, input: value });
          return z.NEVER;
        }
      }),
    ),
  );
}

function bitsOf(value: number | string, parse: (text: string) => bigint): bigint {
  if (typeof value === "number" && !(Number.isSafeInteger(value) && value >= 0)) {
    const what = "an integer of bits from 0 to 9007199254740991, or more as text with a unit";
    throw new Error(`want ${what}, got ${value}`);
  }
  const bits = typeof value === "number" ? BigInt(value) : parse(value);
  if (bits > LARGEST_U64) throw new Error(`want at most ${LARGEST_U64} bits, got ${bits}`);
  return bits;
}

const rate = quantity(parseRate);
const burst = quantity(parseSize);
const subnets = z.optional(z.array(z.string()));

/** What the configuration and the runtime both may say. */
const entry = {
  ingressRate: rate,
  ingressBurst: burst,
  egressRate: rate,
  egressBurst: burst,
  unshapedSubnets: subnets,
  shapedSubnets: subnets,
};

/** Keys of bandwidth. */
export const bandwidthConfig = z.extend(networkConfig, {
  ...entry,
  runtimeConfig: z.optional(z.object({ bandwidth: z.optional(z.object(entry)) })),
});
/** A parsed configuration. */
export type BandwidthConfig = z.output<typeof bandwidthConfig>;
type Entry = Pick<BandwidthConfig, keyof typeof entry>;

/** How much may pass: `rate` in bits a second, and `burst` bits at once. */
export interface Limit {
  readonly rate: bigint;
  readonly burst: bigint;
}

/** Whose packets are held back: all, or all but those of `subnets`, or those of `subnets` alone. */
export interface Scope {
  readonly kind: "all" | "unshaped" | "shaped";
  readonly subnets: readonly Prefix[];
}

/** What is asked for: ingress is what the container receives, egress what it sends. */
export interface Limits {
  readonly ingress: Limit | undefined;
  readonly egress: Limit | undefined;
  readonly scope: Scope;
}

/** What runtimes write where they mean no burst in particular: kubelet, containerd, CRI-O. */
const noBurst = new Set([0x7fff_ffffn, LARGEST_U32, LARGEST_U32 * 8n - 1n]);
/** A burst that nobody chose is what passes in 50 ms, */
const BURSTS_A_SECOND = 20n;
/** and at least 16 KiB: a jumbo frame passes at any rate. */
const SMALLEST_BURST = 16n * 1024n * 8n;
const LARGEST_BURST = LARGEST_U32 * 8n - 1n;

/**
 * What is asked for; undefined when that is nothing. Rates and bursts are the configuration's when it has one of the four, be
 * it 0, and the runtime's otherwise; so it is with the subnets.
 * @throws {CniError} 7 for values that do not go together
 */
export function limitsOf({ runtimeConfig, ...own }: Partial<BandwidthConfig>): Limits | undefined {
  const given: Entry = runtimeConfig?.bandwidth ?? {};
  const isOwn = hasRates(own);
  const rates = isOwn ? own : withoutPlaceholders(given);
  const ingress = limitOf("ingress", rates.ingressRate, rates.ingressBurst);
  const egress = limitOf("egress", rates.egressRate, rates.egressBurst);
  if (ingress === undefined && egress === undefined) return undefined;
  return { ingress, egress, scope: scopeOf({ runtimeConfig, ...own }) };
}

/** Whose packets are held back if any are. @throws {CniError} 7 */
export function scopeOf({ runtimeConfig, ...own }: Partial<BandwidthConfig>): Scope {
  return readScope(hasSubnets(own) ? own : (runtimeConfig?.bandwidth ?? {}));
}

function hasRates({ ingressRate, ingressBurst, egressRate, egressBurst }: Entry): boolean {
  return [ingressRate, ingressBurst, egressRate, egressBurst].some((each) => each !== undefined);
}

function hasSubnets({ unshapedSubnets, shapedSubnets }: Entry): boolean {
  return unshapedSubnets !== undefined || shapedSubnets !== undefined;
}

function withoutPlaceholders({ ingressBurst, egressBurst, ...rest }: Entry): Entry {
  return {
    ...rest,
    ingressBurst: isPlaceholder(ingressBurst) ? undefined : ingressBurst,
    egressBurst: isPlaceholder(egressBurst) ? undefined : egressBurst,
  };
}

function isPlaceholder(burst: bigint | undefined): boolean {
  return burst !== undefined && noBurst.has(burst);
}

function limitOf(direction: string, rate = 0n, given?: bigint): Limit | undefined {
  const burst = given ?? derivedBurst(rate);
  if (rate === 0n && burst === 0n) return undefined;
  if (burst === 0n) throw badLimit(direction, "if rate is set, burst must also be set");
  if (rate === 0n) throw badLimit(direction, "if burst is set, rate must also be set");
  if (burst / 8n >= LARGEST_U32) throw badLimit(direction, "burst cannot be more than 4GB");
  const [least, what] = rate < 8n ? [rate, "Rate"] : [burst, "Burst"];
  if (least >= 8n) return { rate, burst };
  const message = `"${direction}${what}": want at least 8 bits, which are one byte, got ${least}`;
  throw new CniError(cniCode.badConfig, message);
}

/** The burst of a rate that has none: 50 ms of it, 16 KiB at least. 0 for no rate. */
function derivedBurst(rate: bigint): bigint {
  if (rate === 0n) return 0n;
  const burst = rate / BURSTS_A_SECOND;
  if (burst < SMALLEST_BURST) return SMALLEST_BURST;
  return burst > LARGEST_BURST ? LARGEST_BURST : burst;
}

function badLimit(direction: string, message: string): CniError {
  return new CniError(cniCode.badConfig, message, { details: `it is about ${direction}` });
}

function readScope({ unshapedSubnets = [], shapedSubnets = [] }: Entry): Scope {
  if (unshapedSubnets.length > 0 && shapedSubnets.length > 0) {
    throw new CniError(
      cniCode.badConfig,
      "unshapedSubnets and shapedSubnets cannot be both specified, one of them should be discarded",
    );
  }
  if (unshapedSubnets.length > 0) {
    return { kind: "unshaped", subnets: unshapedSubnets.map(parseSubnet) };
  }
  if (shapedSubnets.length > 0) return { kind: "shaped", subnets: shapedSubnets.map(parseSubnet) };
  return { kind: "all", subnets: [] };
}

function parseSubnet(text: string): Prefix {
  try {
    return parseCidr(text);
  } catch (cause) {
    const message = `bad subnet ${JSON.stringify(text)} provided`;
    throw new CniError(cniCode.badConfig, message, { cause });
  }
}
