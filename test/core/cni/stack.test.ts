import { equal } from "node:assert/strict";

import { mappedStack } from "../../../core/cni/stack.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

describe("mappedStack", () => {
  const attachment = "core/a.ts:1\n:2\nplugins/b.ts:7\n\n:9\n";

  it("names the sources behind the bundle's lines", () => {
    useHost(new FakeHost({ attachment }));
    const stack =
      "    at add (main:3:10)\n    at <anonymous> (bridge.js:1)\n    at parse (native)\n" +
      "    at <input>:2:7\n    at main:2:5\n    at b (main:5:1)\n    at none (main:4:1)\n    at far (main:99:1)\n";
    const mapped =
      "    at add (plugins/b.ts:7)\n    at <anonymous> (core/a.ts:1)\n    at parse (native)\n" +
      "    at <input>:2:7\n    at core/a.ts:2\n    at b (plugins/b.ts:9)\n    at none (main:4:1)\n    at far (main:99:1)";
    equal(mappedStack(stack), mapped);
  });

  it("takes a line without a file for one of the file named last", () => {
    useHost(new FakeHost({ attachment: "core/a.ts:1\n:5\n\n:9\nplugins/b.ts:7\n" }));
    equal(mappedStack("    at add (main:4:10)"), "    at add (core/a.ts:9)");
  });

  it("leaves a trace as it is without a table", () => {
    useHost(new FakeHost());
    equal(mappedStack("    at add (main:3:10)"), "    at add (main:3:10)");
  });
});
