import { deepEqual, equal, throws } from "node:assert/strict";
import { Frames } from "netlink-ts/netlink/frame.ts";
import { hex } from "netlink-ts/testing/hex.ts";

const two = hex(`
  11 00 00 00  14 00 02 00  05 00 00 00  07 00 00 00  aa 00 00 00   # 17 bytes, padded
  10 00 00 00  03 00 02 00  05 00 00 00  07 00 00 00`);

describe("Frames", () => {
  it("gives the messages of a datagram one after another", () => {
    const frames = new Frames(two);
    equal(frames.next(), true);
    const { type, flags, sequence, portId, start } = frames;
    deepEqual(
      { type, flags, sequence, portId, start },
      { type: 20, flags: 2, sequence: 5, portId: 7, start: 0 },
    );
    deepEqual(frames.reader.slice(), hex("aa"));
    equal(frames.next(), true);
    equal(frames.type, 3);
    equal(frames.reader.left, 0);
    equal(frames.next(), false);
  });
  it("takes a last message without padding", () => {
    const frames = new Frames(two.subarray(0, 17));
    equal(frames.next(), true);
    equal(frames.next(), false);
  });
  it("refuses half a header", () => {
    const frames = new Frames(two.subarray(0, 24));
    frames.next();
    throws(() => frames.next(), { message: "decode at byte 20: want 16 bytes, got 4" });
  });
  it("refuses a length under the header's", () => {
    const bad = two.slice();
    bad[0] = 15;
    throws(() => new Frames(bad).next(), {
      message: "decode nlmsghdr at byte 0: want a message length of 16 to 36, got 15",
    });
  });
});
