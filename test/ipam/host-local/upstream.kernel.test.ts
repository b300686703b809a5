/**
 * What upstream's own tests pin, asked of the built program: U-100 to U-134 of the checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { Network, type NetworkCall } from "./network.ts";

const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const dual = {
  ranges: [[{ subnet: "10.1.2.0/24" }, { subnet: "10.2.2.0/24" }], [{ subnet: "2001:db8:1::/64" }]],
};
const small = { ranges: [[{ subnet: "192.168.1.0/29" }]] };
const set = (...subnets: string[]) => subnets.map((subnet) => ({ subnet }));

describeKernel("the built host-local", () => {
  let sandbox: Sandbox;
  const newNetwork = (ipam: object) =>
    new Network(sandbox, mkdtempSync(join(sandbox.scratch, "data-")), ipam);

  before(() => {
    sandbox = Sandbox.create();
  });
  after(() => sandbox?.dispose());

  describe("in every version of the spec", () => {
    const routes = [
      { dst: "0.0.0.0/0" },
      { dst: "::/0" },
      { dst: "192.168.0.0/16", gw: "1.1.1.1" },
      { dst: "2001:db8:2::0/64", gw: "2001:db8:3::1" },
    ];

    for (const cniVersion of versions) {
      it(`gives one address a range set in ${cniVersion} (U-100, U-101)`, () => {
        const resolvConf = join(sandbox.scratch, "resolv.conf");
        writeFileSync(resolvConf, "nameserver 192.0.2.3\n");
        const network = newNetwork({ ...dual, routes, resolvConf });
        const { json, stderr } = network.ok("ADD", { id: "dummy", cniVersion });
        const [v4, v6] = json.ips ?? [json.ip4, json.ip6];
        equal(v4.address ?? v4.ip, "10.1.2.2/24");
        equal(v4.gateway, "10.1.2.1");
        equal(v6.address ?? v6.ip, "2001:db8:1::2/64");
        equal(v6.gateway, "2001:db8:1::1");
        deepEqual(
          [v4.version, v6.version],
          /^0\.[34]/.test(cniVersion) ? ["4", "6"] : [undefined, undefined],
        );
        const dsts = (json.routes ?? [...v4.routes, ...v6.routes]).map(
          ({ dst }: { dst: string }) => dst,
        );
        deepEqual(dsts.sort(), ["0.0.0.0/0", "192.168.0.0/16", "2001:db8:2::/64", "::/0"]);
        deepEqual(json.dns.nameservers, ["192.0.2.3"]);
        equal(stderr, "");
        deepEqual(network.reservations(), {
          "10.1.2.2": "dummy\r\neth0",
          "2001:db8:1::2": "dummy\r\neth0",
        });
        equal(network.read("last_reserved_ip.0"), "10.1.2.2");
        equal(network.read("last_reserved_ip.1"), "2001:db8:1::2");
        deepEqual(
          ["10.1.2.2", "last_reserved_ip.0", "lock"].map((name) => network.mode(name)),
          ["600", "600", "750"],
        );
        equal(network.ok("DEL", { id: "dummy", cniVersion }).stdout, "");
        deepEqual(network.reservations(), {});
      });
    }
  });

  it("keeps two interfaces on two networks apart (U-102)", () => {
    const network = newNetwork(small);
    network.ok("ADD");
    network.ok("ADD", { ifname: "eth1", config: { name: "other" } });
    network.ok("DEL");
    deepEqual(network.reservations(), {});
    const other = new Network(sandbox, network.dataDir, small);
    equal(other.call("CHECK", { ifname: "eth1", config: { name: "other" } }).status, 0);
  });

  it("refuses a container twice and gives the next address to another one (U-103)", () => {
    const network = newNetwork(small);
    deepEqual(network.add(), ["192.168.1.2"]);
    match(
      network.failure("ADD"),
      /192\.168\.1\.2 has been allocated to c1, duplicate allocation is not allowed$/,
    );
    deepEqual(network.add({ id: "c2" }), ["192.168.1.3"]);
    match(network.failure("ADD"), /duplicate allocation is not allowed$/);
    network.ok("DEL");
    deepEqual(network.reservations(), { "192.168.1.3": "c2\r\neth0" });
  });

  for (const [what, content] of [
    ["the id alone (U-104)", "c1"],
    ["blanks and a line's end (U-106)", "c1\r\neth0 \n"],
    ["a lone LF (ROB-036)", " c1\neth0"],
  ] as const) {
    it(`frees a reservation whose file was rewritten to ${what}`, () => {
      const network = newNetwork(small);
      network.add();
      network.write("192.168.1.2", content);
      network.ok("CHECK");
      network.ok("DEL");
      deepEqual(network.reservations(), {});
    });
  }

  it("takes DEL for an unknown container and an unknown network (U-105, ROB-024)", () => {
    const network = newNetwork(small);
    equal(network.ok("DEL").stdout, "");
    network.add({ id: "c2" });
    network.ok("DEL");
    equal(Object.keys(network.reservations()).length, 1);
  });

  it("says nothing on the first use of an empty directory (U-107)", () => {
    equal(newNetwork(small).ok("ADD").stderr, "");
  });

  describe("with requested addresses", () => {
    const cni = (...ips: string[]) => ({ args: { cni: { ips } } });

    it("gives exactly the one of args.cni.ips (U-108)", () => {
      deepEqual(newNetwork(dual).add({ config: cni("10.1.2.88") })[0], "10.1.2.88");
    });

    it("gives one in each set, in the order of the sets (U-109)", () => {
      const network = newNetwork({ ranges: [set("10.1.2.0/24"), set("10.1.3.0/24")] });
      deepEqual(network.add({ config: cni("10.1.3.77", "10.1.2.88") }), ["10.1.2.88", "10.1.3.77"]);
      match(
        network.failure("ADD", {
          id: "c2",
          cniVersion: "0.2.0",
          config: cni("10.1.3.77", "10.1.2.88"),
        }),
        /CNI version 0\.2\.0 does not support more than 1 address per family/,
      );
    });

    it("finds them in any range of a set and in both families (U-110)", () => {
      const network = newNetwork({
        ranges: [set("172.16.1.0/24", "10.1.2.0/24"), set("2001:db8:1::/48")],
      });
      deepEqual(network.add({ config: cni("10.1.2.88", "2001:db8:1::999") }), [
        "10.1.2.88",
        "2001:db8:1::999",
      ]);
    });

    it("reserves nothing when not all can be had (U-111)", () => {
      const network = newNetwork({ ranges: [set("10.1.2.0/24"), set("10.1.3.0/24")] });
      match(
        network.failure("ADD", { config: cni("10.1.2.88", "10.1.2.77") }),
        /^failed to allocate all requested IPs: 10\.1\.2\./,
      );
      deepEqual(network.reservations(), {});
    });

    it("refuses one that is taken (U-117)", () => {
      const network = newNetwork(small);
      network.add({ args: "IP=192.168.1.5" });
      const { json } = network.call("ADD", { id: "c2", args: "IP=192.168.1.5" });
      match(
        json.msg,
        /requested IP address 192\.168\.1\.5 is not available in range set 192\.168\.1\.1-192\.168\.1\.6$/,
      );
      match(json.details, /192\.168\.1\.5 is held by container "c1", interface "eth0", for \d+ s/);
    });

    for (const [what, ip] of [
      ["behind the end", "192.168.1.6"],
      ["before the start", "192.168.1.2"],
    ] as const) {
      it(`refuses one ${what} (U-118)`, () => {
        const bounded = {
          subnet: "192.168.1.0/29",
          rangeStart: "192.168.1.3",
          rangeEnd: "192.168.1.5",
        };
        const network = newNetwork({ ranges: [[bounded]] });
        equal(
          network.failure("ADD", { args: `IP=${ip}` }),
          `failed to allocate all requested IPs: ${ip}`,
        );
      });
    }

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

    it("reads CNI_ARGS IP with and without prefix (U-123)", () => {
      const network = newNetwork(dual);
      equal(network.add({ args: "IgnoreUnknown=1;IP=10.1.2.10;K8S_POD_NAME=x" })[0], "10.1.2.10");
      equal(network.add({ id: "c2", args: "IP=10.1.2.11/24" })[0], "10.1.2.11");
      deepEqual(network.add({ id: "c3", args: "IP=" })[0], "10.1.2.12");
      match(
        network.failure("ADD", { id: "c4", args: "IP=10.1.2.300" }),
        /^ARGS: error parsing value of pair "IP=10\.1\.2\.300": invalid IP address 10\.1\.2\.300/,
      );
      match(network.failure("ADD", { id: "c4", args: "MAC=x" }), /unknown args \["MAC=x"\]/);
      equal(network.call("ADD", { id: "c5", args: "MAC=x;IgnoreUnknown=true" }).status, 0);
    });

    it("adds up those of all sources (U-124, U-125)", () => {
      const network = newNetwork({
        ranges: [set("10.1.2.0/24"), set("10.1.3.0/24"), set("10.1.4.0/24"), set("2001:db8::/64")],
      });
      const config = {
        ...cni("10.1.2.11/24", "10.1.3.12"),
        runtimeConfig: { ips: ["2001:db8::7/64"] },
      };
      deepEqual(network.add({ args: "IP=10.1.4.13", config }), [
        "10.1.2.11",
        "10.1.3.12",
        "10.1.4.13",
        "2001:db8::7",
      ]);
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

  describe("goes round", () => {
    const roundRobin: [string, string[], string | undefined, string][] = [
      ["fresh", [], undefined, "192.168.1.2"],
      ["the first taken", ["192.168.1.2"], undefined, "192.168.1.3"],
      ["after the last", [], "192.168.1.5", "192.168.1.6"],
      ["over taken ones", ["192.168.1.4", "192.168.1.5"], "192.168.1.3", "192.168.1.6"],
      ["over the end", ["192.168.1.6"], "192.168.1.5", "192.168.1.2"],
      ["from the start when the last lies outside", [], "10.9.9.9", "192.168.1.2"],
      [
        "to the last itself",
        ["192.168.1.2", "192.168.1.3", "192.168.1.4", "192.168.1.6"],
        "192.168.1.5",
        "192.168.1.5",
      ],
      ["from the start when the last is empty (ROB-014)", [], "", "192.168.1.2"],
      ["from the start when the last is garbage (ROB-014)", [], "192.168.1.3\n\0x", "192.168.1.2"],
    ];
    for (const [what, taken, last, expected] of roundRobin) {
      it(`${what} (U-112)`, () => {
        const network = newNetwork(small);
        for (const ip of taken) network.write(ip, "x\r\neth0");
        if (last !== undefined) network.write("last_reserved_ip.0", last);
        deepEqual(network.add(), [expected]);
        equal(network.read("last_reserved_ip.0"), expected);
      });
    }

    it("in a /30 with one address and in IPv6 (U-113)", () => {
      deepEqual(newNetwork({ ranges: [set("10.0.0.0/30"), set("2001:db8:1::/64")] }).add(), [
        "10.0.0.2",
        "2001:db8:1::2",
      ]);
    });

    it("over the ranges of a set (U-114, U-120)", () => {
      const network = newNetwork({ ranges: [set("10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30")] });
      const given = ["a", "b", "c"].map((id) => network.add({ id })[0]);
      deepEqual(given, ["10.0.0.2", "10.0.1.2", "10.0.2.2"]);
      network.ok("DEL", { id: "a" });
      deepEqual(network.add({ id: "d" }), ["10.0.0.2"]);
    });

    it("never to the gateway or the broadcast address (U-115, U-119)", () => {
      const network = newNetwork(small);
      const given = ["a", "b", "c", "d", "e"].map((id) => network.add({ id })[0]);
      deepEqual(given, ["192.168.1.2", "192.168.1.3", "192.168.1.4", "192.168.1.5", "192.168.1.6"]);
      const { json } = network.call("ADD", { id: "f" });
      match(json.msg, /no IP addresses available in range set: 192\.168\.1\.1-192\.168\.1\.6$/);
      match(json.details, /^5 addresses: 5 reserved by 5 containers/);
    });

    it("to the next address after a release (U-116)", () => {
      const network = newNetwork(small);
      network.add();
      network.ok("DEL");
      deepEqual(network.add(), ["192.168.1.3"]);
    });
  });

  describe("reads its configuration", () => {
    it("with the old range beside ipam's other keys (U-121)", () => {
      const network = newNetwork({
        subnet: "10.1.2.0/24",
        rangeStart: "10.1.2.9",
        rangeEnd: "10.1.2.20",
        gateway: "10.1.2.30",
      });
      const { json } = network.ok("ADD");
      deepEqual(json.ips, [{ address: "10.1.2.9/24", gateway: "10.1.2.30" }]);
      for (let index = 2; index <= 12; index++) network.add({ id: `c${index}` });
      match(
        network.failure("ADD", { id: "c13" }),
        /no IP addresses available in range set: 10\.1\.2\.9-10\.1\.2\.20$/,
      );
    });

    it("from all three places, in upstream's order (U-122, CONV-002, CONV-031)", () => {
      const network = newNetwork({ subnet: "10.1.2.0/24", ranges: [set("10.1.3.0/24")] });
      const config = { runtimeConfig: { ipRanges: [set("10.1.4.0/24")] } };
      deepEqual(network.add({ config }), ["10.1.4.2", "10.1.2.2", "10.1.3.2"]);
    });

    it("with empty texts as unset, null as absent, and keys in any case", () => {
      const network = newNetwork({
        Ranges: [[{ Subnet: "10.1.2.0/24", rangeStart: "", gateway: null }]],
      });
      deepEqual(network.add(), ["10.1.2.2"]);
    });

    it("as one v4 and one v6 set in 0.2.0, and no more (U-127)", () => {
      equal(newNetwork(dual).call("ADD", { cniVersion: "0.2.0" }).status, 0);
      const two = newNetwork({ ranges: [set("10.1.2.0/24"), set("10.1.3.0/24")] });
      equal(
        two.failure("ADD", { cniVersion: "0.2.0" }),
        "CNI version 0.2.0 does not support more than 1 address per family",
      );
    });

    it("with one subnet in two disjoint parts (U-132)", () => {
      const part = (rangeStart: string, rangeEnd: string) => [
        { subnet: "10.1.2.0/24", rangeStart, rangeEnd },
      ];
      const disjoint = newNetwork({
        ranges: [part("10.1.2.10", "10.1.2.20"), part("10.1.2.21", "10.1.2.30")],
      });
      deepEqual(disjoint.add(), ["10.1.2.10", "10.1.2.21"]);
      const shared = newNetwork({
        ranges: [part("10.1.2.10", "10.1.2.20"), part("10.1.2.20", "10.1.2.30")],
      });
      equal(shared.failure("ADD"), "range set 0 overlaps with 1");
      equal(newNetwork({ ranges: [set("0.0.0.0/24"), set("::/24")] }).call("ADD").status, 0);
    });

    const refused: [string, object, string | RegExp][] = [
      [
        "overlapping sets (U-126)",
        { ranges: [set("10.1.0.0/16"), set("10.1.2.0/24")] },
        "range set 0 overlaps with 1",
      ],
      [
        "overlapping ranges (U-126)",
        { ranges: [set("10.1.2.0/24", "10.1.2.128/25")] },
        "invalid range set 0: subnets 10.1.2.1-10.1.2.254 and 10.1.2.129-10.1.2.254 overlap",
      ],
      [
        "mixed families (U-126)",
        { ranges: [set("10.1.2.0/24", "2001:db8::/64")] },
        "invalid range set 0: mixed address families",
      ],
      ["an empty set", { ranges: [[]] }, "invalid range set 0: empty range set"],
      [
        "host bits (U-128)",
        { subnet: "192.0.2.12/24" },
        "invalid range set 0: Network has host bits set. For a subnet mask of length 24 the network address is 192.0.2.0",
      ],
      [
        "IPv6 host bits (U-128)",
        { ranges: [set("10.9.9.0/24"), set("2001:DB8:1::24:19ff/64")] },
        "invalid range set 1: Network has host bits set. For a subnet mask of length 64 the network address is 2001:db8:1::",
      ],
      [
        "a /31 (U-129)",
        { subnet: "10.1.2.2/31" },
        "invalid range set 0: Network 10.1.2.2/31 too small to allocate from",
      ],
      [
        "a /32 (U-129)",
        { subnet: "10.1.2.2/32" },
        "invalid range set 0: Network 10.1.2.2/32 too small to allocate from",
      ],
      [
        "a start outside (U-130)",
        { subnet: "10.1.2.0/24", rangeStart: "10.1.3.5" },
        "invalid range set 0: RangeStart 10.1.3.5 not in network 10.1.2.0/24",
      ],
      [
        "an end outside (U-130)",
        { subnet: "10.1.2.0/24", rangeEnd: "10.1.3.5" },
        "invalid range set 0: RangeEnd 10.1.3.5 not in network 10.1.2.0/24",
      ],
      [
        "a start after the end (U-130)",
        { subnet: "10.1.2.0/24", rangeStart: "10.1.2.20", rangeEnd: "10.1.2.10" },
        "invalid range set 0: RangeStart 10.1.2.20 not in network 10.1.2.0/24",
      ],
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

    it("and refuses a configuration without ipam", () => {
      equal(
        newNetwork(small).failure("ADD", { config: { ipam: null } }),
        "IPAM config missing 'ipam' key",
      );
    });

    it("with its resolv.conf (U-133)", () => {
      const resolvConf = join(sandbox.scratch, "many.conf");
      writeFileSync(
        resolvConf,
        "; c\n# c\nnameserver\t192.0.2.1\nnameserver 2001:db8::1\ndomain example.com\nsearch a b\nsearch c\noptions x\noptions y:2 z\n",
      );
      deepEqual(newNetwork({ ...small, resolvConf }).ok("ADD").json.dns, {
        nameservers: ["192.0.2.1", "2001:db8::1"],
        domain: "example.com",
        search: ["a", "b", "c"],
        options: ["x", "y:2", "z"],
      });
    });

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

  it("uses /var/lib/cni/networks without dataDir (ROB-013)", () => {
    const network = new Network(sandbox, "/var/lib/cni/networks", small);
    sandbox.cni(network.request("ADD", { ipam: { dataDir: "" } }));
    equal(sandbox.ok(["cat", "/var/lib/cni/networks/mynet/192.168.1.2"]), "c1\r\neth0");
    equal(sandbox.ok(["stat", "-c%a", "/var/lib/cni/networks/mynet"]).trim(), "755");
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
    equal(
      network.ok("GC", {
        config: { "cni.dev/attachments": [{ containerID: "c1", ifname: "eth0" }] },
      }).stdout,
      "",
    );
    equal(Object.keys(network.reservations()).length, 1);
    network.ok("GC", { config: { "cni.dev/valid-attachments": [] } });
    deepEqual(network.reservations(), {});
    network.ok("STATUS");
    match(network.failure("CHECK"), /Failed to find address/);
  });
});
