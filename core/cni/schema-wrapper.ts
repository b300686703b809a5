/**
 * Schemas that only wrap another one.
 * @module
 */

import type * as z from "zod/mini";

/** What a schema as `z.optional(inner)` wraps; undefined for one that says something of its own. */
export function wrappedSchema(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "readonly":
    case "catch":
      return def.innerType;
    default:
      return undefined;
  }
}
