import { deepEqual, equal, throws } from "node:assert/strict";
import { hex } from "netlink-ts/testing/hex.ts";
import { align, Reader, Writer } from "netlink-ts/wire/cursor.ts";

describe("align", () => {
  it("rounds up to four", () => deepEqual([0, 1, 4, 5].map(align), [0, 4, 4, 8]));
});

describe("Writer", () => {
  it("grows", () => {
    const writer = new Writer(1);
    writer.put(hex("01 02 03"));
    writer.put(hex("04 05"));
    deepEqual(writer.finish(), hex("01 02 03 04 05"));
  });
  it("pads with zeroes", () => {
    const writer = new Writer();
    writer.put(hex("01"));
    writer.pad();
    deepEqual(writer.finish(), hex("01 00 00 00"));
  });
  it("is empty and zero after clear", () => {
    const writer = new Writer(4);
    writer.put(hex("ff ff ff ff"));
    writer.clear();
    writer.take(4);
    deepEqual(writer.written(), hex("00 00 00 00"));
  });
});

describe("Reader", () => {
  it("reads within its window", () => {
    const reader = new Reader(hex("01 02 03 04"), 1, 3);
    deepEqual(reader.slice(), hex("02 03"));
    equal(reader.left, 0);
  });
  it("refuses to read past it", () => {
    throws(() => new Reader(hex("01 02 03 04"), 1, 3).take(3), {
      name: "DecodeError",
      message: "decode at byte 1: want 3 bytes, got 2",
    });
  });
  it("reads views of a larger buffer", () => {
    deepEqual(new Reader(hex("01 02 03 04").subarray(2)).view.getUint8(0), 3);
  });
});
