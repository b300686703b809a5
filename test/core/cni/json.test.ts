import { deepEqual, equal, throws } from "node:assert/strict";

import { parseJson } from "../../../core/cni/json.ts";
import { locateMistake } from "../../../core/cni/json-scan.ts";

const parse = (text: string) => parseJson(new TextEncoder().encode(text), "x");

describe("parseJson", () => {
  const good = [
    "null",
    ' {"a": [1, -0.5e3, true, "\\u00e9\\n", {}, []]} \n',
    '{"a":1,"a":2}',
    '"\\ud800"',
    '"a\\\\"',
  ];
  for (const text of good) {
    it(`reads ${text.trim()}`, () => deepEqual(parse(text), JSON.parse(text)));
  }

  // [text, what the message says behind "decode x: "]
  const bad: [string, string][] = [
    ["", "line 1, column 1: want a value, got the end of the document"],
    [" \n ", "line 2, column 2: want a value, got the end of the document"],
    ['{"a":1', 'line 1, column 7, in "a": want "," or "}", got the end of the document'],
    ['{"a":{"b":[1,}}', 'line 1, column 14, in "a.b[1]": want a value after the comma, got "}"'],
    ['{"a":1,}', 'line 1, column 8, in "a": want a key in double quotes, got "}"'],
    [
      '{\n  "mtu": 1500\n  "name": "x"\n}',
      'line 3, column 3, in "mtu": want "," or "}", got "name": "x"',
    ],
    ['{"a" 1}', 'line 1, column 6, in "a": want ":" after the key, got "1"'],
    ["{a:1}", 'line 1, column 2, in "": want a key in double quotes, got "a"'],
    ["'x'", 'line 1, column 1: want a value, got "\'"'],
    ["NaN", 'line 1, column 1: want a value, got "NaN"'],
    ["-Infinity", 'line 1, column 1: want a value, got "-Infinity"'],
    ["0x10", 'line 1, column 1: want a value, got "0x10"'],
    ["+1", 'line 1, column 1: want a value, got "+1"'],
    ["01", 'line 1, column 1: want a value, got "01"'],
    ["1.", 'line 1, column 1: want a value, got "1."'],
    ["truely", 'line 1, column 1: want a value, got "truely"'],
    ["// c\n1", "line 1, column 1: want a value, got what may be a comment; JSON has none"],
    ["\ufeff{}", "line 1, column 1: want a value, got a byte order mark"],
    [
      "{\0}",
      'line 1, column 2, in "": want a key in double quotes, got a zero byte; is this UTF-16?',
    ],
    ["{}x", 'line 1, column 3: want the end of the document, got "x"'],
    ["{}{}", 'line 1, column 3: want the end of the document, got "{"'],
    ["[1 2]", 'line 1, column 4, in "[0]": want "," or "]", got "2"'],
    ["[}", 'line 1, column 2, in "[0]": want a value, got "}"'],
    ['["a\nb"]', 'line 1, column 2, in "[0]": want a text without control characters, got "a'],
    ['["\\x"]', 'line 1, column 2, in "[0]": want a text with valid escapes, got "\\x"]'],
    ['{"a":"b', 'line 1, column 6, in "a": want a text that ends, got "b'],
  ];
  for (const [text, message] of bad) {
    it(`says where ${JSON.stringify(text)} goes wrong`, () => {
      throws(() => parse(text), { name: "CniError", code: 6, message: `decode x: ${message}` });
    });
  }

  it("refuses bytes that are not UTF-8, and says where they are", () => {
    const bytes = Uint8Array.from([0x7b, 0x0a, 0x22, 0xff, 0x22]);
    const message = "decode x: line 2, column 2: bytes that are not UTF-8";
    throws(() => parseJson(bytes, "x"), { code: 6, message });
  });

  it("reads 10,000 levels and refuses one more", () => {
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    parse(nested(10_000));
    parse(`{"a":"${"[".repeat(50_000)}"}`);
    parse(`[${"[],".repeat(20_000)}1]`);
    throws(() => parse(nested(10_001)), {
      code: 6,
      message: "decode x: nested more than 10000 deep",
    });
    throws(() => parse('{"a":'.repeat(200_000)), { code: 6 });
  });

  it("keeps the keys of Object.prototype harmless", () => {
    const value = parse('{"__proto__":{"isGateway":true}}') as { isGateway?: boolean };
    equal(value.isGateway, undefined);
    equal(({} as { isGateway?: boolean }).isGateway, undefined);
  });
});

describe("locateMistake", () => {
  const document = '{"a":[1,{"b":"c\\n"},null,-1.5e-3],"d":{"e":true}}';

  it("finds none in a JSON text", () => equal(locateMistake(document), undefined));

  it("finds one in every truncation, as the engine does", () => {
    for (let length = 0; length < document.length; length++) {
      equal(typeof locateMistake(document.slice(0, length)), "string");
    }
  });
});
