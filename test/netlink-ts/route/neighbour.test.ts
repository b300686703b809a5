import { deepEqual, equal } from "node:assert/strict";
import {
  deleteNeighbour,
  getNeighbour,
  NTF_MASTER,
  NUD_PERMANENT,
  neighbourMessage,
  newNeighbour,
  replaceNeighbour,
} from "netlink-ts/route/neighbour.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, refusal, truncates } from "../capture.ts";

describe("neighbourMessage", () => {
  it("decodes what ip adds", () => {
    deepEqual(neighbourMessage.parse(capture("route/captures/neighbour-add")), {
      family: 2,
      ifindex: 2,
      state: NUD_PERMANENT,
      flags: 0,
      type: 0,
      dst: hex("0a 01 00 09"),
      lladdr: hex("02 00 00 00 00 09"),
    });
  });
  it("decodes a bridge's forwarding entry", () => {
    const entry = neighbourMessage.parse(capture("route/captures/neighbour-fdb-add"));
    deepEqual([entry.family, entry.flags, entry.lladdr], [7, NTF_MASTER, hex("02 00 00 00 00 77")]);
  });
  it("encodes what it decoded to the same bytes", () => {
    for (const name of ["add", "v4", "fdb", "fdb-add"]) {
      reencodes(neighbourMessage, capture(`route/captures/neighbour-${name}`));
    }
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(neighbourMessage, capture("route/captures/neighbour-v4"), [12, 20, 30, 31, 32, 40]);
  });
  it("refuses an address that is none", () => {
    const bad = hex("02 00 00 00 02 00 00 00 80 00 00 00  09 00 01 00 0a 01 00 09 01 00 00 00");
    equal(
      refusal(() => neighbourMessage.parse(bad)),
      "decode neigh.dst at byte 16: want 4 or 16 bytes, got 5",
    );
  });
});

describe("newNeighbour, replaceNeighbour, deleteNeighbour, getNeighbour", () => {
  it("are what the kernel calls them", () => {
    const all = [newNeighbour, replaceNeighbour, deleteNeighbour, getNeighbour];
    deepEqual(
      all.map(({ type, flags }) => [type, flags]),
      [
        [28, 0x601],
        [28, 0x501],
        [29, 0x001],
        [30, 0x001],
      ],
    );
  });
});
