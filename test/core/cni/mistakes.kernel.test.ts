/**
 * What a built program says when it has a mistake: an error object on stdout, the sources' lines on stderr.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { bundle } from "../../../scripts/bundle.ts";
import { completeEnvironment } from "../../run-plugin.ts";
import { build, removeFolders, run } from "../../runtime/program.ts";

describe("a built program with a mistake", () => {
  let program: string;

  before(async () => {
    const folder = fileURLToPath(new URL("faulty", import.meta.url));
    const { code, lines } = await bundle({ type: "faulty", folder, kind: "plugin" } as never);
    program = build(code, lines);
  });
  after(removeFolders);

  function add(ifName: string) {
    const env = { ...completeEnvironment("ADD"), CNI_IFNAME: ifName };
    const done = run(program, { env, input: '{"cniVersion":"1.0.0","name":"a"}' });
    return { ...done, json: JSON.parse(done.stdout) };
  }

  // [interface name, msg, stderr]
  const mistakes: [string, RegExp, RegExp][] = [
    [
      "type",
      /^unexpected TypeError: /,
      /^TypeError: .*\n {4}at callNothing \(test\/core\/cni\/faulty\/main\.ts:11\)\n(.*\n)*.*core\/cni\/skeleton\.ts:\d+/,
    ],
    ["stack", /^unexpected RangeError: /, /at overflow \(test\/core\/cni\/faulty\/main\.ts:16\)/],
    ["bytes", /out of memory/, /^$|out of memory/],
    ["objects", /out of memory/, /^$|out of memory/],
    ["throw", /^just text$/, /^$/],
  ];
  for (const [ifName, msg, stderr] of mistakes) {
    it(`is clear about "${ifName}"`, () => {
      const done = add(ifName);
      deepEqual([done.status, done.signal], [1, null]);
      equal(done.json.code, 999);
      match(done.json.cniVersion, /^1\.[01]\.0$/); // without memory it is what was made beforehand
      match(done.json.msg, msg);
      match(done.stderr, stderr);
    });
  }

  it("works otherwise", () => equal(add("eth0").status, 0));
});
