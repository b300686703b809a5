import { equal } from "node:assert/strict";
import { repeatedKey } from "../../../core/cni/json-duplicates.ts";

describe("repeatedKey", () => {
  const places = ["sysctl", "args.cni.sysctl"];
  // [text, the key that stands twice]
  const rows: [string, string | undefined][] = [
    ["{}", undefined],
    ['{"sysctl":{"a":"1","b":"a"}}', undefined],
    ['{"sysctl":{"a":"1","b":"2","a":"3"}}', "a"],
    ['{"SysCtl":{"a":"1",\n "\\u0061":"3"}}', "a"],
    ['{"args":{"cni":{"sysctl":{"x":"a\\",\\"x","y":"{","x":""}}}}', "x"],
    ['{"a":1,"a":2}', undefined],
    ['{"x":[{"sysctl":{"a":"1","a":"3"}}]}', undefined],
    ['{"x":{"sysctl":{"a":"1","a":"3"}},"y":["a","a"]}', undefined],
    ['{"sysctl":{"o":{"a":1,"a":2},"p":[{"a":1},{"a":2}]}}', undefined],
    ['{"y":[],"sysctl":{"a":[1,2],"a":{}}}', "a"],
  ];
  for (const [text, key] of rows) {
    it(`${key === undefined ? "finds nothing" : `finds "${key}"`} in ${JSON.stringify(text)}`, () => {
      JSON.parse(text);
      equal(repeatedKey(text, places), key);
    });
  }
});
