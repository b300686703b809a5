import { deepEqual, equal } from "node:assert/strict";
import { Batch } from "netlink-ts/netlink/batch.ts";
import { messageType, request } from "netlink-ts/netlink/request.ts";
import { formatHex } from "netlink-ts/testing/hex.ts";
import { attributes } from "netlink-ts/wire/attributes.ts";
import { message } from "netlink-ts/wire/message.ts";
import { string, u8 } from "netlink-ts/wire/scalars.ts";
import { struct } from "netlink-ts/wire/struct.ts";

const probe = message("probe", struct({ family: u8 }), attributes({ name: [1, string] }));
const make = request(messageType("MAKE", 0x20), 0x400, probe);

describe("Batch", () => {
  it("puts requests one after another, numbered when stamped", () => {
    const batch = new Batch().add(make, { family: 2 }).add(make, { name: "abcde" });
    equal(
      formatHex(batch.stamp(9, 1, 4)),
      [
        "14 00 00 00  20 00 01 04  09 00 00 00  00 00 00 00",
        "02 00 00 00  20 00 00 00  20 00 05 04  0a 00 00 00",
        "00 00 00 00  00 00 00 00  09 00 01 00  61 62 63 64",
        "65 00 00 00",
      ].join("\n"),
    );
  });
  it("appends another batch, which stays as it is", () => {
    const first = new Batch().add(make, { family: 1 });
    const second = new Batch().add(make, { family: 2 }).add(make, { family: 3 });
    first.append(second);
    equal(first.count, 3);
    equal(first.byteLength, 60);
    deepEqual(first.frame(2).subarray(16), new Uint8Array([3, 0, 0, 0]));
    equal(second.count, 2);
    equal(second.byteLength, 40);
  });
  it("is empty after clear", () => {
    const batch = new Batch().add(make, { family: 255 }).clear().add(make, {});
    equal(batch.count, 1);
    deepEqual(batch.frame(0).subarray(16), new Uint8Array(4));
  });
  it("wraps sequence numbers at 2^32", () => {
    const batch = new Batch().add(make, {}).add(make, {});
    batch.stamp(0xffffffff, -1, 0);
    deepEqual(batch.frame(1).subarray(8, 12), new Uint8Array(4));
  });
});
