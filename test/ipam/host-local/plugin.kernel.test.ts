/**
 * The built host-local where it says or does more than others: `conformance/cases/upstream/` asks what is common.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { Network, type NetworkCall } from "./network.ts";

const dual = { ranges: [[{ subnet: "10.1.2.0/24" }], [{ subnet: "2001:db8:1::/64" }]] };
const small = { ranges: [[{ subnet: "192.168.1.0/29" }]] };
const set = (...subnets: string[]) => subnets.map((subnet) => ({ subnet }));
const cni = (...ips: string[]) => ({ args: { cni: { ips } } });

describeKernel("the built host-local", () => {
  let sandbox: Sandbox;
  const newNetwork = (ipam: object) =>
    new Network(sandbox, mkdtempSync(join(sandbox.scratch, "data-")), ipam);

  before(() => {
    sandbox = Sandbox.create();
  });
  after(() => sandbox?.dispose());

  it("makes its files with upstream's modes", () => {
    const network = newNetwork(small);
    network.add();
    const modes = ["192.168.1.2", "last_reserved_ip.0", "lock"].map((name) => network.mode(name));
    deepEqual(modes, ["600", "600", "750"]);
  });

  it("uses /var/lib/cni/networks without dataDir (ROB-013)", () => {
    const network = new Network(sandbox, "/var/lib/cni/networks", small);
    sandbox.cni(network.request("ADD", { ipam: { dataDir: "" } }));
    equal(sandbox.ok(["cat", "/var/lib/cni/networks/mynet/192.168.1.2"]), "c1\r\neth0");
    equal(sandbox.ok(["stat", "-c%a", "/var/lib/cni/networks/mynet"]).trim(), "755");
  });

  describe("with requested addresses", () => {
    it("says who holds one that is taken", () => {
      const network = newNetwork(small);
      network.add({ args: "IP=192.168.1.5" });
      const { json } = network.call("ADD", { id: "c2", args: "IP=192.168.1.5" });
      match(json.details, /192\.168\.1\.5 is held by container "c1", interface "eth0", for \d+ s/);
    });

    it("refuses the gateway, the network's and the broadcast address", () => {
      const wide = { subnet: "10.0.0.0/29", rangeStart: "10.0.0.0", rangeEnd: "10.0.0.7" };
      const network = newNetwork({ ranges: [[wide]] });
      match(
        network.failure("ADD", { args: "IP=10.0.0.1" }),
        /requested ip 10\.0\.0\.1 is subnet's gateway$/,
      );
      match(network.failure("ADD", { args: "IP=10.0.0.0" }), /is subnet's network address$/);
      match(network.failure("ADD", { args: "IP=10.0.0.7" }), /is subnet's broadcast address$/);
    });

    it("reads CNI_ARGS with an empty IP as none, and refuses unknown keys", () => {
      const network = newNetwork(dual);
      deepEqual(network.add({ args: "IP=" })[0], "10.1.2.2");
      match(
        network.failure("ADD", { id: "c4", args: "IP=10.1.2.300" }),
        /^ARGS: error parsing value of pair "IP=10\.1\.2\.300": invalid IP address 10\.1\.2\.300/,
      );
      match(network.failure("ADD", { id: "c4", args: "MAC=x" }), /unknown args \["MAC=x"\]/);
      equal(network.call("ADD", { id: "c5", args: "MAC=x;IgnoreUnknown=true" }).status, 0);
    });

    it("lets args beat CNI_ARGS, and the runtime's configuration beat both (CONV-016)", () => {
      const network = newNetwork(small);
      const first = network.ok("ADD", { args: "IP=192.168.1.4", config: cni("192.168.1.5") });
      equal(first.json.ips[0].address, "192.168.1.5/29");
      match(
        first.stderr,
        /"CNI_ARGS IP" 192\.168\.1\.4 gives way to "args\.cni\.ips" 192\.168\.1\.5/,
      );
      const config = { ...cni("192.168.1.4"), runtimeConfig: { ips: ["192.168.1.6"] } };
      deepEqual(network.add({ id: "c2", config }), ["192.168.1.6"]);
    });

    it("takes one address that two sources name for one request", () => {
      const config = { ...cni("192.168.1.5"), runtimeConfig: { ips: ["192.168.1.5/29"] } };
      const done = newNetwork(small).ok("ADD", { args: "IP=192.168.1.5", config });
      equal(done.json.ips[0].address, "192.168.1.5/29");
      equal(done.stderr, "");
    });

    for (const ip of ["10.1.2", "x", "10.1.2.3/33", "10.1.02.3"]) {
      it(`refuses "${ip}" by its key`, () => {
        match(newNetwork(dual).failure("ADD", { config: cni(ip) }), /"args\.cni\.ips\[0\]"/);
      });
    }
  });

  it("counts a full range set", () => {
    const network = newNetwork(small);
    for (const id of ["a", "b", "c", "d", "e"]) network.add({ id });
    const { json } = network.call("ADD", { id: "f" });
    match(json.msg, /no IP addresses available in range set: 192\.168\.1\.1-192\.168\.1\.6$/);
    match(json.details, /^5 addresses: 5 reserved by 5 containers/);
  });

  describe("reads its configuration", () => {
    it("with empty texts as unset, null as absent, and keys in any case", () => {
      const network = newNetwork({
        Ranges: [[{ Subnet: "10.1.2.0/24", rangeStart: "", gateway: null }]],
      });
      deepEqual(network.add(), ["10.1.2.2"]);
    });

    const refused: [string, object, string | RegExp][] = [
      ["host bits", { subnet: "192.0.2.12/24" }, /^invalid range set 0: Network has host bits set/],
      ["an empty set", { ranges: [[]] }, "invalid range set 0: empty range set"],
      ["no range at all", {}, "no IP ranges specified"],
      [
        "no subnet in a range",
        { ranges: [[{ rangeStart: "10.1.2.3" }]] },
        /"ipam\.ranges\[0\]\[0\]\.subnet" is missing/,
      ],
      ["an octal subnet", { subnet: "010.1.2.0/24" }, /"ipam\.subnet".*"010\.1\.2\.0\/24"/],
      [
        "a gateway that is none",
        { subnet: "10.1.2.0/24", gateway: "10.1.2" },
        /"ipam\.gateway".*"10\.1\.2"/,
      ],
      [
        "a resolvConf that is not there",
        { ...small, resolvConf: "/none" },
        '"ipam.resolvConf" names no file: "/none"',
      ],
    ];
    for (const [what, ipam, message] of refused) {
      it(`and refuses ${what} with code 6 or 7, before anything is made`, () => {
        const network = newNetwork(ipam);
        const { json } = network.call("ADD");
        if (typeof message === "string") equal(json.msg, message);
        else match(json.msg, message);
        ok([6, 7].includes(json.code), `code ${json.code}`);
        deepEqual(network.reservations(), {});
      });
    }

    const changed: [string, NetworkCall][] = [
      ["other ranges", { ipam: { ranges: [set("10.77.0.0/24")] } }],
      ["bad ranges", { ipam: { ranges: [set("10.77.0.5/31")] } }],
      ["no ranges", { ipam: { ranges: null } }],
      ["a wrong type", { ipam: { ranges: "x" } }],
      ["bad CNI_ARGS", { args: "IP=x;y" }],
    ];
    for (const [what, call] of changed) {
      it(`and DEL works with ${what} (SPEC-058, SPEC-100)`, () => {
        const network = newNetwork(small);
        network.add();
        network.ok("DEL", call);
        deepEqual(network.reservations(), {});
      });
    }
  });

  it("checks, collects and tells its state (SPEC-067, SPEC-074, SPEC-079 to SPEC-087)", () => {
    const network = newNetwork({ subnet: "10.0.0.0/30" });
    network.ok("STATUS");
    network.ok("ADD");
    network.ok("CHECK");
    const full = network.call("STATUS");
    equal(full.json.code, 50);
    match(full.json.details, /^1 addresses: 1 reserved by 1 containers/);
    match(
      network.failure("CHECK", { id: "c2" }),
      /^host-local: Failed to find address added by container c2/,
    );
    equal(network.ok("GC").stdout, "");
    const noList = { "cni.dev/attachments": [{ containerID: "c1", ifname: "eth0" }] };
    equal(network.ok("GC", { config: noList }).stdout, "");
    equal(Object.keys(network.reservations()).length, 1);
    network.ok("GC", { config: { "cni.dev/valid-attachments": [] } });
    deepEqual(network.reservations(), {});
    network.ok("STATUS");
    match(network.failure("CHECK"), /Failed to find address/);
  });
});
