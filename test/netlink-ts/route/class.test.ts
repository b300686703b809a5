import { deepEqual, equal } from "node:assert/strict";
import { classMessage, deleteClass, getClass, htbClass, newClass } from "netlink-ts/route/class.ts";
import { handleOf, TC_H_ROOT } from "netlink-ts/route/traffic-control.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, refusal, truncates } from "../capture.ts";

const parsed = (name: string) => classMessage.parse(capture(`route/captures/${name}`));

describe("classMessage", () => {
  it("decodes a class", () => {
    const { handle, parent, kind, options, unknown } = parsed("class-htb");
    const rate = { cellLog: 0, linklayer: 1, overhead: 0, cellAlign: 0, mpu: 0, rate: 1_000_000 };
    const parms = {
      ...{ rate, ceil: rate, buffer: 240_000, cbuffer: 25_000, quantum: 100_000 },
      ...{ level: 0, priority: 0 },
    };
    deepEqual(
      { handle, parent, kind, options, unknown },
      {
        handle: handleOf(1, 0x30),
        parent: TC_H_ROOT,
        kind: "htb",
        options: { parms },
        unknown: undefined,
      },
    );
  });
  it("decodes rates that take 64 bits", () => {
    const { rate64, ceil64 } = htbClass(parsed("class-htb-rate64")) ?? {};
    deepEqual([rate64, ceil64], [10_000_000_000n, 10_000_000_000n]);
  });
  it("encodes what it decoded to the same bytes", () => {
    for (const name of ["class-htb", "class-htb-rate64", "class-delete"])
      reencodes(classMessage, capture(`route/captures/${name}`));
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(classMessage, capture("route/captures/class-htb"), [20, 28, 80, 152, 196]);
  });
  it("refuses half of a class's settings", () => {
    const bad = hex(`
      00 00 00 00  03 00 00 00  30 00 01 00  ff ff ff ff  00 00 00 00
      08 00 01 00  68 74 62 00  0c 00 02 00  08 00 01 00  00 00 00 00`);
    equal(
      refusal(() => classMessage.parse(bad)),
      "decode class.options.parms at byte 36: want 44 bytes, got 4",
    );
  });
});

describe("htbClass", () => {
  it("tells nothing of a class of another kind", () => {
    equal(htbClass({ kind: "hfsc", options: new Uint8Array(4) }), undefined);
  });
});

describe("newClass, deleteClass, getClass", () => {
  it("are what the kernel calls them", () => {
    deepEqual(
      [newClass, deleteClass, getClass].map(({ type, flags }) => [type, flags]),
      [
        [40, 0x601],
        [41, 0x001],
        [42, 0x009],
      ],
    );
  });
});
