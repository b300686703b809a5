/**
 * Key names of a configuration: matched without regard to case, as Go matches them, and unknown ones named on stderr
 * with the known key they may stand for. Never fatal: keys of other programs and of later versions pass through here.
 * @module
 */

import { pathText } from "./issue-text.ts";
import type { KeyTable, KnownKey, ObjectKeys } from "./key-table.ts";

/** Keys of the network list that reach a plugin's stdin with some runtimes. */
const listKeys = ["plugins", "disableCheck", "disableGC", "cniVersions", "loadOnlyInlinedPlugins"];

/** A configuration with a hundred thousand unknown keys is no reason for as many lines. */
const MOST_REPORTS = 16;

type Path = readonly (string | number)[];

/**
 * The same document with the known keys spelt as `table` has them. Of two spellings of one key the later counts.
 * A known key whose value is null is left out, as Go leaves its field alone; `__proto__` never gets through.
 */
export function normalizeKeys(
  table: KeyTable,
  document: object,
  warn: (text: string) => void,
): Record<string, unknown> {
  const normalizer = new Normalizer(table, warn);
  const normalized = normalizer.value(table, document, []) as Record<string, unknown>;
  normalizer.capabilities(normalized["capabilities"]);
  normalizer.finish();
  return normalized;
}

class Normalizer {
  readonly #top: KeyTable;
  readonly #warn: (text: string) => void;
  #reports = 0;

  constructor(top: KeyTable, warn: (text: string) => void) {
    this.#top = top;
    this.#warn = warn;
  }

  value({ object, element }: KeyTable, value: unknown, path: Path): unknown {
    if (Array.isArray(value)) {
      if (element === undefined) return value;
      return value.map((entry, index) => this.value(element, entry, [...path, index]));
    }
    if (typeof value !== "object" || value === null || object === undefined) return value;
    return this.#object(object, value as Record<string, unknown>, path);
  }

  #object(table: ObjectKeys, value: Record<string, unknown>, path: Path): object {
    const normalized: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      if (key === "__proto__") continue;
      const known = table.byName.get(key) ?? this.#folded(table, key, path);
      const entry = value[key];
      if (known === undefined) {
        if (!table.open) this.#reportUnknown(table, key, path);
        normalized[key] = entry;
      } else if (entry !== null) {
        const { name, inside } = known;
        normalized[name] = inside ? this.value(inside, entry, [...path, name]) : entry;
      }
    }
    return normalized;
  }

  #folded(table: ObjectKeys, key: string, path: Path): KnownKey | undefined {
    const known = table.byFoldedName.get(key.toLowerCase());
    // nobody can mend what the runtime wrote, and containerd writes "HostPort" in every call
    if (known === undefined || path[0] === "runtimeConfig") return known;
    this.#report(() => `${pathText([...path, key])} is read as ${JSON.stringify(known.name)}`);
    return known;
  }

  #reportUnknown(table: ObjectKeys, key: string, path: Path): void {
    if (path.length === 0 && (key.startsWith("cni.dev/") || listKeys.includes(key))) return;
    this.#report(
      () => `nothing reads ${pathText([...path, key])}${suggestion(this.#top, table, key)}`,
    );
  }

  #report(text: () => string): void {
    this.#reports += 1;
    if (this.#reports <= MOST_REPORTS) this.#warn(text());
  }

  /** `capabilities` asks the runtime for a key in `runtimeConfig`; a setting of the plugin has no effect there. */
  capabilities(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    const settings = this.#top.object?.byFoldedName;
    for (const key of Object.keys(value)) {
      const setting = settings?.get(key.toLowerCase());
      if (setting === undefined || this.#isRuntimeKey(key)) continue;
      const right = JSON.stringify(setting.name);
      this.#report(
        () => `"capabilities.${key}" sets nothing; did you mean ${right} beside "capabilities"?`,
      );
    }
  }

  #isRuntimeKey(key: string): boolean {
    const runtime = this.#top.object?.byName.get("runtimeConfig")?.inside?.object;
    return runtime?.byFoldedName.has(key.toLowerCase()) ?? false;
  }

  /** Says how many reports were held back. */
  finish(): void {
    const more = this.#reports - MOST_REPORTS;
    if (more > 0) this.#warn(`${more} more keys that nothing reads`);
  }
}

function suggestion(top: KeyTable, table: ObjectKeys, key: string): string {
  const near = nearest(key, [...table.byName.keys()]);
  const meant = near ?? placesOf(top, key.toLowerCase(), []).at(0);
  return meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
}

/** The candidate with the fewest changes of letters, when those are few for the key's length. */
function nearest(key: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.min(3, Math.floor(key.length / 3) + 1) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - key.length) >= fewest) continue;
    const changes = editDistance(key.toLowerCase(), candidate.toLowerCase());
    if (changes < fewest) {
      fewest = changes;
      best = candidate;
    }
  }
  return best;
}

/** Letters to insert, delete, replace or swap with their neighbour to get from one word to the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
        row > 1 && swapped ? beforeLast[column - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length]!;
}

/** Where else in the document a key of that name is read: `runtimeConfig.mac`. */
function placesOf({ object, element }: KeyTable, folded: string, path: Path): string[] {
  const below = element ? placesOf(element, folded, [...path, "[]"]) : [];
  for (const { name, inside } of object?.byName.values() ?? []) {
    const here = [...path, name];
    if (name.toLowerCase() === folded) below.push(here.join("."));
    if (inside) below.push(...placesOf(inside, folded, here));
  }
  return below;
}
