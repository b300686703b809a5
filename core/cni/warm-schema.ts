/**
 * The first parse of a schema, made when the program is built.
 * @module
 */

import * as z from "zod/mini";

import { wrappedSchema } from "./schema-wrapper.ts";

/**
 * Parses a made-up document that has every key of the schema. zod makes much of a schema when it is first used; done at
 * import it is part of the program, and a start finds it made.
 * @returns the schema
 */
export function warmSchema<S extends z.core.$ZodType>(schema: S): S {
  z.safeParse(schema, sample(schema));
  return schema;
}

/** A value of the right shape; that texts and numbers are refused does not matter here. */
function sample(schema: z.core.$ZodType): unknown {
  const inner = wrappedSchema(schema);
  if (inner !== undefined) return sample(inner);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(def.shape).map(([key, field]) => [key, sample(field)]),
      );
    case "array":
      return [sample(def.element)];
    case "record":
      return { x: sample(def.valueType) };
    case "union":
      return sample(def.options[0] as z.core.$ZodType);
    case "pipe":
      return sample(def.in);
    case "boolean":
      return true;
    case "number":
      return 1;
    default:
      return "x";
  }
}
