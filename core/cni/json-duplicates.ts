/**
 * Keys that stand twice in an object, of which JSON.parse shows the last alone.
 * @see RFC 8259 section 4
 * @module
 */

import { stringEnd } from "./json-scan.ts";

/** An array or object that is open. */
interface Level {
  /** Lower-case keys on the way to it; undefined inside an array. */
  readonly path: string | undefined;
  readonly keys: Set<string> | undefined;
  /** In an object: the key that was read last; undefined while the next one is awaited. */
  key: string | undefined;
}

/**
 * The first key that stands twice in one of these objects.
 * @param text JSON
 * @param objects where they lie, in any case: `["sysctl", "args.cni.sysctl"]`
 */
export function repeatedKey(text: string, objects: readonly string[]): string | undefined {
  const wanted = new Set(objects.map((path) => `.${path.toLowerCase()}`));
  const token = /["[\]{},]/g;
  const levels: Level[] = [];
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const level = levels.at(-1);
    const [character] = found;
    if (character === '"') {
      const end = stringEnd(text, found.index) ?? text.length;
      token.lastIndex = end;
      if (level?.keys === undefined || level.key !== undefined) continue;
      level.key = JSON.parse(text.slice(found.index, end)) as string;
      if (level.keys.has(level.key) && wanted.has(level.path ?? "")) return level.key;
      level.keys.add(level.key);
    } else if (character === "{")
      levels.push({ path: pathBelow(level), keys: new Set(), key: undefined });
    else if (character === "[") levels.push({ path: undefined, keys: undefined, key: undefined });
    else if (character === ",") {
      if (level !== undefined) level.key = undefined;
    } else levels.pop();
  }
  return undefined;
}

function pathBelow(level: Level | undefined): string | undefined {
  if (level === undefined) return "";
  return level.path === undefined ? undefined : `${level.path}.${level.key?.toLowerCase()}`;
}
