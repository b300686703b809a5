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

/** Keys that this program reads beside those of every network configuration; an IPAM program's lie in `ipam`. */
async function keysRead(program: Program): Promise<string[]> {
  const own = shapeOf((await definitionOf(program)).config as z.ZodMiniType);
  const base = shapeOf(networkConfig as z.ZodMiniType);
  const top = Object.keys(own).filter((key) => !(key in base));
  const inIpam = program.folder.startsWith("ipam/") ? Object.keys(shapeOf(own["ipam"])) : [];
  return [...top, ...inIpam.filter((key) => key !== "type")];
}

/** First words of the rows of the README's tables: `vlanTrunk` of "| `vlanTrunk[].minID` | …". */
function keysDocumented({ folder }: Program): string[] {
  const rows = readFileSync(join(root, folder, "README.md"), "utf8").matchAll(/^\| *`([^`]+)`/gm);
  return [...rows].map(([, key = ""]) => key.replace(/^ipam\./, "").replace(/[.[].*$/, ""));
}

describe("the README of each program", () => {
  for (const program of programs()) {
    it(`${program.folder} lists the keys of its schema`, async () => {
      ok(existsSync(join(root, program.folder, "README.md")), "there is no README.md");
      const base = new Set([
        ...Object.keys(shapeOf(networkConfig as z.ZodMiniType)),
        "capabilities",
      ]);
      const documented = new Set(keysDocumented(program).filter((key) => !base.has(key)));
      deepEqual([...documented].sort(), [...new Set(await keysRead(program))].sort());
    });
  }
});
