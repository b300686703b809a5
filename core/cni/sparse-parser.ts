/**
 * Parsing of objects that have few of the keys they could have, as configurations do.
 * @module
 */

import "./zod-settings.ts";
import type * as z from "zod/mini";

/** How zod parses at once, not as a promise. */
const context: z.core.ParseContextInternal = { async: false };

/**
 * Makes a parser that looks at the keys an object has. zod runs the schemas of all keys; what those give that are absent is found
 * out here, when the program is built.
 * @returns gives what `z.parse` does, and undefined where that may refuse: it then has to be asked for its words
 */
export function sparseParser<S extends z.ZodMiniObject>(
  schema: S,
): (value: object) => z.output<S> | undefined {
  const { shape, catchall, checks = [] } = schema._zod.def;
  const keepsOthers = catchall?._zod.def.type === "unknown";
  if (checks.length > 0 || (catchall !== undefined && !keepsOthers)) return () => undefined;
  const fields = new Map<string, z.core.$ZodType>(Object.entries(shape));
  const { defaults, needed } = whenAbsent(fields);
  return (value) => {
    const parsed: Record<string, unknown> = { ...defaults };
    for (const key of needed) if (!Object.hasOwn(value, key)) return undefined;
    for (const [key, given] of Object.entries(value)) {
      const field = fields.get(key);
      if (field === undefined) {
        if (keepsOthers) parsed[key] = given;
        continue;
      }
      const result = field._zod.run({ value: given, issues: [] }, context);
      if (result instanceof Promise || result.issues.length > 0) return undefined;
      parsed[key] = result.value;
    }
    return parsed as z.output<S>;
  };
}

/** Values of keys that are absent, and those keys that may not be: all but plain values are left to zod. */
function whenAbsent(fields: ReadonlyMap<string, z.core.$ZodType>) {
  const defaults: Record<string, unknown> = {};
  const needed: string[] = [];
  for (const [key, field] of fields) {
    const { optin, optout } = field._zod;
    if (optin === "optional" && optout === "optional") continue;
    const result = field._zod.run({ value: undefined, issues: [] }, context);
    const isPlain =
      optin === "defaulted" &&
      !(result instanceof Promise) &&
      result.issues.length === 0 &&
      ["boolean", "number", "string"].includes(typeof result.value);
    if (isPlain) defaults[key] = result.value;
    else needed.push(key);
  }
  return { defaults, needed };
}
