import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import * as z from "zod/mini";

import { sparseParser } from "../../../core/cni/sparse-parser.ts";
import { hostLocal } from "../../../ipam/host-local/plugin.ts";
import { bridge } from "../../../plugins/bridge/plugin.ts";
import { firewall } from "../../../plugins/firewall/plugin.ts";
import { portmap } from "../../../plugins/portmap/plugin.ts";
import { tuning } from "../../../plugins/tuning/plugin.ts";

const plugins = [bridge, portmap, firewall, tuning, hostLocal];

describe("sparseParser", () => {
  const schema = z.object({
    name: z.string(),
    count: z._default(z.number(), 7),
    list: z.optional(z.array(z.string())),
    text: z.pipe(
      z.string(),
      z.transform((text) => text.length),
    ),
  });
  const parse = sparseParser(schema);

  it("gives what is there, and defaults", () =>
    deepEqual(parse({ name: "x", text: "four" }), { name: "x", count: 7, text: 4 }));

  it("leaves out what the schema does not know", () =>
    deepEqual(parse({ name: "x", text: "", other: 1 }), { name: "x", count: 7, text: 0 }));

  it("keeps that where the schema does", () => {
    const loose = sparseParser(z.looseObject({ name: z.string() }));
    deepEqual(loose({ name: "x", other: [1] }), { name: "x", other: [1] });
  });

  it("leaves a wrong value, and one that is missing, to zod", () => {
    equal(parse({ name: 5, text: "" }), undefined);
    equal(parse({ text: "" }), undefined);
  });

  it("leaves an object that is checked as a whole to zod", () => {
    const checked = z.object({ name: z.string() }).check(z.refine(() => false));
    equal(sparseParser(checked)({ name: "x" }), undefined);
  });

  it("leaves one with a default that is no plain value to zod, unless it is there", () => {
    const listed = sparseParser(z.object({ list: z._default(z.array(z.string()), []) }));
    equal(listed({}), undefined);
    deepEqual(listed({ list: ["x"] }), { list: ["x"] });
  });

  const values = fc.oneof(
    fc.constantFrom(true, 0, 1500, -1, "", "x", "10.0.0.1", "02:00:00:00:00:01", null, "strict"),
    fc.constantFrom(
      [],
      {},
      [{}],
      [{ id: 5 }],
      { cni: { mac: "x" } },
      { portMappings: [] },
      undefined,
    ),
    fc.jsonValue(),
  );
  for (const { type, config, parse: quick } of plugins) {
    it(`judges configurations of ${type} as zod does`, () => {
      const keys = fc.constantFrom(...Object.keys(config.shape), "other");
      const documents = fc.dictionary(keys, values, { maxKeys: 8, noNullPrototype: true });
      fc.assert(
        fc.property(documents, (document) => {
          const found = quick({ name: "net", ...document });
          if (found === undefined) return;
          deepEqual(
            { success: true, data: found },
            z.safeParse(config, { name: "net", ...document }),
          );
        }),
        { numRuns: 2000 },
      );
    });

    it(`needs no zod for a usual configuration of ${type}`, () =>
      ok(quick({ cniVersion: "1.0.0", name: "net", type, ipam: { type: "host-local" } })));
  }
});
