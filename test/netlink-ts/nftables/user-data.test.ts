import { deepEqual, equal, throws } from "node:assert/strict";
import {
  commentOf,
  commentUserData,
  joinUserData,
  userData,
} from "netlink-ts/nftables/user-data.ts";

describe("commentUserData", () => {
  it("is a triple whose length counts the closing NUL", () => {
    deepEqual([...commentUserData("ab")], [0, 3, 0x61, 0x62, 0]);
  });

  it("takes 252 bytes and no more, since the kernel drops what is longer in silence", () => {
    equal(commentUserData("x".repeat(252)).length, 255);
    throws(() => commentUserData("x".repeat(253)), /want a comment of at most 252 bytes, got 253/);
  });
});

describe("commentOf", () => {
  it("finds the comment among other triples", () => {
    const data = joinUserData(userData(5, new Uint8Array(3)), commentUserData("net/c1:eth0"));
    equal(commentOf(data), "net/c1:eth0");
  });

  it("reads one without a closing NUL", () => {
    equal(commentOf(new Uint8Array([0, 2, 0x61, 0x62])), "ab");
  });

  it("steps over what is damaged", () => {
    for (const bytes of [[], [0], [0, 9, 0x61], [5, 200, 0]]) {
      equal(commentOf(new Uint8Array(bytes)), undefined);
    }
    equal(commentOf(undefined), undefined);
  });
});
