/**
 * VLANs of containers' ports, on a kernel that has them. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, layer2, link, pings, refused, succeed } from "./network.ts";
import { isFiltering, native, vlansOf } from "./port-vlans.ts";

const trunk = [{ id: 101 }, { minID: 200, maxID: 210 }];

/** ADD. @returns the name of the container's port */
function portOf(sandbox: Sandbox, keys: Config, containerId = "c1"): string {
  const netns = sandbox.pod(containerId);
  return add(sandbox, layer2(keys), { netns, containerId }).interfaces[1].name;
}

/** Gives a container an address by hand. */
function address(sandbox: Sandbox, containerId: string, cidr: string, dev = "eth0"): void {
  const netns = `/run/netns/${containerId}`;
  sandbox.ok(["ip", "address", "add", cidr, "dev", dev], { netns });
}

describe("bridge ADD with VLANs", () => {
  const ports: [string, Config, string[]][] = [
    [
      "U-012: vlan beside the default one",
      { vlan: 100, preserveDefaultVlan: true },
      ["1 Egress Untagged", `100 ${native}`],
    ],
    ["U-013: vlan alone", { vlan: 100, preserveDefaultVlan: false }, [`100 ${native}`]],
    ["U-013: vlan alone is the default", { vlan: 100 }, [`100 ${native}`]],
    [
      "U-014: vlanTrunk, VLAN 1 for packets without a tag",
      { vlanTrunk: trunk },
      [`1 ${native}`, "101", "200-210"],
    ],
    [
      "U-015: vlanTrunk and vlan",
      { vlan: 100, vlanTrunk: trunk },
      [`100 ${native}`, "101", "200-210"],
    ],
    [
      "U-015: vlanTrunk, vlan and the default one",
      { vlan: 100, vlanTrunk: trunk, preserveDefaultVlan: true },
      ["1 Egress Untagged", `100 ${native}`, "101", "200-210"],
    ],
    [
      "vlan inside of a range of vlanTrunk",
      { vlan: 205, vlanTrunk: trunk },
      ["101", "200-204", `205 ${native}`, "206-210"],
    ],
    ["U-020: an empty vlanTrunk, the bridge's default", { vlanTrunk: [] }, [`1 ${native}`]],
    ["the last VLAN", { vlan: 4094 }, [`4094 ${native}`]],
    ["vlan 1", { vlan: 1 }, [`1 ${native}`]],
    ["every VLAN", { vlanTrunk: [{ minID: 1, maxID: 4094 }] }, [`1 ${native}`, "2-4094"]],
  ];
  for (const [what, keys, vlans] of ports) {
    it(`gives the port ${what}`, () => {
      using sandbox = Sandbox.create();
      const port = portOf(sandbox, keys);
      deepEqual(vlansOf(sandbox, port), vlans);
      ok(isFiltering(sandbox));
    });
  }

  it("gives the port 2047 VLANs that are no range, and CHECK finds them", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const ids = Array.from({ length: 2047 }, (_, index) => ({ id: 2 * index + 2 }));
    const config = layer2({ vlanTrunk: ids });
    const prevResult = add(sandbox, config, { netns });
    equal(vlansOf(sandbox, prevResult.interfaces[1].name).length, 2048);
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });

  it("U-018, U-019: leaves VLAN filtering off without VLANs, vlan 0 included", () => {
    using sandbox = Sandbox.create();
    portOf(sandbox, { vlan: 0 });
    ok(!isFiltering(sandbox));
  });

  it("turns VLAN filtering on for a bridge that is there, and says so", () => {
    using sandbox = Sandbox.create();
    const first = portOf(sandbox, {}, "a");
    ok(!isFiltering(sandbox));
    const config = layer2({ vlan: 100 });
    const { stderr } = succeed(sandbox, {
      command: "ADD",
      config,
      netns: sandbox.pod("b"),
      containerId: "b",
    });
    match(stderr, /turns VLAN filtering on for bridge "bridge0"/);
    ok(isFiltering(sandbox));
    deepEqual(vlansOf(sandbox, first), [`1 ${native}`]);
  });

  for (const [pvid, left] of [
    [0, []],
    [7, []],
  ] as const) {
    it(`takes away the default VLAN that the bridge gives, ${pvid} for instance`, () => {
      using sandbox = Sandbox.create();
      const made = ["type", "bridge", "vlan_filtering", "1", "vlan_default_pvid", String(pvid)];
      sandbox.ok(["ip", "link", "add", "bridge0", ...made]);
      deepEqual(vlansOf(sandbox, portOf(sandbox, { vlan: 100 })), [...left, `100 ${native}`]);
    });
  }

  it("keeps containers of different VLANs apart, and those of one together", () => {
    using sandbox = Sandbox.create();
    for (const [id, vlan] of [
      ["a", 100],
      ["b", 100],
      ["c", 200],
    ] as const) {
      portOf(sandbox, { vlan }, id);
      address(sandbox, id, `10.9.0.${id.charCodeAt(0)}/24`);
    }
    ok(pings(sandbox, "10.9.0.98", "/run/netns/a"));
    ok(!pings(sandbox, "10.9.0.99", "/run/netns/a"));
  });

  for (const macspoofchk of [false, true]) {
    it(`lets tagged packets of vlanTrunk through, macspoofchk ${macspoofchk}`, () => {
      using sandbox = Sandbox.create();
      portOf(sandbox, { vlan: 100 }, "a");
      address(sandbox, "a", "10.9.0.1/24");
      portOf(sandbox, { vlanTrunk: trunk, macspoofchk }, "b");
      portOf(sandbox, { vlanTrunk: [{ minID: 99, maxID: 101 }], macspoofchk }, "c");
      for (const id of ["b", "c"]) {
        const netns = `/run/netns/${id}`;
        sandbox.ok(["ip", "link", "add", "link", "eth0", "tagged", "type", "vlan", "id", "100"], {
          netns,
        });
        sandbox.ok(["ip", "link", "set", "tagged", "up"], { netns });
        address(sandbox, id, `10.9.0.${id.charCodeAt(0)}/24`, "tagged");
      }
      ok(!pings(sandbox, "10.9.0.98", "/run/netns/a"), "b is not in VLAN 100");
      ok(pings(sandbox, "10.9.0.99", "/run/netns/a"), "c is");
    });
  }

  it("U-040: keeps isolated containers of a VLAN apart", () => {
    using sandbox = Sandbox.create();
    for (const [id, portIsolation] of [
      ["a", true],
      ["b", true],
      ["c", false],
    ] as const) {
      portOf(sandbox, { vlan: 100, portIsolation }, id);
      address(sandbox, id, `10.9.0.${id.charCodeAt(0)}/24`);
    }
    ok(!pings(sandbox, "10.9.0.98", "/run/netns/a"));
    ok(pings(sandbox, "10.9.0.99", "/run/netns/a"));
  });

  it("U-005: DEL takes the port away and leaves the bridge", () => {
    using sandbox = Sandbox.create();
    const config = layer2({ vlan: 100 });
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    for (let time = 0; time < 2; time++) succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(
      sandbox.ipJson("link").map(({ ifname }) => ifname),
      ["lo", "bridge0"],
    );
  });
});

