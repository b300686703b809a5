/**
 * Many calls of the built host-local at once, and many reservations.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../../kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../../kernel/sandbox.ts";
import { addressesOf, Network, type NetworkCall } from "./network.ts";

const range = { ranges: [[{ subnet: "10.0.0.0/16" }], [{ subnet: "2001:db8::/64" }]] };
const ids = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`);

describeKernel("host-local at once", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let network: Network;

  before(() => {
    sandbox = Sandbox.create();
  });
  beforeEach(() => {
    network = new Network(sandbox, mkdtempSync(join(sandbox.scratch, "data-")), range);
  });
  after(() => sandbox?.dispose());

  const atOnce = (command: string, calls: NetworkCall[]) =>
    sandbox.cniAtOnce(calls.map((call) => network.request(command, call)));

  for (const count of [20, 64]) {
    it(`gives ${count} first ADDs addresses of their own, and takes them back (SPEC-096, ROB-006)`, async () => {
      const done = await atOnce(
        "ADD",
        ids(count).map((id) => ({ id })),
      );
      deepEqual(
        done.filter(({ status }) => status !== 0),
        [],
      );
      equal(new Set(done.flatMap(addressesOf)).size, 2 * count);
      equal(Object.keys(network.reservations()).length, 2 * count);
      const gone = await atOnce(
        "DEL",
        ids(count).map((id) => ({ id })),
      );
      deepEqual(
        gone.filter(({ status }) => status !== 0),
        [],
      );
      deepEqual(network.reservations(), {});
    });
  }

  it("lets one of 12 ADDs of one attachment through (ROB-007)", async () => {
    const done = await atOnce(
      "ADD",
      ids(12).map(() => ({ id: "same" })),
    );
    equal(done.filter(({ status }) => status === 0).length, 1);
    for (const { json } of done.filter(({ status }) => status !== 0)) {
      match(json.msg, /duplicate allocation is not allowed$/);
    }
    equal(Object.keys(network.reservations()).length, 2);
    await atOnce(
      "DEL",
      ids(6).map(() => ({ id: "same" })),
    );
    deepEqual(network.reservations(), {});
  });

  it("mixes ADD, DEL, CHECK, STATUS and GC without harm (ROB-045, ROB-052)", async () => {
    await atOnce(
      "ADD",
      ids(10).map((id) => ({ id })),
    );
    const valid = {
      config: {
        "cni.dev/valid-attachments": ids(30).map((containerID) => ({
          containerID,
          ifname: "eth0",
        })),
      },
    };
    const calls = [
      ...ids(5).map((id) => network.request("DEL", { id })),
      ...ids(30)
        .slice(10)
        .map((id) => network.request("ADD", { id })),
      ...ids(10)
        .slice(5)
        .map((id) => network.request("CHECK", { id })),
      ...ids(5).map(() => network.request("STATUS")),
      ...ids(5).map(() => network.request("GC", valid)),
    ];
    const done = await sandbox.cniAtOnce(calls);
    deepEqual(
      done.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
      [],
    );
    equal(new Set(Object.values(network.reservations())).size, 25);
    equal(Object.keys(network.reservations()).length, 50);
  });

  describe("with 10000 reservations", () => {
    function fill(count: number): void {
      mkdirSync(network.directory, { recursive: true });
      for (let index = 0; index < count; index++) {
        const ip = `10.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
        writeFileSync(join(network.directory, ip), `x${index}\r\neth0`);
      }
    }

    it("collects all but the valid one within seconds (ROB-058)", () => {
      fill(10_000);
      const started = Date.now();
      const { peakKib } = network.ok("GC", {
        config: { "cni.dev/valid-attachments": [{ containerID: "x77", ifname: "eth0" }] },
      });
      const seconds = (Date.now() - started) / 1000;
      ok(seconds < 20, `${seconds} s`);
      ok(peakKib < 64 * 1024, `${peakKib} KiB`);
      deepEqual(Object.values(network.reservations()), ["x77\r\neth0"]);
    });

    it("reads no file of another's on the second ADD, DEL and CHECK", () => {
      fill(1000);
      network.ok("ADD", { id: "first" });
      const trace = join(sandbox.scratch, "trace");
      for (const command of ["ADD", "CHECK", "DEL"]) {
        const { config } = network.request(command);
        const env = {
          CNI_COMMAND: command,
          CNI_CONTAINERID: "c1",
          CNI_IFNAME: "eth0",
          CNI_NETNS: "/none",
          CNI_PATH: "/x",
        };
        sandbox.ok(["strace", "-o", trace, join(builtPrograms, "host-local")], {
          env,
          input: JSON.stringify(config),
        });
        const calls = sandbox.ok(["cat", trace]).trim().split("\n").length;
        ok(calls < 90, `${command}: ${calls} system calls`);
      }
    });
  });
});
