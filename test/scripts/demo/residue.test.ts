import { deepEqual } from "node:assert/strict";
import { residue } from "../../../scripts/demo/residue.ts";
import type { Snapshot } from "../../kernel/snapshot.ts";

const empty: Snapshot = { links: [], addresses: [], routes: [], rules: [], nft: [], files: [] };
const gone = /web-1|10\.88\.0\.2/;

describe("residue", () => {
  it("is nothing between equal moments", () => {
    deepEqual(residue(empty, { ...empty }, "br0", gone), { kept: [], wrong: [] });
  });

  it("counts the bridge and its addresses as kept", () => {
    const after = { ...empty, links: ["br0 bridge  1500 UP"], addresses: ["br0 10.88.0.1/24"] };
    deepEqual(residue(empty, after, "br0", gone).wrong, []);
  });

  it("finds a link that stayed", () => {
    const after = { ...empty, links: ["veth* veth br0 1500 UP"] };
    deepEqual(residue(empty, after, "br0", gone).wrong, ["links: veth* veth br0 1500 UP"]);
  });

  it("finds an element that names the container, in our own table too", () => {
    const row = '{"map":{"family":"inet","table":"netloom","elem":["web-1"]}}';
    deepEqual(residue(empty, { ...empty, nft: [row] }, "br0", gone).wrong, [`nft: ${row}`]);
  });

  it("finds an address that is still reserved", () => {
    const row = "/var/lib/cni/networks/demo/10.88.0.2 600 00";
    deepEqual(residue(empty, { ...empty, files: [row] }, "br0", gone).wrong, [`files: ${row}`]);
  });

  it("finds what was there and is not any more", () => {
    const before = { ...empty, rules: ["0: lookup local"] };
    deepEqual(residue(before, empty, "br0", gone).wrong, ["rules: missing: 0: lookup local"]);
  });
});
