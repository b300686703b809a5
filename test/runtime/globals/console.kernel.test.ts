import { deepEqual } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { build, removeFolders, run } from "../program.ts";

describeKernel("console", () => {
  after(removeFolders);

  it("writes one line to stderr for each call", () => {
    const source =
      'globalThis.main = () => { console.error("a", 1, null); console.warn("ä"); console.log(); };';
    const ran = run(build(source));
    deepEqual([ran.stdout, ran.stderr], ["", "a 1 null\n\xc3\xa4\n\n"]);
  });
  it("gives back bytes that are not UTF-8", () => {
    deepEqual(
      run(build('globalThis.main = () => console.log("\\udcff", "\\ud800");')).stderr,
      "\xff \xef\xbf\xbd\n",
    );
  });
});
