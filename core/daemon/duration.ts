/**
 * Durations as Go writes them: `1m30s`, `250ms`.
 * @see https://pkg.go.dev/time#ParseDuration
 * @module
 */

/** Milliseconds of a unit. */
const units: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
/** Go counts nanoseconds in 64 bits. */
const longestMs = 2 ** 63 / 1e6;

/** Milliseconds, with fraction; undefined for a text that Go would refuse. */
export function parseDuration(text: string): number | undefined {
  const sign = /^[-+]/.exec(text)?.[0] ?? "";
  const rest = text.slice(sign.length);
  const milliseconds = rest === "0" ? 0 : sumOfParts(rest);
  if (milliseconds === undefined || milliseconds >= longestMs) return undefined;
  return sign === "-" ? -milliseconds : milliseconds;
}

function sumOfParts(text: string): number | undefined {
  let sum = 0;
  let at = 0;
  while (at < text.length || at === 0) {
    part.lastIndex = at;
    const [whole, number = "", unit = ""] = part.exec(text) ?? [];
    if (whole === undefined) return undefined;
    sum += Number(number) * (units[unit] ?? 0);
    at += whole.length;
  }
  return sum;
}

/** As Go prints it: `1h0m0s`, `1m2s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? "-" : "";
  const length = Math.abs(milliseconds);
  if (length === 0) return "0s";
  if (length < 1e-3) return `${sign}${decimal(length * 1e6)}ns`;
  if (length < 1) return `${sign}${decimal(length * 1e3)}µs`;
  if (length < 1000) return `${sign}${decimal(length)}ms`;
  const hours = Math.floor(length / 3_600_000);
  const minutes = Math.floor(length / 60_000) % 60;
  const seconds = `${decimal((length % 60_000) / 1000)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

function decimal(number: number): string {
  return String(Number(number.toFixed(9)));
}
