import { deepEqual, equal } from "node:assert/strict";
import { deleteRule, FR_ACT_TO_TBL, getRule, newRule, ruleMessage } from "netlink-ts/route/rule.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, reencodesInTableOrder, refusal, truncates } from "../capture.ts";

describe("ruleMessage", () => {
  it("decodes what ip adds", () => {
    deepEqual(ruleMessage.parse(capture("route/captures/rule-add")), {
      family: 2,
      dstLength: 0,
      srcLength: 32,
      tos: 0,
      headerTable: 0,
      action: FR_ACT_TO_TBL,
      flags: 0,
      src: hex("0a 01 00 05"),
      table: 1000,
    });
  });
  it("decodes marks, ports and interfaces", () => {
    const rule = ruleMessage.parse(capture("route/captures/rule-v6"));
    const { table, priority, iifname, fwmark, fwmask, ipProto, dportRange, unknown } = rule;
    deepEqual(
      { table, priority, iifname, fwmark, fwmask, ipProto, dportRange, unknown },
      {
        table: 1001,
        priority: 77,
        iifname: "eth0",
        fwmark: 0x10,
        fwmask: 0xff,
        ipProto: 6,
        dportRange: { start: 80, end: 90 },
        unknown: undefined,
      },
    );
  });
  it("encodes what it decoded to the same bytes", () => {
    reencodes(ruleMessage, capture("route/captures/rule-v4"));
    reencodes(ruleMessage, capture("route/captures/rule-v6"));
  });
  it("encodes what ip orders otherwise to the same values", () => {
    reencodesInTableOrder(ruleMessage, capture("route/captures/rule-add"));
    reencodesInTableOrder(ruleMessage, capture("route/captures/rule-add-long"));
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(ruleMessage, capture("route/captures/rule-v4"), [12, 20, 28, 33, 34, 35, 36, 44]);
  });
  it("refuses half a range of ports", () => {
    const bad = hex("02 00 00 00 00 00 00 01 00 00 00 00  06 00 18 00 50 00 00 00");
    equal(
      refusal(() => ruleMessage.parse(bad)),
      "decode rule.dportRange at byte 16: want 4 bytes, got 2",
    );
  });
});

describe("newRule, deleteRule, getRule", () => {
  it("are what the kernel calls them", () => {
    deepEqual(
      [newRule, deleteRule, getRule].map(({ type, flags }) => [type, flags]),
      [
        [32, 0x601],
        [33, 0x001],
        [34, 0x001],
      ],
    );
  });
});
