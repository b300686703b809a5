/**
 * sbr: a table for each address, and a rule that leads there (checklist 6.16).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { Routed, type RoutedLink } from "./routed.ts";

const eth0: RoutedLink = {
  name: "eth0",
  addresses: ["10.0.0.2/24"],
  routes: ["10.2.0.0/24 via 10.0.0.5", "default via 10.0.0.1"],
};
const net1: RoutedLink = {
  name: "net1",
  addresses: ["192.168.1.209/24"],
  routes: ["192.168.2.0/24 via 192.168.1.2"],
};
const dual: RoutedLink = {
  ...net1,
  addresses: ["192.168.1.209/24", "fd00::209/64"],
};
const first = { address: "192.168.1.209/24", gateway: "192.168.1.1" };
const second = { address: "192.168.101.209/24", gateway: "192.168.101.1" };
const sixth = { address: "fd00::209/64", gateway: "fd00::5" };
const rule = (table: number, source = "192.168.1.209") => `from ${source} lookup ${table}`;

function inContainer(
  lines: Case["lines"],
  fact: string,
  links: readonly RoutedLink[],
  run: (container: Routed, trial: Trial) => void,
): Case {
  return {
    lines,
    program: "sbr",
    version: "0.3.0",
    fact,
    run: (trial) => run(new Routed(trial, "sbr", links), trial),
  };
}

const moved: Case[] = [
  inContainer(["U-188"], "moves the routes to a table", [eth0, net1], (container, trial) => {
    const others = container.routes("eth0");
    const before = container.routes("net1");
    const config = container.config([first]);
    deepEqual(trial.ok(container.call("ADD", config)).ips, container.told(config).ips);
    deepEqual(container.rules(), [rule(100)]);
    deepEqual(
      container.routes("net1"),
      [...before.map((row) => row.replace("main", "100")), "100 default via 192.168.1.1"].sort(),
    );
    deepEqual(container.routes("eth0"), others);
    trial.ok(container.call("DEL", { ...config, prevResult: undefined }));
    deepEqual(container.rules(), []);
    deepEqual(container.routes("eth0"), others);
  }),
  inContainer(
    ["U-189"],
    "moves a default route that is there",
    [
      { ...eth0, routes: [] },
      { ...net1, routes: [...net1.routes, "default via 192.168.1.1"] },
    ],
    (container, trial) => {
      const others = container.routes("eth0");
      const before = container.routes("net1");
      trial.ok(container.call("ADD", container.config([first])));
      deepEqual(container.rules(), [rule(100)]);
      deepEqual(container.routes("net1"), before.map((row) => row.replace("main", "100")).sort());
      deepEqual(container.routes("eth0"), others);
    },
  ),
  inContainer(
    ["U-190"],
    "gives each address a table",
    [eth0, { ...net1, addresses: [...net1.addresses, "192.168.101.209/24"] }],
    (container, trial) => {
      trial.ok(container.call("ADD", container.config([first, second])));
      deepEqual(container.rules(), [rule(101, "192.168.101.209"), rule(100)]);
      deepEqual(container.routes("net1"), [
        "100 192.168.1.0/24 src 192.168.1.209",
        "100 192.168.2.0/24 via 192.168.1.2",
        "100 default via 192.168.1.1",
        "100 fe80::/64",
        "101 192.168.101.0/24 src 192.168.101.209",
        "101 default via 192.168.101.1",
        "101 fe80::/64",
      ]);
    },
  ),
  inContainer(
    ["U-190"],
    "takes the next table that no rule leads to",
    [eth0, net1],
    (container, trial) => {
      const { netns } = container;
      for (const table of [100, 102]) {
        trial.run(`ip rule add from 10.9.9.9 lookup ${table}`, { netns });
      }
      trial.ok(container.call("ADD", container.config([first])));
      equal(container.rules()[0], rule(101));
    },
  ),
];

const others: Case[] = [
  inContainer(["U-191"], "is called as a chained plugin", [net1], (container, trial) => {
    if (!trial.versions.includes("0.2.0")) trial.skip("the program does not list 0.2.0");
    const config = { cniVersion: "0.2.0", name: "test", type: "sbr", anotherAwesomeArg: "foo" };
    const { msg } = trial.fails(container.call("ADD", config));
    match(msg, /must be called as chained plugin/);
  }),
  inContainer(
    ["U-192"],
    "with a table adds rules alone",
    [eth0, { ...net1, addresses: [...net1.addresses, "192.168.101.209/24"] }],
    (container, trial) => {
      const before = [...container.routes("net1"), ...container.routes("eth0")];
      const config = { ...container.config([first, second]), table: 5000 };
      trial.ok(container.call("ADD", config));
      deepEqual([...container.routes("net1"), ...container.routes("eth0")], before);
      deepEqual(container.rules(), [rule(5000, "192.168.101.209"), rule(5000)]);
      trial.ok(container.call("DEL", config));
      deepEqual(container.rules(), []);
    },
  ),
];

/** Keys that came after 1.9.1. */
const gateways: [list: string[], wanted: string[]][] = [
  [["192.168.1.254"], ["100 default via 192.168.1.254", "101 default via fd00::5"]],
  [["fd00::1"], ["100 default via 192.168.1.1", "101 default via fd00::1"]],
  [
    ["192.168.1.254", "fd00::1"],
    ["100 default via 192.168.1.254", "101 default via fd00::1"],
  ],
];
const refused: [list: string[], says: RegExp][] = [
  [["192.168.1.254", "192.168.1.253"], /multiple IPv4 addresses/],
  [["fd00::1", "fd00::2"], /multiple IPv6 addresses/],
  [["192.168.1.254", "fd00::1", "fd00::2"], /cannot contain more than 2 entries/],
  [["192.168.1.300"], /invalid static gateway IP address: 192\.168\.1\.300/],
];
const later: Case[] = [
  ...gateways.map(([list, wanted]) =>
    inContainer(
      ["U-193"],
      `leads to ${list.join(" and ")} in the place of what the result says`,
      [eth0, dual],
      (container, trial) => {
        const config = { ...container.config([first, sixth]), gateways: list };
        trial.ok(container.call("ADD", config));
        deepEqual(
          container.routes("net1").filter((row) => row.includes("default")),
          wanted,
        );
      },
    ),
  ),
  ...refused.map(([list, says]) =>
    inContainer(["U-194"], `refuses the gateways ${list}`, [net1], (container, trial) => {
      const { netns } = container;
      const config = { ...container.config([first]), gateways: list };
      trial.unchanged(() => trial.fails(container.call("ADD", config), undefined, says), netns);
    }),
  ),
  inContainer(
    ["U-195"],
    "leaves a source hint in the main table",
    [eth0, net1],
    (container, trial) => {
      const config = { ...container.config([first]), addSourceHints: true };
      trial.ok(container.call("ADD", config));
      const rows = container.routes("net1").filter((row) => !row.includes("fe80"));
      deepEqual(rows, [
        "100 192.168.1.0/24 src 192.168.1.209",
        "100 192.168.2.0/24 via 192.168.1.2",
        "100 default via 192.168.1.1",
        "main 192.168.1.0/24 src 192.168.1.209",
      ]);
      ok(
        trial
          .run("ip route show 192.168.1.0/24 dev net1", { netns: container.netns })
          .includes("scope link"),
      );
    },
  ),
];

export const cases: readonly Case[] = [...moved, ...others, ...later];
