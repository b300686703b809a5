/**
 * Rates and sizes as text, in the units of tc.
 * @see tc(8), "PARAMETERS"
 * @module
 */

/** Digits, a fraction and a unit; more digits than 64 bits have are no quantity. */
const form = /^(\d{1,20})(?:\.(\d{1,20}))?\s*([a-z]*)$/i;

/** Bits of a unit, by the unit's name in lower case. */
type Units = ReadonlyMap<string, bigint>;

const rateUnits: Units = new Map(
  ["", "k", "m", "g", "t"].flatMap((prefix, power): [string, bigint][] => {
    const decimal = 1000n ** BigInt(power);
    const binary = 1024n ** BigInt(power);
    const own: [string, bigint][] = [
      [`${prefix}bit`, decimal],
      [`${prefix}bps`, 8n * decimal],
    ];
    if (prefix === "") return [["", 1n], ...own];
    return [...own, [`${prefix}ibit`, binary], [`${prefix}ibps`, 8n * binary]];
  }),
);

const sizeUnits: Units = new Map([
  ["b", 8n],
  ...["k", "m", "g"].flatMap((prefix, index): [string, bigint][] => {
    const scale = 1024n ** BigInt(index + 1);
    return [
      [prefix, 8n * scale],
      [`${prefix}b`, 8n * scale],
      [`${prefix}bit`, scale],
    ];
  }),
]);

/**
 * Bits a second of `8000`, `10Mbit`, `1.5Gbit`, `1MiBps`: `bit` is bits and `bps` bytes a second, with k, m, g and t by
 * thousands, ki, mi, gi and ti by 1024, in any case. Exact; what is less than a bit is dropped.
 * @throws Error that says what is wanted
 */
export function parseRate(text: string): bigint {
  return parse(text, rateUnits, 'a rate in units of tc, as "10Mbit", "1.5Gbit" or "500kbps"');
}

/**
 * Bits of `32kb` or `1mbit`: `b`, `k` or `kb`, `m` or `mb`, `g` or `gb` are bytes, `kbit`, `mbit` and `gbit` bits, all by
 * 1024 and in any case. A unit has to be there: without one tc means bytes, and the configuration bits.
 * @throws Error that says what is wanted
 */
export function parseSize(text: string): bigint {
  return parse(text, sizeUnits, 'a size with a unit of tc, as "32kb" or "1mbit"');
}

function parse(text: string, units: Units, wanted: string): bigint {
  const [, whole, fraction = "", unit = ""] = form.exec(text.trim()) ?? [];
  const bits = units.get(unit.toLowerCase());
  if (whole === undefined || bits === undefined) {
    throw new Error(`want ${wanted}, got ${JSON.stringify(text)}`);
  }
  return (BigInt(whole + fraction) * bits) / 10n ** BigInt(fraction.length);
}
