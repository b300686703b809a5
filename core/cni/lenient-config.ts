/**
 * Configurations for DEL and GC, which clean up with what is left of one.
 * @module
 */

import "./zod-settings.ts";
import * as z from "zod/mini";

import { describeIssue, type Path, pathText } from "./issue-text.ts";

/**
 * Parses as much of a configuration as can be used: what is wrong is said with `warn` and left out, together with
 * what cannot be without it.
 */
export function parseLeniently<S extends z.ZodMiniObject>(
  schema: S,
  value: object,
  warn: (text: string) => void,
): Partial<z.output<S>> {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const usable: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(schema.shape as Record<string, z.ZodMiniType>)) {
    const raw = (value as Record<string, unknown>)[key];
    const found = parseUsable(
      z.object({ [key]: field }),
      raw === undefined ? {} : { [key]: raw },
      warn,
    );
    if (found !== undefined && key in found) usable[key] = found[key];
  }
  return usable as Partial<z.output<S>>;
}

/** As many rounds of leaving out as are worth it; a configuration with more mistakes loses the whole key. */
const MOST_ROUNDS = 16;

function parseUsable(
  schema: z.ZodMiniType<Record<string, unknown>>,
  value: Record<string, unknown>,
  warn: (text: string) => void,
): Record<string, unknown> | undefined {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const parsed = z.safeParse(schema, value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues.toReversed()) {
      const text = describeIssue(issue, value);
      const removed = removeAt(value, issue.path);
      if (removed !== undefined) warn(`leaves out ${pathText(removed)}: ${text}`);
      if (removed === undefined) return undefined;
    }
  }
  return undefined;
}

/**
 * Removes what `path` leads to, from a copy along the way kept in `value`; when nothing is there, what it misses from.
 * @returns the path that was removed, or undefined when there is none
 */
function removeAt(value: Record<string, unknown>, path: Path): Path | undefined {
  const copies: (Record<PropertyKey, unknown> | unknown[])[] = [value];
  for (const part of path.slice(0, -1)) {
    const parent = copies.at(-1) as Record<PropertyKey, unknown>;
    const child = parent[part];
    if (typeof child !== "object" || child === null) break;
    const copy = Array.isArray(child) ? [...child] : { ...child };
    parent[part] = copy;
    copies.push(copy as Record<PropertyKey, unknown>);
  }
  for (let depth = Math.min(copies.length, path.length) - 1; depth >= 0; depth--) {
    const parent = copies[depth] as Record<PropertyKey, unknown>;
    const part = path[depth] as PropertyKey;
    if (parent[part] === undefined) continue;
    if (Array.isArray(parent)) parent.splice(part as number, 1);
    else delete parent[part];
    return path.slice(0, depth + 1);
  }
  return undefined;
}
