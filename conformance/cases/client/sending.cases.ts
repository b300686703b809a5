/**
 * What a client sends to programs: stdin and environment (checklist 3.2).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import { prints } from "../delegators.ts";
import { type Client, clientCase, containerIdOf, netns, resultOf } from "./client.ts";

const capable = { type: "a", capabilities: { x: true, y: false } };
const args = { x: { deep: [1, "é"] }, y: 2, z: 3 };

function runtimeConfigOf(client: Client, plugin: object, CAP_ARGS: unknown): unknown {
  client.list([plugin]);
  client.ok("add", { env: { CAP_ARGS: JSON.stringify(CAP_ARGS) } });
  return client.calls().at(-1)?.config.runtimeConfig;
}

/** Prints its prevResult, with these keys besides. */
const passesOn = (more: object) =>
  `/usr/bin/python3 -c 'import json, sys
config = json.load(open(sys.argv[1]))
json.dump({**config["prevResult"], **${JSON.stringify(more)}}, sys.stdout)' $C/stdin`;

const odd = {
  zzUnknown: { a: [null, { b: "" }] },
  é: "<script>&\u2028",
  empty: "",
  list: [],
  __proto: { x: 1 },
};

export const cases: readonly Case[] = [
  clientCase(
    ["CLIENT-017", "U-266"],
    "puts name and version of the list over the program's",
    (client) => {
      client.list([{ type: "a", name: "own", cniVersion: "0.4.0" }]);
      client.ok("add");
      const { name, cniVersion } = client.calls()[0]!.config;
      deepEqual([name, cniVersion], ["net1", "1.1.0"]);
    },
  ),
  clientCase(
    ["CLIENT-018", "U-257"],
    "gives each program of ADD the result of the one before",
    (client) => {
      client.list(["a", "b", "c"]);
      const result = client.ok("add");
      const [first, second, third] = client.calls().map(({ config }) => config.prevResult);
      equal(first, undefined);
      deepEqual([second, third], [resultOf("a"), resultOf("b")]);
      deepEqual(result, resultOf("c"));
    },
  ),
  clientCase(
    ["U-255", "U-257"],
    "returns what the programs of a list passed on and added",
    (client) => {
      const dns = { nameservers: ["10.0.0.53"] };
      client.answers("ADD", {
        a: prints(resultOf("a")),
        b: passesOn({}),
        c: passesOn({ dns }),
      });
      client.list(["a", "b", "c"]);
      deepEqual(client.ok("add"), { ...resultOf("a"), dns });
      deepEqual(
        client.calls().map(({ config }) => config.prevResult),
        [undefined, resultOf("a"), resultOf("a")],
      );
    },
    { needs: ["python3"] },
  ),
  clientCase(["CLIENT-018"], "does not send a prevResult that stands in the file", (client) => {
    client.list([{ type: "a", prevResult: resultOf("x") }]);
    client.ok("add");
    equal("prevResult" in client.calls()[0]!.config, false);
  }),
  clientCase(
    ["CLIENT-019", "U-256"],
    "sends the arguments that a program is capable of",
    (client) => {
      deepEqual(runtimeConfigOf(client, capable, args), { x: args.x });
    },
  ),
  clientCase(
    ["CLIENT-019", "U-256"],
    "sends no runtimeConfig when there is nothing in it",
    (client) => {
      equal(runtimeConfigOf(client, capable, { y: 2 }), undefined);
      equal(runtimeConfigOf(client, { type: "a" }, args), undefined);
    },
  ),
  clientCase(["CLIENT-019", "U-266"], "puts its runtimeConfig over one in the file", (client) => {
    const literal = { runtimeConfig: { own: 1 } };
    deepEqual(runtimeConfigOf(client, { ...capable, ...literal }, args), { x: args.x });
    deepEqual(runtimeConfigOf(client, { ...capable, ...literal }, {}), literal.runtimeConfig);
  }),
  clientCase(["CLIENT-020"], "does not send capabilities", (client) => {
    client.list([capable]);
    client.ok("add");
    equal("capabilities" in client.calls()[0]!.config, false);
  }),
  clientCase(["CLIENT-021", "CLIENT-022"], "sends every other key as it is", (client) => {
    client.list([{ type: "a", ...odd }]);
    client.ok("add");
    const { cniVersion: _, name: __, ...rest } = client.calls()[0]!.config;
    deepEqual(rest, { type: "a", ...odd });
  }),
  clientCase(["CLIENT-021"], "keeps every digit of a number", (client) => {
    const text = '{"type":"a","big":12345678901234567890,"one":1.0}';
    client.file("10.conflist", `{"cniVersion":"1.1.0","name":"net1","plugins":[${text}]}`);
    client.ok("add");
    match(client.calls()[0]!.stdin, /"big":\s*12345678901234567890\b/);
  }),
  clientCase(["CLIENT-021"], "does not send keys of cni.dev that stand in the file", (client) => {
    client.list([{ type: "a", "cni.dev/attachments": [] }]);
    client.ok("add");
    equal("cni.dev/attachments" in client.calls()[0]!.config, false);
  }),
  clientCase(["CLIENT-023", "CLIENT-056", "U-263"], "sends no lists with GC", (client) => {
    client.list(["a"]);
    client.ok("add");
    client.ok("gc");
    const [{ config } = { config: {} }] = client.calls("GC");
    deepEqual(Object.keys(config).sort(), ["cniVersion", "name", "type"]);
  }),
  clientCase(["CLIENT-024", "U-267"], "adds to its own environment, each name once", (client) => {
    client.list(["a"]);
    client.ok("add", {
      env: { FOO: "bar", CNI_COMMAND: "x", CNI_NETNS: "y", CNI_CONTAINERID: "z" },
    });
    const [seen] = client.plugins.calls();
    const names = seen!.env.map((entry) => entry.split("=", 1)[0]);
    deepEqual(names.length, new Set(names).size);
    const { env } = client.calls()[0]!;
    deepEqual([env["FOO"], env["CNI_COMMAND"], env["CNI_NETNS"]], ["bar", "ADD", netns]);
    equal(env["CNI_CONTAINERID"], containerIdOf(netns));
  }),
  clientCase(["CLIENT-024"], "leaves what GC and STATUS do not have empty", (client) => {
    client.list(["a"]);
    client.ok("gc");
    client.ok("status");
    for (const { env } of client.calls()) {
      const names = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"];
      for (const name of names) ok(!env[name], `${name}=${env[name]}`);
      equal(env["CNI_PATH"], client.plugins.folder);
    }
  }),
  clientCase(
    ["CLIENT-025", "CLIENT-068"],
    "joins the pairs of CNI_ARGS in their order",
    (client) => {
      client.list(["a"]);
      client.ok("add", { env: { CNI_ARGS: "Z=1;A=2" } });
      client.ok("add");
      deepEqual(
        client.calls().map(({ env }) => env["CNI_ARGS"] ?? ""),
        ["Z=1;A=2", ""],
      );
    },
  ),
  clientCase(["CLIENT-026", "CLIENT-030", "U-269"], "searches CNI_PATH in its order", (client) => {
    const first = join(client.trial.host.scratch, "first");
    mkdirSync(first);
    writeFileSync(join(first, "b"), "");
    client.list(["a"]);
    const path = `${first}:/nonexistent:${client.plugins.folder}`;
    client.ok("add", { env: { CNI_PATH: path } });
    equal(client.calls()[0]?.env["CNI_PATH"], path);
  }),
  clientCase(
    ["CLIENT-027", "CLIENT-072"],
    "sends the path of the namespace as an absolute one",
    (client) => {
      const { trial } = client;
      trial.run("mkdir -p /run/netns/real");
      trial.run("ln -s /run/netns/real /run/netns/link");
      client.list(["a"]);
      client.ok("add", { netns: "/run/netns/link" });
      client.ok("add", { netns: "./x/../y", before: "cd /run" });
      deepEqual(
        client.calls().map(({ env }) => env["CNI_NETNS"]),
        ["/run/netns/link", "/run/y"],
      );
    },
  ),
  clientCase(["CLIENT-028"], "passes a tracing context of its environment on", (client) => {
    client.list(["a"]);
    client.ok("add", { env: { TRACEPARENT: "00-1-2-00", TRACESTATE: "x=y" } });
    const { env } = client.calls()[0]!;
    deepEqual([env["TRACEPARENT"], env["TRACESTATE"]], ["00-1-2-00", "x=y"]);
  }),
  clientCase(["CLIENT-029", "U-267"], "shows what a program writes to stderr", (client) => {
    client.list(["a"]);
    client.answers("ADD", { a: `echo a-word >&2; echo '${JSON.stringify(resultOf("a"))}'` });
    const { status, stderr } = client.run("add");
    equal(status, 0);
    match(stderr, /a-word/);
  }),
  clientCase(["CLIENT-029"], "executes programs in its own folder", (client) => {
    client.list(["a"]);
    client.ok("add", { before: "cd /usr/share" });
    equal(client.plugins.calls()[0]?.cwd, "/usr/share");
  }),
  clientCase(["CLIENT-029"], "takes a result of a program that read nothing", (client) => {
    const silent = join(client.plugins.folder, "d");
    const result = JSON.stringify(resultOf("d"));
    writeFileSync(silent, `#!/bin/bash\nexec 0<&-\necho '${result}'\n`, { mode: 0o755 });
    client.list([{ type: "d", padding: "x".repeat(300_000) }]);
    deepEqual(client.ok("add"), resultOf("d"));
  }),
  clientCase(
    ["CLIENT-030", "U-269", "U-261"],
    "executes no path, and says what it did not find",
    (client) => {
      for (const type of ["x/a", "../plugins/a"]) {
        client.list([{ type }]);
        client.fails("add", /invalid plugin name/);
      }
      client.list([{ type: "gone" }]);
      client.fails("add", /failed to find plugin "gone" in path/);
      deepEqual(client.log(), []);
    },
  ),
];
