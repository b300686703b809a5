/**
 * `npm run bench`: measures everything and writes bench/README.md.
 *
 * `--rounds N` (40), `--pods N` (300), `--at-once N` (20), `--ports N` (500), `--leases N` (100); `--print` writes to stdout instead of the file.
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../scripts/place.ts";
import { alone, contenders, ports, whole } from "./contenders.ts";
import { measurePath } from "./data-path.ts";
import { measureDhcp } from "./dhcp.ts";
import { dhcpSection } from "./dhcp-section.ts";
import {
  measureAtOnce,
  measureChains,
  measureVersions,
  measureWork,
  nothingMeasured,
} from "./measure.ts";
import { readme } from "./readme.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "40" },
    pods: { type: "string", default: "300" },
    "at-once": { type: "string", default: "20" },
    ports: { type: "string", default: "500" },
    leases: { type: "string", default: "100" },
    print: { type: "boolean", default: false },
  },
});
const size = {
  rounds: Number(values.rounds),
  pods: Number(values.pods),
  atOnce: Number(values["at-once"]),
  ports: Number(values.ports),
};
const all = contenders(ports);
const measured = nothingMeasured();
measureVersions(all, size, measured);
measureChains(all, size, measured);
measureAtOnce(all, size, measured);
for (const work of [whole, ...alone]) measureWork(work, size, measured);
const path = measurePath(size);
const leases = { pods: Number(values.leases), rounds: 3 };
const text = readme(measured, size, path, dhcpSection(measureDhcp(leases), leases));
if (values.print) console.log(text);
else writeFileSync(join(root, "bench", "README.md"), text);
