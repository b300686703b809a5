/**
 * `npm run bench`: measures everything and writes bench/README.md.
 *
 * `--rounds N` (40), `--pods N` (300), `--at-once N` (20); `--print` writes to stdout instead of the file.
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../scripts/place.ts";
import { contenders } from "./contenders.ts";
import { measureAtOnce, measureChains, measureVersions, nothingMeasured } from "./measure.ts";
import { readme } from "./readme.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "40" },
    pods: { type: "string", default: "300" },
    "at-once": { type: "string", default: "20" },
    print: { type: "boolean", default: false },
  },
});
const size = {
  rounds: Number(values.rounds),
  pods: Number(values.pods),
  atOnce: Number(values["at-once"]),
};
const all = contenders();
const measured = nothingMeasured();
measureVersions(all, size, measured);
measureChains(all, size, measured);
measureAtOnce(all, size, measured);
const text = readme(measured, size);
if (values.print) console.log(text);
else writeFileSync(join(root, "bench", "README.md"), text);
