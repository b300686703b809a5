/**
 * The keys a configuration schema knows, as tables that are made once, when the program is built.
 * @module
 */

import type * as z from "zod/mini";

import { wrappedSchema } from "./schema-wrapper.ts";

/** The keys below one place of a document; `object` and `element` are absent where the schema has no such thing. */
export interface KeyTable {
  readonly object?: ObjectKeys;
  /** Of each entry of a list. */
  readonly element?: KeyTable;
}

/** The keys of one object. */
export interface ObjectKeys {
  readonly byName: ReadonlyMap<string, KnownKey>;
  /** The same by lower-case name. */
  readonly byFoldedName: ReadonlyMap<string, KnownKey>;
  /** Other keys belong to somebody else, so they are not reported. */
  readonly open: boolean;
}

/** One key, and the keys below it. */
export interface KnownKey {
  readonly name: string;
  readonly inside?: KeyTable;
}

/** Objects that plugins share with each other: `args`, `args.cni` and `runtimeConfig`. */
const sharedPaths = ["args", "args.cni", "runtimeConfig"];

/** Makes the table of a schema. `path` is the way to it from the top of the document. */
export function keyTable(schema: z.core.$ZodType, path: readonly string[] = []): KeyTable {
  const inner = wrappedSchema(schema);
  if (inner !== undefined) return keyTable(inner, path);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return { object: objectKeys(def, path) };
    case "array":
      return { element: keyTable(def.element, [...path, "[]"]) };
    case "record":
      return { object: { byName: new Map(), byFoldedName: new Map(), open: true } };
    case "union":
      return def.options.map((option) => keyTable(option, path)).reduce(merged, {});
    case "pipe":
      return merged(keyTable(def.in, path), keyTable(def.out, path));
    default:
      return {};
  }
}

function objectKeys(def: z.core.$ZodObjectDef, path: readonly string[]): ObjectKeys {
  const known = Object.entries(def.shape).map(([name, field]): KnownKey => {
    const inside = keyTable(field, [...path, name]);
    return inside.object || inside.element ? { name, inside } : { name };
  });
  const open = sharedPaths.includes(path.join(".")) || def.catchall?._zod.def.type === "unknown";
  return objectTable(known, open);
}

function objectTable(known: readonly KnownKey[], open: boolean): ObjectKeys {
  return {
    byName: new Map(known.map((key) => [key.name, key])),
    byFoldedName: new Map(known.map((key) => [key.name.toLowerCase(), key])),
    open,
  };
}

/** Alternatives are told apart by the schema; for key names it is enough to know all of them. */
function merged(one: KeyTable, other: KeyTable): KeyTable {
  const object = one.object && other.object ? mergedObject(one.object, other.object) : undefined;
  const keys = object ?? one.object ?? other.object;
  const element = one.element && other.element ? merged(one.element, other.element) : undefined;
  const entries = element ?? one.element ?? other.element;
  return { ...(keys ? { object: keys } : {}), ...(entries ? { element: entries } : {}) };
}

function mergedObject(one: ObjectKeys, other: ObjectKeys): ObjectKeys {
  const known = [...one.byName.values(), ...other.byName.values()];
  return objectTable(known, one.open || other.open);
}
