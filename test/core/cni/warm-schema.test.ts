import { deepEqual } from "node:assert/strict";
import * as z from "zod/mini";

import { warmSchema } from "../../../core/cni/warm-schema.ts";

describe("warmSchema", () => {
  it("parses every key once, whatever it lies in", () => {
    const seen: string[] = [];
    const field = (name: string) =>
      z.string().check(
        z.refine(() => {
          seen.push(name);
          return false;
        }),
      );
    warmSchema(
      z.object({
        plain: field("plain"),
        list: z.array(z.object({ inner: field("list.inner") })),
        maybe: z.optional(z.union([z.object({ inner: field("maybe.inner") }), z.string()])),
        named: z.record(z.string(), field("named")),
        piped: z.pipe(field("piped"), z.string()),
      }),
    );
    deepEqual(seen, ["plain", "list.inner", "maybe.inner", "named", "piped"]);
  });
});
