import { deepEqual, equal } from "node:assert/strict";
import { formatOwner, ownerOf, parseOwner } from "../../../core/state/reservation-owner.ts";

describe("formatOwner", () => {
  it("is upstream's content", () => {
    equal(formatOwner({ containerId: "dummy", ifname: "eth0" }), "dummy\r\neth0");
  });
});

describe("parseOwner", () => {
  const read: [string, string, object][] = [
    ["upstream's content", "dummy\r\neth0", { containerId: "dummy", ifname: "eth0" }],
    ["a lone LF", "dummy\neth0", { containerId: "dummy", ifname: "eth0" }],
    [
      "blanks and line ends around it",
      " dummy \r\n eth0 \n\n",
      { containerId: "dummy", ifname: "eth0" },
    ],
    ["the id of an old release", "dummy", { containerId: "dummy" }],
    ["that with a line's end", "dummy\r\n", { containerId: "dummy" }],
  ];
  for (const [what, content, owner] of read) {
    it(`reads ${what}`, () => deepEqual(parseOwner(content), owner));
  }

  for (const content of [
    "",
    " \r\n ",
    "a b",
    "a\r\neth0\r\nmore",
    "a\r\neth 0",
    "\0\0\0\0",
    "\r\neth0x y",
  ]) {
    it(`knows nobody in ${JSON.stringify(content)}`, () => equal(parseOwner(content), undefined));
  }
});

describe("ownerOf", () => {
  it("is what the file will say, also for a name that is no UTF-8", () => {
    const owner = ownerOf({ network: "n", containerId: "c", ifname: "e\udc80" });
    deepEqual(
      parseOwner(new TextDecoder().decode(new TextEncoder().encode(formatOwner(owner)))),
      owner,
    );
  });
});
