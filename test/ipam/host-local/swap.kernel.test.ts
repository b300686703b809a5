/**
 * The reference's host-local and the built one take turns on one directory, as when programs are swapped on a live host.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../../kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../../kernel/sandbox.ts";
import { Network, reference } from "./network.ts";

const range = { ranges: [[{ subnet: "10.0.0.0/29" }]] };
const ours = builtPrograms;
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

  const orders: [string, string, string][] = [
    ["the reference after ours", ours, theirs],
    ["ours after the reference", theirs, ours],
  ];
  for (const [name, first, second] of orders) {
    describe(name, () => {
      it("finds the same files to the byte", () => {
        const other = new Network(sandbox, mkdtempSync(join(sandbox.scratch, "data-")), range);
        network.add({ bin: first });
        other.add({ bin: second });
        deepEqual(network.reservations(), other.reservations());
        for (const name of ["10.0.0.2", "last_reserved_ip.0", "lock"]) {
          equal(network.read(name), other.read(name));
          equal(network.mode(name), other.mode(name));
        }
      });

      it("goes on in the round and gives no address twice", () => {
        const bins = [first, second, first, second, first];
        const given = bins.map((bin, index) => network.add({ id: `c${index}`, bin })[0]);
        deepEqual(given, ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
        match(
          network.failure("ADD", { id: "x", bin: second }),
          /no IP addresses available in range set/,
        );
        match(
          network.failure("ADD", { id: "x", bin: first }),
          /no IP addresses available in range set/,
        );
      });

      it("checks and frees what the other reserved", () => {
        network.add({ bin: first });
        network.add({ id: "c2", bin: first });
        network.ok("CHECK", { bin: second });
        network.ok("DEL", { bin: second });
        match(
          network.failure("CHECK", { bin: second }),
          /Failed to find address added by container c1/,
        );
        match(
          network.failure("CHECK", { bin: first }),
          /Failed to find address added by container c1/,
        );
        deepEqual(network.reservations(), { "10.0.0.3": "c2\r\neth0" });
        deepEqual(network.add({ bin: first }), ["10.0.0.4"]);
        deepEqual(network.add({ id: "c3", bin: second }), ["10.0.0.5"]);
      });

      it("refuses a second ADD of what the other reserved", () => {
        network.add({ id: "c2", bin: second });
        network.add({ bin: first });
        match(network.failure("ADD", { bin: second }), /duplicate allocation is not allowed/);
        network.add({ id: "c3", bin: second });
        match(network.failure("ADD", { bin: second }), /duplicate allocation is not allowed/);
        match(network.failure("ADD", { bin: first }), /duplicate allocation is not allowed/);
      });
    });
  }

  it("notices an address that the reference freed and gave to another", () => {
    network.add({ id: "a" });
    network.ok("DEL", { id: "a", bin: theirs });
    network.add({ id: "b", args: "IP=10.0.0.2", bin: theirs });
    match(network.failure("ADD", { id: "b" }), /duplicate allocation is not allowed/);
    network.ok("DEL", { id: "a" });
    deepEqual(network.reservations(), { "10.0.0.2": "b\r\neth0" });
    deepEqual(network.add({ id: "a" }), ["10.0.0.3"]);
  });

  it("leaves the ledger alone through the reference's DEL of every container", () => {
    for (const id of ["a", "b"]) network.add({ id });
    const before = network.read(".netloom-ledger");
    for (const id of ["a", "b", "netloom", "1", "+", "="]) network.call("DEL", { id, bin: theirs });
    equal(network.read(".netloom-ledger"), before);
    deepEqual(network.reservations(), {});
  });

  it("holds the same lock, so 40 at once get 40 addresses", async () => {
    const wide = new Network(sandbox, network.dataDir, { ranges: [[{ subnet: "10.5.0.0/24" }]] });
    const calls = Array.from({ length: 40 }, (_, index) =>
      wide.request("ADD", { id: `c${index}`, bin: index % 2 === 0 ? ours : theirs }),
    );
    const done = await sandbox.cniAtOnce(calls);
    deepEqual(
      done.filter(({ status }) => status !== 0),
      [],
    );
    equal(new Set(done.map(({ json }) => json.ips[0].address)).size, 40);
    equal(Object.keys(wide.reservations()).length, 40);
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
