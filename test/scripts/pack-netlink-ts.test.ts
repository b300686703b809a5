import { deepEqual, equal } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { packNetlinkTs } from "../../scripts/pack-netlink-ts.ts";

describe("packNetlinkTs", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "netlink-ts-"));
    packNetlinkTs(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  it("leaves JavaScript that plain Node imports", async () => {
    const { addressMessage } = await import(pathToFileURL(join(folder, "route/address.js")).href);
    equal(addressMessage.encode({ family: 2 }).length, 8);
  });
  it("leaves declarations", () => {
    const text = readFileSync(join(folder, "route/address.d.ts"), "utf8");
    equal(text.includes("IFA_LABEL: IPv4 only"), true);
  });
  it("keeps the names that the sources are imported by", () => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    deepEqual(manifest.exports["./*.ts"], { types: "./*.d.ts", default: "./*.js" });
  });
});