describe("bridge CHECK with VLANs", () => {
  const config = layer2({ vlan: 100, vlanTrunk: trunk });

  it("U-036: is content after ADD, with a VLAN more too", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    sandbox.ok(["bridge", "vlan", "add", "dev", prevResult.interfaces[1].name, "vid", "300"]);
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });

  const damages: [string, string, RegExp][] = [
    ["the access VLAN", "bridge vlan del dev $HOST vid 100", /not in VLAN 100 pvid untagged/],
    ["a VLAN of the trunk", "bridge vlan del dev $HOST vid 205", /not in VLAN 205/],
    [
      "another access VLAN",
      "bridge vlan add dev $HOST vid 300 pvid untagged",
      /not in VLAN 100 pvid/,
    ],
    ["VLAN filtering", "ip link set bridge0 type bridge vlan_filtering 0", /bridge0.*VLAN/],
  ];
  for (const [what, command, wanted] of damages) {
    it(`SPEC-066: notices ${what}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      sandbox.ok(command.replace("$HOST", prevResult.interfaces[1].name).split(" "));
      const error = refused(sandbox, {
        command: "CHECK",
        config: { ...config, prevResult },
        netns,
      });
      match(`${error.msg} ${error.details}`, wanted);
      equal(link(sandbox, "eth0", netns).linkinfo.info_kind, "veth");
    });
  }
});
