import { equal, ok } from "node:assert/strict";
import fc from "fast-check";

import { specVersions } from "../../../core/cni/versions.ts";
import { staticIpam } from "../../../ipam/static/plugin.ts";
import { callPlugin } from "../../run-plugin.ts";

const plain = { cniVersion: "1.1.0", name: "net1", type: "static" };
const runs = { numRuns: 300 };
const specCodes = [1, 2, 3, 4, 5, 6, 7, 8, 11, 50, 51];

/** Any JSON value, with the keys that results and configurations have among its own. */
const keys =
  "ips interfaces routes dns ip4 address gateway interface dst gw cniVersion ipam type args cni";
const anyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      null,
      true,
      0,
      -1,
      1.5,
      99,
      "",
      "x",
      "10.0.0.1/24",
      "fd00::1",
      "1.1.0",
      "0.2.0",
    ),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keys.split(" "), "__proto__", "z"), tie("value"), {
      maxKeys: 4,
    }),
  ),
})).value;

describe("any configuration", () => {
  it("gives ADD a result or an error object", () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(...specVersions), (value, cniVersion) => {
        const more = typeof value === "object" && value !== null ? value : { ipam: value };
        const { status, json, stderr } = callPlugin(staticIpam, {
          stdin: JSON.stringify({ ...plain, ...more, cniVersion, name: "net1" }),
        });
        equal(status === 0, json.code === undefined);
        ok(status === 0 || specCodes.includes(json.code), JSON.stringify(json));
        ok(!stderr.includes("    at "), stderr);
      }),
      runs,
    );
  });

  it("lets DEL succeed", () => {
    fc.assert(
      fc.property(anyJson, anyJson, (prevResult, ipam) => {
        const stdin = JSON.stringify({
          ...plain,
          prevResult,
          ipam,
          args: ipam,
          runtimeConfig: ipam,
        });
        const { status, stdout } = callPlugin(staticIpam, { command: "DEL", stdin });
        equal(`${status}${stdout}`, "0");
      }),
      runs,
    );
  });

  it("gives ADD an error object for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (stdin) => {
        ok([6, 7].includes(callPlugin(staticIpam, { stdin }).json.code));
      }),
      runs,
    );
  });

  it("gives ADD an error object for a configuration with one byte changed, or a result", () => {
    const good = Buffer.from(
      JSON.stringify({ ...plain, ipam: { addresses: [{ address: "10.0.0.2/24" }] } }),
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const stdin = Uint8Array.from(good);
        stdin[at] = byte;
        const { status, json } = callPlugin(staticIpam, { stdin });
        ok(status === 0 || specCodes.includes(json.code), JSON.stringify(json));
      }),
      { numRuns: 1000 },
    );
  });
});
