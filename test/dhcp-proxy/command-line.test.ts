import { deepEqual, equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FlagError } from "../../core/daemon/flags.ts";
import { readCommandLine } from "../../dhcp-proxy/command-line.ts";
import { root } from "../../scripts/place.ts";

describe("readCommandLine", () => {
  it("has the reference's defaults", () => {
    deepEqual(readCommandLine([]), {
      pidfile: "",
      hostPrefix: "",
      socketPath: "/run/cni/dhcp.sock",
      broadcast: false,
      timeoutMs: 10_000,
      resendMaxMs: 62_000,
      resendTimeoutMs: 208_000,
      probeMs: 200,
    });
  });

  it("takes all of the reference's flags", () => {
    const words = "-pidfile /p --hostprefix=/h -socketpath /s -broadcast -timeout 2s -resendmax 8s";
    const { socketPath, broadcast, resendTimeoutMs } = readCommandLine([
      ...words.split(" "),
      "--resendtimeout",
      "10s",
    ]);
    deepEqual([socketPath, broadcast, resendTimeoutMs], ["/s", true, 10_000]);
  });

  it("has the flags that the README lists", () => {
    const text = readFileSync(join(root, "dhcp-proxy", "README.md"), "utf8");
    const documented = [...text.matchAll(/^\| `-(\w+)`/gm)].map(([, name]) => name).sort();
    let usage = "";
    try {
      readCommandLine(["-h"]);
    } catch (error) {
      if (error instanceof FlagError) usage = error.text;
    }
    equal(documented.join(), [...usage.matchAll(/^ {2}-(\w+)/gm)].map(([, name]) => name).join());
  });
});
