import { equal } from "node:assert/strict";
import { errnoName, errnoText } from "netlink-ts/netlink/errno.ts";

describe("errnoName", () => {
  it("names what the kernel returns", () => equal(errnoName(17), "EEXIST"));
  it("names ENOTSUPP, which is none of the C library's", () => equal(errnoName(524), "ENOTSUPP"));
  it("numbers what has no name", () => equal(errnoName(999), "E999"));
});

describe("errnoText", () => {
  it("says what it means", () => equal(errnoText(101), "network is unreachable"));
  it("says so when nobody knows", () => equal(errnoText(999), "unknown error"));
});
