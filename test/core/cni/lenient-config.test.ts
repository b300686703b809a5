import { deepEqual, equal } from "node:assert/strict";
import * as z from "zod/mini";

import { parseLeniently } from "../../../core/cni/lenient-config.ts";

const schema = z.object({
  name: z.string(),
  mtu: z.optional(z.number()),
  ranges: z.optional(
    z.object({
      subnet: z.string(),
      gateway: z.optional(z.string()),
      pools: z.optional(z.array(z.object({ from: z.number(), to: z.optional(z.number()) }))),
    }),
  ),
});

function parse(value: object) {
  const warnings: string[] = [];
  const parsed = parseLeniently(schema, value, (text) => warnings.push(text));
  return { parsed, warnings };
}

describe("parseLeniently", () => {
  it("parses what is right without a word", () => {
    const value = { name: "a", mtu: 1, ranges: { subnet: "x" } };
    deepEqual(parse(value), { parsed: value, warnings: [] });
  });

  it("leaves out a bad key and says so", () => {
    deepEqual(parse({ name: "a", mtu: "x" }), {
      parsed: { name: "a" },
      warnings: ['leaves out "mtu": "mtu": want a number, got "x"'],
    });
  });

  it("leaves out a missing key", () => deepEqual(parse({ mtu: 1 }).parsed, { mtu: 1 }));

  it("leaves out the smallest part that is bad", () => {
    const pools = [{ from: 1, to: "x" }, { from: "x" }, { from: 3 }];
    const { parsed } = parse({ name: "a", ranges: { subnet: "s", gateway: 5, pools } });
    deepEqual(parsed.ranges, { subnet: "s", pools: [{ from: 1 }, { from: 3 }] });
  });

  it("leaves out an object that lacks what it needs", () => {
    const { parsed, warnings } = parse({ name: "a", ranges: { gateway: "g" } });
    deepEqual(parsed, { name: "a" });
    equal(warnings.length, 1);
  });

  it("leaves its input as it was", () => {
    const value = { name: "a", ranges: { subnet: "s", pools: [{ from: "x" }] } };
    const before = structuredClone(value);
    parse(value);
    deepEqual(value, before);
  });

  it("gives a hopeless key up after some rounds", () => {
    const deep = z.object({ list: z.array(z.array(z.array(z.string()))) });
    const list = Array.from({ length: 200 }, () => Array.from({ length: 5 }, () => [1, 2]));
    const { list: found } = parseLeniently(deep, { list }, () => {});
    deepEqual(found?.flat(2) ?? [], []);
  });
});
