/**
 * The part of a sweep that this process does: the sweeps over all programs are too long for one.
 * @module
 */

/** "2/3": the second of three parts. Without it a process does everything. */
const share = process.env["NETLOOM_SHARE"] ?? "1/1";

/**
 * What of a list is ours: every third entry, say, so that the entries of one program, which are neighbours, are spread.
 * @throws {Error} $NETLOOM_SHARE is no share
 */
export function ours<T>(all: readonly T[], text = share): T[] {
  const [, part, parts] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(text)?.map(Number) ?? [];
  if (part === undefined || parts === undefined || part > parts) {
    throw new Error(`NETLOOM_SHARE: want a part like "2/3", got "${text}"`);
  }
  return all.filter((_, index) => index % parts === part - 1);
}
