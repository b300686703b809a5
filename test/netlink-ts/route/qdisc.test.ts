import { deepEqual, equal } from "node:assert/strict";
import {
  deleteQdisc,
  getQdisc,
  newQdisc,
  qdiscMessage,
  qdiscOptions,
  replaceQdisc,
} from "netlink-ts/route/qdisc.ts";
import { HTB_VERSION } from "netlink-ts/route/qdisc-kinds/htb.ts";
import { handleOf, TC_H_INGRESS, TC_H_ROOT } from "netlink-ts/route/traffic-control.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, reencodesInTableOrder, refusal, truncates } from "../capture.ts";

const parsed = (name: string) => qdiscMessage.parse(capture(`route/captures/${name}`));
/** tcmsg of link 3, `1: root`, and TCA_KIND "tbf". */
const tbfStart = `
  00 00 00 00  03 00 00 00  00 00 01 00  ff ff ff ff  00 00 00 00
  08 00 01 00  74 62 66 00`;

describe("qdiscMessage", () => {
  it("decodes a token bucket", () => {
    const { ifindex, handle, parent, kind, options, unknown } = parsed("qdisc-tbf");
    const rate = { cellLog: 0, linklayer: 1, overhead: 0, cellAlign: 0, mpu: 0, rate: 1000 };
    const peakrate = { ...rate, linklayer: 0, rate: 0 };
    deepEqual(
      { ifindex, handle, parent, kind, options, unknown },
      {
        ifindex: 3,
        handle: handleOf(1),
        parent: TC_H_ROOT,
        kind: "tbf",
        options: { parms: { rate, peakrate, limit: 1625, buffer: 25_000_000, mtu: 0 } },
        unknown: undefined,
      },
    );
  });
  it("decodes rates that take 64 bits", () => {
    const options = qdiscOptions(parsed("qdisc-tbf-rate64"), "tbf");
    deepEqual(
      [options?.parms?.rate.rate, options?.rate64, options?.prate64],
      [0xffff_ffff, 5_000_000_000n, 6_000_000_000n],
    );
  });
  it("decodes what holds classes", () => {
    const { options } = parsed("qdisc-add-htb");
    deepEqual(options, {
      init: {
        version: HTB_VERSION,
        rate2quantum: 10,
        defaultClass: 0x30,
        debug: 0,
        directPackets: 0,
      },
    });
    equal(qdiscOptions(parsed("qdisc-htb"), "htb")?.directQlen, 1000);
  });
  it("decodes what sees received packets", () => {
    const { handle, parent, kind, options } = parsed("qdisc-ingress");
    deepEqual([handle, parent, kind, options], [handleOf(0xffff), TC_H_INGRESS, "ingress", {}]);
  });
  it("decodes a queue's limit", () => {
    deepEqual(qdiscOptions(parsed("qdisc-bfifo"), "bfifo"), { limit: 9000 });
  });
  it("tells options of another kind from those asked for", () => {
    equal(qdiscOptions(parsed("qdisc-htb"), "tbf"), undefined);
  });
  it("encodes what it decoded to the same bytes", () => {
    for (const name of [
      "add-htb",
      "add-ingress",
      "bfifo",
      "delete",
      "htb",
      "ingress",
      "tbf",
      "tbf-rate64",
    ])
      reencodes(qdiscMessage, capture(`route/captures/qdisc-${name}`));
  });
  it("encodes burst in bytes behind the rates", () => {
    const parms = { limit: 1 } as never;
    const message = { kind: "tbf", options: { burst: 10, rate64: 1n, parms } };
    reencodesInTableOrder(qdiscMessage, qdiscMessage.encode(message));
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(qdiscMessage, capture("route/captures/qdisc-tbf"), [20, 28, 72, 77, 78, 79, 80, 128]);
  });
  it("refuses half of a bucket's settings", () => {
    const bad = hex(`${tbfStart}  0c 00 02 00  08 00 01 00  00 00 00 00`);
    equal(
      refusal(() => qdiscMessage.parse(bad)),
      "decode qdisc.options.parms at byte 36: want 36 bytes, got 4",
    );
  });
  it("refuses a rate of 32 bits where it takes 64", () => {
    const bad = hex(`${tbfStart}  0c 00 02 00  08 00 04 00  00 00 00 00`);
    equal(
      refusal(() => qdiscMessage.parse(bad)),
      "decode qdisc.options.rate64 at byte 36: want 8 bytes, got 4",
    );
  });
});

describe("newQdisc, replaceQdisc, deleteQdisc, getQdisc", () => {
  it("are what the kernel calls them", () => {
    deepEqual(
      [newQdisc, replaceQdisc, deleteQdisc, getQdisc].map(({ type, flags }) => [type, flags]),
      [
        [36, 0x601],
        [36, 0x501],
        [37, 0x001],
        [38, 0x009],
      ],
    );
  });
});

describe("handleOf", () => {
  it("puts both numbers together", () => {
    deepEqual([handleOf(1), handleOf(1, 0x30), handleOf(0xffff)], [0x10000, 0x10030, 0xffff0000]);
  });
});
