/**
 * A program's README lists exactly the keys that its schema reads.
 * @module
 */
import { deepEqual, ok } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type * as z from "zod/mini";
import { networkConfig } from "../core/cni/config.ts";
import type { Plugin } from "../core/cni/plugin.ts";
import { type Program, programs, root } from "../scripts/place.ts";

type Shape = Record<string, z.ZodMiniType>;

/** The keys of an object schema, through optional, default and the like; empty for anything else. */
function shapeOf(schema: z.ZodMiniType | undefined): Shape {
  const def = schema?._zod.def as { shape?: Shape; innerType?: z.ZodMiniType; in?: z.ZodMiniType };
  if (def === undefined) return {};
  return def.shape ?? shapeOf(def.innerType ?? def.in);
}

async function definitionOf({ folder }: Program): Promise<Plugin> {
  const exported: Record<string, unknown> = await import(join(root, folder, "plugin.ts"));
  const found = Object.values(exported).find(
    (value) => typeof value === "object" && value !== null && "config" in value && "add" in value,
  );
  ok(found !== undefined, `${folder}/plugin.ts exports no plugin`);
  return found as Plugin;
}

/** Keys of every network configuration. */
const base = new Set([...Object.keys(shapeOf(networkConfig as z.ZodMiniType)), "capabilities"]);

/** Keys that this program reads beside those of every network configuration; an IPAM program's lie in `ipam`. */
async function keysRead(program: Program): Promise<string[]> {
  const own = shapeOf((await definitionOf(program)).config as z.ZodMiniType);
  const top = Object.keys(own).filter((key) => !base.has(key));
  const inIpam = program.folder.startsWith("ipam/") ? Object.keys(shapeOf(own["ipam"])) : [];
  return [...top, ...inIpam.filter((key) => key !== "type")];
}

/** First cells of a README's tables of keys, those that begin with "key". */
function documentedCells({ folder }: Program): string[] {
  const text = readFileSync(join(root, folder, "README.md"), "utf8");
  const tables = text.match(/^\| key \|(.*\n\|)*.*$/gm) ?? [];
  return [...tables.join("\n").matchAll(/^\| *`([^`]+)`/gm)].map(([, cell = ""]) => cell);
}

/** `vlanTrunk` of "`vlanTrunk[].minID`", `routes` of "`ipam.routes`"; keys of every network configuration left out. */
function keysDocumented(program: Program): string[] {
  return documentedCells(program).flatMap((cell) => {
    if (cell === "CNI_ARGS" || base.has(cell.replace(/[.[].*$/, "")) !== cell.startsWith("ipam."))
      return [];
    return [cell.replace(/^ipam\./, "").replace(/[.[].*$/, "")];
  });
}

describe("the README of each program", () => {
  for (const program of programs()) {
    it(`${program.folder} lists the keys of its schema`, async () => {
      ok(existsSync(join(root, program.folder, "README.md")), "there is no README.md");
      const documented = [...new Set(keysDocumented(program))].sort();
      deepEqual(documented, [...new Set(await keysRead(program))].sort());
    });
  }
});
