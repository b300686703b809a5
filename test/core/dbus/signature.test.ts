import { deepEqual, equal, throws } from "node:assert/strict";
import { parseSignature } from "../../../core/dbus/signature.ts";

describe("parseSignature", () => {
  it("tells each type with what it holds", () => {
    const s = { code: "s", inner: [] };
    const v = { code: "v", inner: [] };
    deepEqual(parseSignature("s"), [s]);
    deepEqual(parseSignature("a{sv}(ss)"), [
      { code: "a", inner: [{ code: "{", inner: [s, v] }] },
      { code: "(", inner: [s, s] },
    ]);
    deepEqual(parseSignature(""), []);
    equal(parseSignature(`${"a".repeat(60)}y`).length, 1);
  });

  const refused: [string, RegExp][] = [
    ["z", /^decode signature at byte 0: want a type, got "z"$/],
    ["a", /byte 1: want a type, got "the end"/],
    ["(s", /want a type/],
    ["()", /want at least one field/],
    ["{ss}", /want a type, got "\{"/],
    ["a{s}", /want a key of a basic type and a value/],
    ["a{vs}", /want a key of a basic type and a value/],
    ["a{sss}", /want a key of a basic type and a value/],
    ["s)", /want a type, got "\)"/],
    [`${"a".repeat(100)}y`, /want at most 64 types in each other/],
    ["s".repeat(256), /want at most 255 letters/],
  ];
  for (const [text, message] of refused) {
    it(`refuses "${text.slice(0, 12)}"`, () => {
      throws(() => parseSignature(text), { name: "DecodeError", message });
    });
  }
});
