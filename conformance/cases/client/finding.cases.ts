/**
 * Which configuration a client takes, and how it reads it (checklist 3.2).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import { type Client, clientCase } from "./client.ts";

const list = (types: readonly string[], change: object = {}) => ({
  cniVersion: "1.1.0",
  name: "net1",
  plugins: types.map((type) => ({ type })),
  ...change,
});

/** Files, and the programs that ADD of `net1` executes. */
const orders: readonly [what: string, files: Record<string, unknown>, types: string[]][] = [
  [
    "the first list of that name",
    { "20.conflist": list(["b"]), "10.conflist": list(["a"]) },
    ["a"],
  ],
  [
    "a list of that name behind another",
    { "10.conflist": list(["a"], { name: "other" }), "20.conflist": list(["b"]) },
    ["b"],
  ],
  [
    "a list, not a configuration before it",
    { "01.conf": { cniVersion: "1.1.0", name: "net1", type: "a" }, "90.conflist": list(["b"]) },
    ["b"],
  ],
  [
    "the first configuration, whether .conf or .json",
    {
      "20.conf": { cniVersion: "1.1.0", name: "net1", type: "b" },
      "10.json": { cniVersion: "1.1.0", name: "net1", type: "a" },
    },
    ["a"],
  ],
  [
    "no other endings and no folders",
    {
      "01.conflist.bak": list(["b"]),
      "02.txt": list(["b"]),
      "03.conflist/04.conflist": list(["b"]),
      "50.conflist": list(["a"]),
    },
    ["a"],
  ],
];

function refused(what: string, content: unknown, says: RegExp, lines: Case["lines"]): Case {
  return clientCase(lines, `refuses ${what}`, (client) => {
    client.file("10.conflist", content);
    client.fails("add", says);
    deepEqual(client.log(), []);
  });
}

const badLists: readonly [what: string, content: unknown, says: RegExp][] = [
  ["a list that is none", "[]", /pars|unmarshal/],
  ["a list whose name is a number", list(["a"], { name: 5 }), /name/],
  ["a list without a name", list(["a"], { name: undefined }), /name/],
  ["a version that is a number", list(["a"], { cniVersion: 1 }), /cniVersion/],
  ["programs that are no list", list(["a"], { plugins: {} }), /plugins/],
  ["a program without a type", list([], { plugins: [{}] }), /type/],
  ["a program with an empty type", list([], { plugins: [{ type: "" }] }), /type/],
  [
    "capabilities that are no truth values",
    list([], { plugins: [{ type: "a", capabilities: { x: 1 } }] }),
    /capabilities|unmarshal/,
  ],
];

const switches = ["disableCheck", "disableGC", "loadOnlyInlinedPlugins"];

/** `cniVersions`, `cniVersion`, and what is taken. */
const choices: readonly [versions: unknown, version: string | undefined, taken: string][] = [
  [["0.4.0", "1.0.0"], "0.3.1", "1.0.0"],
  [["0.4.0", "9.9.9"], undefined, "0.4.0"],
  [["0.1.0", "0.4.0"], "1.1.0", "1.1.0"],
  [["9.9.9"], "0.4.0", "0.4.0"],
  [["9.9.9"], undefined, ""],
  [[], "1.0.0", "1.0.0"],
  [undefined, undefined, ""],
];

function versionSent(client: Client): string {
  client.run("add");
  return client.calls("ADD")[0]?.config.cniVersion;
}

