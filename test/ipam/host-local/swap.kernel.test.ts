/**
 * Our ledger, while the reference's host-local and the built one take turns on one directory; `conformance/cases/swap/` asks the rest.
 */
import { deepEqual, equal } from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { Network, reference } from "./network.ts";

const range = { ranges: [[{ subnet: "10.0.0.0/29" }]] };
const theirs = reference ?? "";

describeKernel("host-local and the reference's in turns", () => {
  let sandbox: Sandbox;
  let network: Network;

  before(function () {
    if (reference === undefined) this.skip();
    sandbox = Sandbox.create();
  });
  beforeEach(() => {
    network = new Network(sandbox, mkdtempSync(join(sandbox.scratch, "data-")), range);
  });
  after(() => sandbox?.dispose());

  it("leaves the ledger alone through the reference's DEL of every container", () => {
    for (const id of ["a", "b"]) network.add({ id });
    const before = network.read(".netloom-ledger");
    for (const id of ["a", "b", "netloom", "1", "+", "="]) network.call("DEL", { id, bin: theirs });
    equal(network.read(".netloom-ledger"), before);
    deepEqual(network.reservations(), {});
  });

  describe("over a reboot", () => {
    function reboot(number: number): void {
      const file = join(sandbox.scratch, "boot");
      sandbox.ok(["tee", file], { input: `00000000-0000-0000-0000-00000000000${number}\n` });
      if (number === 1) sandbox.ok(["mount", "--bind", file, "/proc/sys/kernel/random/boot_id"]);
    }

    it("frees ours, keeps what the reference made since, and what it made is freed one boot later", () => {
      reboot(1);
      network.add({ id: "ours" });
      network.add({ id: "theirs-seen", bin: theirs });
      network.add({ id: "ours-too" });
      reboot(2);
      network.add({ id: "theirs-new", bin: theirs });
      deepEqual(network.add({ id: "next" }), ["10.0.0.6"]);
      deepEqual(network.reservations(), {
        "10.0.0.5": "theirs-new\r\neth0",
        "10.0.0.6": "next\r\neth0",
      });
      reboot(3);
      deepEqual(network.add({ id: "last" }), ["10.0.0.2"]);
      deepEqual(network.reservations(), { "10.0.0.2": "last\r\neth0" });
    });
  });
});
