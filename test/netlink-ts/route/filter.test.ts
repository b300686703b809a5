import { deepEqual, equal, throws } from "node:assert/strict";
import { mirredOf, TC_ACT_OK, TC_ACT_STOLEN, TCA_EGRESS_REDIR } from "netlink-ts/route/action.ts";
import {
  deleteFilter,
  ETH_P_ALL,
  ETH_P_IPV6,
  filterInfo,
  filterMessage,
  getFilter,
  newFilter,
  parseFilterInfo,
  u32Options,
} from "netlink-ts/route/filter.ts";
import { TC_U32_TERMINAL } from "netlink-ts/route/filter-kinds/u32.ts";
import { handleOf } from "netlink-ts/route/traffic-control.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, reencodesInTableOrder, refusal, truncates } from "../capture.ts";

const parsed = (name: string) => filterMessage.parse(capture(`route/captures/${name}`));
const options = (name: string) => u32Options(parsed(name));
/** tcmsg of link 3 and TCA_KIND "u32". */
const start = `
  00 00 00 00  03 00 00 00  00 08 00 80  00 00 ff ff  00 03 01 00
  08 00 01 00  75 33 32 00`;

describe("filterMessage", () => {
  it("decodes a redirection", () => {
    const { selector, classId, actions = [] } = options("filter-redirect") ?? {};
    deepEqual(selector?.keys, [{ mask: 0, value: 0, offset: 0, offsetMask: 0 }]);
    deepEqual([selector?.flags, classId], [TC_U32_TERMINAL, handleOf(1, 1)]);
    deepEqual(
      actions.map(mirredOf).map((each) => [each?.action, each?.eaction, each?.ifindex]),
      [[TC_ACT_STOLEN, TCA_EGRESS_REDIR, 4]],
    );
  });
  it("decodes the words of an address that are compared", () => {
    const { selector, classId } = options("filter-u32") ?? {};
    deepEqual(selector?.keys, [
      { mask: 0xffff_ffff, value: 0xfd00_0db8, offset: 24, offsetMask: 0 },
      { mask: 0xffff_ffff, value: 0xabcd_1234, offset: 28, offsetMask: 0 },
      { mask: 0xf000_0000, value: 0xe000_0000, offset: 32, offsetMask: 0 },
    ]);
    equal(classId, handleOf(1, 0x30));
  });
  it("decodes a table of filters", () => {
    deepEqual(options("filter-u32-table"), { divisor: 1 });
  });
  it("encodes what it decoded to the same bytes", () => {
    for (const name of ["filter-redirect", "filter-u32", "filter-u32-table", "filter-delete"])
      reencodes(filterMessage, capture(`route/captures/${name}`));
  });
  it("encodes what tc orders otherwise to the same values", () => {
    reencodesInTableOrder(filterMessage, capture("route/captures/filter-add-u32"));
    reencodesInTableOrder(filterMessage, capture("route/captures/filter-add-redirect"));
  });
  it("numbers actions by their places", () => {
    const twice = [TC_ACT_STOLEN, TC_ACT_OK].map((action) => ({
      kind: "mirred",
      options: { parms: { ...mirredOf(options("filter-redirect")!.actions![0]!)!, action } },
    }));
    const bytes = filterMessage.encode({ kind: "u32", options: { actions: twice } });
    const { actions = [] } = u32Options(filterMessage.parse(bytes)) ?? {};
    deepEqual(
      actions.map((each) => mirredOf(each)?.action),
      [TC_ACT_STOLEN, TC_ACT_OK],
    );
    deepEqual(actionTypes(bytes), [1, 2]);
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(filterMessage, capture("route/captures/filter-u32"), [20, 28, 36]);
  });
  it("refuses a selector that has other keys than it counts", () => {
    const bad = hex(`${start}
      18 00 02 00  14 00 05 00  01 00 01 00  00 00 00 00  00 00 00 00  00 00 00 00`);
    equal(
      refusal(() => filterMessage.parse(bad)),
      "decode filter.options.selector at byte 36: want 16 bytes for 1 keys, got 0",
    );
  });
  it("refuses actions that are not numbered", () => {
    const bad = hex(`${start}  0c 00 02 00  08 00 07 00  04 00 02 00`);
    equal(
      refusal(() => filterMessage.parse(bad)),
      "decode filter.options.actions.0 at byte 36: want list item of type 1, got 2",
    );
  });
  it("names a key that does not fit", () => {
    const selector = { keys: [{ mask: 0 }, { mask: -1 }] };
    throws(() => filterMessage.encode({ kind: "u32", options: { selector } as never }), {
      name: "RangeError",
      message: "encode filter.options.selector.keys.1.mask: want 0 to 4294967295, got -1",
    });
  });
  it("refuses more keys than the kernel counts", () => {
    const selector = { keys: Array.from({ length: 256 }, () => ({ mask: 0 })) };
    throws(() => filterMessage.encode({ kind: "u32", options: { selector } as never }), {
      message: "encode filter.options.selector: want at most 255 keys, got 256",
    });
  });
});

/** Types of the items of TCA_U32_ACT, which is all that the message holds behind its kind. */
function actionTypes(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const types: number[] = [];
  for (let at = 36; at < bytes.length; at += view.getUint16(at, true)) {
    types.push(view.getUint16(at + 2, true));
  }
  return types;
}

describe("filterInfo, parseFilterInfo", () => {
  it("hold priority and protocol as tc sends them", () => {
    equal(filterInfo(1, ETH_P_ALL), parsed("filter-redirect").info);
    deepEqual(parseFilterInfo(parsed("filter-u32").info), { priority: 15, protocol: ETH_P_IPV6 });
  });
});

describe("newFilter, deleteFilter, getFilter", () => {
  it("are what the kernel calls them", () => {
    deepEqual(
      [newFilter, deleteFilter, getFilter].map(({ type, flags }) => [type, flags]),
      [
        [44, 0x601],
        [45, 0x001],
        [46, 0x001],
      ],
    );
  });
});