export const cases: readonly Case[] = [
  ...orders.map(([what, files, types]) =>
    clientCase(["CLIENT-002", "U-265"], `takes ${what}`, (client) => {
      for (const [name, content] of Object.entries(files)) client.file(name, content);
      client.ok("add");
      deepEqual(
        client.calls().map(({ type }) => type),
        types,
      );
    }),
  ),
  clientCase(["CLIENT-001"], "looks into /etc/cni/net.d when it is told no folder", (client) => {
    const { trial } = client;
    client.file("10.conflist", list(["a"]));
    trial.run("mount -t tmpfs tmpfs /etc");
    trial.run("mkdir -p /etc/cni");
    trial.run(`ln -s ${client.folder} /etc/cni/net.d`);
    for (const NETCONFPATH of [undefined, ""]) client.ok("add", { env: { NETCONFPATH } });
    equal(client.log().length, 2);
  }),
  clientCase(["CLIENT-002"], "follows a link to a file", (client) => {
    client.file("kept/net1", list(["a"]));
    symlinkSync(join(client.folder, "kept", "net1"), join(client.folder, "10.conflist"));
    client.ok("add");
    deepEqual(client.log(), ["ADD a"]);
  }),
  clientCase(["CLIENT-003"], "stops at a broken file and names it", (client) => {
    client.file("10-broken.conflist", "{");
    client.file("20.conflist", list(["a"]));
    client.fails("add", /10-broken\.conflist/);
    deepEqual(client.log(), []);
  }),
  clientCase(["CLIENT-003", "U-265"], "executes nothing behind a broken file", (client) => {
    client.file("10-broken.conflist", "{");
    client.file("20.conflist", list(["a"]));
    client.fails("add");
    deepEqual(client.log(), []);
  }),
  clientCase(["CLIENT-004", "U-265"], "says that there is no configuration at all", (client) => {
    client.fails("add", /no net configurations found in /);
    client.fails("add", /no net configurations found in /, { env: { NETCONFPATH: "/nowhere" } });
  }),
  clientCase(["CLIENT-004", "U-265"], "says which network it did not find", (client) => {
    client.file("10.conflist", list(["a"], { name: "other" }));
    client.fails("add", /no net configuration with name "net1" in /);
  }),
  ...badLists.map(([what, content, says]) => refused(what, content, says, ["CLIENT-005"])),
  refused("an empty list of programs", list([]), /plugins/, ["CLIENT-005", "CLIENT-012"]),
  ...switches.map((key) =>
    clientCase(
      ["CLIENT-006", "U-265"],
      `takes truth values and their names for ${key}`,
      (client) => {
        for (const value of [true, false, "true", "False", "TRUE"]) {
          client.file("10.conflist", list(["a"], { [key]: value }));
          client.ok("add");
        }
        for (const value of ["yes", 1, null]) {
          client.file("10.conflist", list(["a"], { [key]: value }));
          client.fails("add", RegExp(key));
        }
        equal(client.log().length, 5);
      },
    ),
  ),
  clientCase(
    ["CLIENT-007", "CLIENT-011", "U-265"],
    "appends the programs of the folder with the network's name",
    (client) => {
      client.file("10-file.conflist", list(["a"]));
      client.file("net1/20.conf", { type: "c" });
      client.file("net1/10.conf", { type: "b" });
      client.file("net1/05.json", { type: "b" });
      client.file("10-file/10.conf", { type: "b" });
      client.ok("add");
      deepEqual(client.log(), ["ADD a", "ADD b", "ADD c"]);
    },
  ),
  clientCase(["CLIENT-008", "U-265"], "does not look into the folder when told so", (client) => {
    client.file("10.conflist", list(["a"], { loadOnlyInlinedPlugins: true }));
    client.file("net1/10.conf", { type: "b" });
    client.ok("add");
    deepEqual(client.log(), ["ADD a"]);
  }),
  refused(
    "a list without programs that may not look into the folder",
    list([], { plugins: undefined, loadOnlyInlinedPlugins: true }),
    /plugins/,
    ["CLIENT-009", "U-265"],
  ),
  clientCase(["CLIENT-010", "U-265"], "takes all programs from the folder", (client) => {
    client.file("10.conflist", list([], { plugins: undefined }));
    client.fails("add", /no plugin configs found/);
    client.file("net1/10.conf", { type: "b" });
    client.ok("add");
    deepEqual(client.log(), ["ADD b"]);
  }),
  clientCase(["CLIENT-011"], "executes nothing when a file of the folder is broken", (client) => {
    client.file("10.conflist", list(["a"]));
    client.file("net1/10.conf", "{");
    client.fails("add");
    deepEqual(client.log(), []);
  }),
  clientCase(["CLIENT-011"], "looks into no folder outside its own", (client) => {
    client.file("in/10.conflist", list(["a"], { name: "../out" }));
    client.file("out/10.conf", { type: "b" });
    client.run("status", { net: "../out", env: { NETCONFPATH: join(client.folder, "in") } });
    deepEqual(
      client.log().filter((row) => row.endsWith("b")),
      [],
    );
  }),
  clientCase(["CLIENT-012"], "refuses an empty list beside a folder", (client) => {
    client.file("10.conflist", list([]));
    client.file("net1/10.conf", { type: "b" });
    client.fails("add", /plugins/);
  }),
  ...choices.map(([cniVersions, cniVersion, taken]) =>
    clientCase(
      ["CLIENT-013", "CLIENT-014", "U-265"],
      `chooses ${JSON.stringify(taken)} of ${JSON.stringify(cniVersions)} and ${cniVersion}`,
      (client) => {
        client.file("10.conflist", list(["a"], { cniVersions, cniVersion }));
        equal(versionSent(client) ?? "", taken);
      },
    ),
  ),
  ...[[5], ["x"], "1.0.0"].map((cniVersions) =>
    refused(
      `${JSON.stringify(cniVersions)} as versions`,
      list(["a"], { cniVersions }),
      /cniVersions/,
      ["CLIENT-015"],
    ),
  ),
  clientCase(["CLIENT-015"], "leaves a version it does not know to the programs", (client) => {
    client.file("10.conflist", list(["a"], { cniVersion: "7.7.7" }));
    equal(versionSent(client), "7.7.7");
  }),
  clientCase(["CLIENT-016", "U-265"], "sends a single configuration whole", (client) => {
    const single = { cniVersion: "1.0.0", name: "net1", type: "a", x: { y: [1] } };
    client.file("10.conf", single);
    client.ok("add");
    deepEqual(client.calls()[0]?.config, single);
  }),
];
