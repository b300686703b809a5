/**
 * What a client does for each verb, and what it keeps in its cache (checklist 3.2).
 * @module
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { linkSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import { failsWith, prints } from "../delegators.ts";
import { type Client, clientCase, containerIdOf, netns, resultOf } from "./client.ts";

const all = ["a", "b", "c"];
const id = containerIdOf(netns);
const own = { CNI_ARGS: "A=1;B=2", CAP_ARGS: '{"x":{"y":1}}', CNI_IFNAME: "net9" };
const capable = { type: "a", capabilities: { x: true } };

/** A list of all three, added. */
function added(client: Client, change: { cniVersion?: string; disableGC?: boolean } = {}): void {
  client.list(all, change);
  client.answersIn(change.cniVersion ?? "1.1.0");
  client.ok("add");
}

/** The log without ADD. */
const later = (client: Client) => client.log().filter((row) => !row.startsWith("ADD"));

const prevResults = (client: Client, command: string) =>
  client.calls(command).map(({ config }) => config.prevResult);

/** A file of the cache as clients write it. */
function cacheOf(client: Client, change: object = {}): object {
  const config = readFileSync(join(client.folder, "10-net1.conflist")).toString("base64");
  const about = {
    kind: "cniCacheV1",
    containerId: id,
    config,
    ifName: "eth0",
    networkName: "net1",
  };
  return { ...about, netns, result: resultOf("c"), ...change };
}

const add: Case[] = [
  clientCase(["CLIENT-031", "U-260"], "executes nothing for a name that is none", (client) => {
    client.list(["a"], { name: "a b" });
    client.fails("add", /name/, { net: "a b" });
    client.list(["a"]);
    for (const CNI_IFNAME of ["", "a/b", "x".repeat(16), "."]) {
      client.fails("add", /interface name/, { env: { CNI_IFNAME } });
    }
    deepEqual(client.log(), []);
  }),
  clientCase(
    ["CLIENT-032", "CLIENT-073", "U-261"],
    "stops ADD at the first failure, and keeps nothing of it",
    (client) => {
      client.list([...all.slice(0, 1), { type: "b", name: "own" }, "c"]);
      client.answers("ADD", { a: prints(resultOf("a")), b: failsWith(123, "m-word", "d-word") });
      client.fails("add", /plugin type="b" name="(own|net1)" failed \(add\): m-word; d-word/);
      deepEqual(client.log(), ["ADD a", "ADD b"]);
      equal(client.cached(), undefined);
    },
  ),
  clientCase(
    ["CLIENT-033", "CLIENT-073"],
    "prints the last result in the list's version",
    (client) => {
      client.list(all, { cniVersion: "0.4.0" });
      client.answersIn("0.4.0");
      const { cniVersion, ips } = client.ok("add");
      deepEqual([cniVersion, ips[0].version], ["0.4.0", "4"]);
    },
  ),
  ...[{}, { cniVersion: "" }].map((version) =>
    clientCase(
      ["CLIENT-034", "U-268"],
      `takes a result with ${JSON.stringify(version)} for one of the list's version`,
      (client) => {
        const { cniVersion: _, ...result } = resultOf("a");
        client.answers("ADD", { a: prints({ ...version, ...result }) });
        client.list(["a"], { cniVersion: "1.0.0" });
        equal(client.ok("add").cniVersion, "1.0.0");
      },
    ),
  ),
  clientCase(["CLIENT-034", "U-268"], "takes no version twice for 0.1.0", (client) => {
    client.answers("ADD", { a: prints({ ip4: { ip: "10.0.0.2/24" } }) });
    client.list(["a"], { cniVersion: undefined });
    equal(client.ok("add").ip4.ip, "10.0.0.2/24");
  }),
  ...["echo garble", `echo '{"cniVersion":"9.9.9"}'`, "true", "echo '[]'"].map((script) =>
    clientCase(["CLIENT-034"], `fails over the output of ${script}`, (client) => {
      client.answers("ADD", { a: script });
      client.list(["a"]);
      client.fails("add");
      equal(client.cached(), undefined);
    }),
  ),
  clientCase(["CLIENT-035", "U-257", "U-262"], "keeps what it did in its cache", (client) => {
    client.list([capable]);
    client.ok("add", { env: { CNI_ARGS: own.CNI_ARGS, CAP_ARGS: own.CAP_ARGS } });
    const wanted = {
      cniArgs: [
        ["A", "1"],
        ["B", "2"],
      ],
      capabilityArgs: { x: { y: 1 } },
      result: resultOf("a"),
    };
    deepEqual(client.cached(), cacheOf(client, wanted));
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
    const file = client.cachePath();
    deepEqual([modeOf(join(file, "..")), modeOf(file)], ["700", "600"]);
  }),
  clientCase(
    ["CLIENT-036"],
    "writes its cache beside the old file and puts it in place",
    (client) => {
      client.putInCache("old");
      const kept = `${client.cachePath()}.kept`;
      linkSync(client.cachePath(), kept);
      client.list(["a"]);
      client.ok("add");
      equal(readFileSync(kept, "utf8"), "old");
      deepEqual(client.cached().result, resultOf("a"));
    },
  ),
  clientCase(["CLIENT-037", "U-258"], "fails when it cannot write its cache", (client) => {
    client.putInCache("a file", client.trial.host.path("/var/lib/cni/results"));
    client.list(["a"]);
    client.fails("add", /failed to set network "net1" cached result/);
    deepEqual(client.log(), ["ADD a"]);
  }),
  clientCase(["CLIENT-038"], "puts a new result over that in its cache", (client) => {
    client.list(["a"]);
    client.putInCache(cacheOf(client));
    client.ok("add");
    deepEqual(client.cached().result, resultOf("a"));
  }),
  clientCase(["CLIENT-064"], "asks no program for its versions", (client) => {
    added(client);
    deepEqual(client.log(), ["ADD a", "ADD b", "ADD c"]);
  }),
];

const check: Case[] = [
  ...["0.3.1", undefined].map((cniVersion) =>
    clientCase(["CLIENT-040", "U-259"], `has no CHECK at ${cniVersion}`, (client) => {
      client.list(["a"], { cniVersion });
      client.fails("check", /configuration version ".*" does not support (the )?CHECK/);
      deepEqual(client.log(), []);
    }),
  ),
  clientCase(["CLIENT-041", "U-259"], "checks nothing when disableCheck says so", (client) => {
    client.list(["a"], { disableCheck: true });
    client.ok("check");
    deepEqual(client.log(), []);
  }),
  clientCase(
    ["CLIENT-042", "CLIENT-043", "U-257"],
    "gives the last result to every CHECK",
    (client) => {
      added(client);
      equal(client.ok("check"), undefined);
      deepEqual(later(client), ["CHECK a", "CHECK b", "CHECK c"]);
      deepEqual(prevResults(client, "CHECK"), [resultOf("c"), resultOf("c"), resultOf("c")]);
    },
  ),
  clientCase(
    ["CLIENT-042", "OLD-044"],
    "converts a result to the version the list has now",
    (client) => {
      added(client, { cniVersion: "1.0.0" });
      client.list(all, { cniVersion: "0.4.0" });
      client.ok("check");
      const [prevResult] = prevResults(client, "CHECK");
      deepEqual([prevResult.cniVersion, prevResult.ips[0].version], ["0.4.0", "4"]);
    },
  ),
  clientCase(
    ["CLIENT-042", "U-258"],
    "checks without a prevResult when its cache has none",
    (client) => {
      client.list(["a"]);
      client.ok("check");
      deepEqual(prevResults(client, "CHECK"), [undefined]);
    },
  ),
  ...["{", '{"cniVersion":"9.9.9"}'].map((content) =>
    clientCase(
      ["CLIENT-042", "U-258"],
      `checks nothing when its cache holds ${content}`,
      (client) => {
        client.list(["a"]);
        client.putInCache(content);
        client.fails("check");
        deepEqual(client.log(), []);
      },
    ),
  ),
  clientCase(["CLIENT-043", "U-261"], "stops CHECK at the first failure", (client) => {
    added(client);
    client.answers("CHECK", { b: failsWith(123, "m-word") });
    client.fails("check", /m-word/);
    deepEqual(later(client), ["CHECK a", "CHECK b"]);
  }),
  clientCase(["CLIENT-044", "U-262"], "checks with the arguments of ADD", (client) => {
    client.list([capable]);
    client.ok("add", { env: { CNI_ARGS: own.CNI_ARGS, CAP_ARGS: own.CAP_ARGS } });
    client.ok("check");
    const [{ env, config } = { env: {}, config: {} }] = client.calls("CHECK");
    deepEqual(
      [(env as Record<string, string>)["CNI_ARGS"], config.runtimeConfig],
      [own.CNI_ARGS, { x: { y: 1 } }],
    );
  }),
];

const del: Case[] = [
  clientCase(["CLIENT-045", "U-257"], "gives the last result to every DEL, backwards", (client) => {
    added(client);
    equal(client.ok("del"), undefined);
    deepEqual(later(client), ["DEL c", "DEL b", "DEL a"]);
    deepEqual(prevResults(client, "DEL"), [resultOf("c"), resultOf("c"), resultOf("c")]);
    equal(client.cached(), undefined);
  }),
  clientCase(
    ["CLIENT-045", "U-259", "OLD-016"],
    "gives no result to DEL before 0.4.0",
    (client) => {
      added(client, { cniVersion: "0.3.1" });
      client.ok("del");
      deepEqual(prevResults(client, "DEL"), [undefined, undefined, undefined]);
    },
  ),
  clientCase(["OLD-044"], "converts a result of 0.3.1 for DEL at 1.0.0", (client) => {
    added(client, { cniVersion: "0.3.1" });
    equal(client.cached().result.cniVersion, "0.3.1");
    client.list(all, { cniVersion: "1.0.0" });
    client.ok("del");
    const [prevResult] = prevResults(client, "DEL");
    deepEqual([prevResult.cniVersion, prevResult.ips[0].version], ["1.0.0", undefined]);
  }),
  ...["{", '{"cniVersion":"9.9.9"}'].map((content) =>
    clientCase(["CLIENT-046", "U-258"], `deletes although its cache holds ${content}`, (client) => {
      client.list(["a"]);
      client.putInCache(content);
      client.ok("del");
      deepEqual(prevResults(client, "DEL"), [undefined]);
      equal(client.cached(), undefined);
    }),
  ),
  clientCase(["CLIENT-047", "U-258"], "deletes what its cache does not know", (client) => {
    client.list(all);
    client.ok("del");
    deepEqual(client.log(), ["DEL c", "DEL b", "DEL a"]);
  }),
  clientCase(["CLIENT-048"], "understands a cache that is a bare result", (client) => {
    client.list(["a"]);
    client.putInCache(resultOf("old"));
    client.ok("del");
    deepEqual(prevResults(client, "DEL"), [resultOf("old")]);
  }),
  clientCase(
    ["CLIENT-049", "U-261"],
    "stops DEL at the first failure, and keeps its cache",
    (client) => {
      added(client);
      client.answers("DEL", { b: failsWith(123, "m-word") });
      client.fails("del", /plugin type="b".* failed \(delete\): m-word/);
      deepEqual(later(client), ["DEL c", "DEL b"]);
      deepEqual(client.cached().result, resultOf("c"));
    },
  ),
  clientCase(["CLIENT-049", "U-261"], "fails DEL when a program is missing", (client) => {
    client.list(["a", "gone"]);
    client.fails("del", /gone/);
    deepEqual(client.log(), []);
  }),
  clientCase(["CLIENT-050"], "deletes twice, the second time without a prevResult", (client) => {
    added(client);
    for (const _ of "12") client.ok("del");
    const given = prevResults(client, "DEL").map((result) => result !== undefined);
    deepEqual(given, [true, true, true, false, false, false]);
  }),
  clientCase(["CLIENT-051", "CLIENT-072"], "does not look at the namespace", (client) => {
    client.list(["a"]);
    for (const verb of ["add", "check", "del", "gc", "status"]) client.ok(verb);
    equal(client.log().length, 5);
  }),
  clientCase(["CLIENT-039"], "does not take another attachment's file for its own", (client) => {
    client.list(["a"]);
    client.putInCache(cacheOf(client, { networkName: "other" }));
    client.ok("check");
    deepEqual(prevResults(client, "CHECK"), [undefined]);
  }),
];

const gc: Case[] = [
  clientCase(["CLIENT-052", "U-263"], "collects nothing when disableGC says so", (client) => {
    added(client, { disableGC: true });
    client.ok("gc");
    deepEqual(later(client), []);
  }),
  clientCase(
    ["CLIENT-053", "CLIENT-054", "CLIENT-056", "U-262", "U-263"],
    "deletes what its cache knows as it was added, then has every program collect",
    (client) => {
      client.list([capable, "b"]);
      client.ok("add", { env: own });
      client.list([capable, "b"], { name: "other" });
      client.file("20.conflist", {
        cniVersion: "1.1.0",
        name: "net1",
        plugins: [capable, { type: "b" }],
      });
      client.ok("add", { net: "other", netns: "/run/netns/b" });
      client.ok("gc", { netns: "/run/netns/else", env: { CNI_IFNAME: "x", CNI_ARGS: "C=3" } });
      deepEqual(later(client), ["DEL b", "DEL a", "GC a", "GC b"]);
      const [, { env, config } = { env: {}, config: {} }] = client.calls("DEL");
      const { CNI_ARGS, CNI_IFNAME, CNI_NETNS } = env as Record<string, string>;
      deepEqual([CNI_ARGS, CNI_IFNAME, CNI_NETNS], [own.CNI_ARGS, own.CNI_IFNAME, netns]);
      deepEqual(config.runtimeConfig, { x: { y: 1 } });
    },
  ),
  clientCase(
    ["CLIENT-053", "CLIENT-054", "U-263"],
    "goes on when a program cannot collect",
    (client) => {
      added(client);
      client.answers("DEL", { b: failsWith(100, "del-word") });
      client.answers("GC", { a: failsWith(101, "gc-word") });
      const stale = `failed to delete stale attachment ${id} eth0: .*del-word`;
      client.fails("gc", RegExp(`${stale}[\\s\\S]*failed to GC plugin a: gc-word`));
      deepEqual(later(client), ["DEL c", "DEL b", "GC a", "GC b", "GC c"]);
    },
  ),
  clientCase(
    ["CLIENT-055", "U-263"],
    "only deletes what its cache knows before 1.1.0",
    (client) => {
      added(client, { cniVersion: "1.0.0" });
      client.ok("gc");
      deepEqual(later(client), ["DEL c", "DEL b", "DEL a"]);
    },
  ),
  clientCase(["CLIENT-057"], "says that it cannot read its cache", (client) => {
    client.list(["a"]);
    client.putInCache("a file", client.trial.host.path("/var/lib/cni/results"));
    client.fails("gc", /results/);
  }),
  clientCase(["CLIENT-057", "U-262"], "passes over files that are no cache", (client) => {
    added(client);
    for (const [name, content] of [
      ["net1-x-eth0", "{"],
      ["net1-y-eth0", JSON.stringify(cacheOf(client, { kind: "other" }))],
      ["net1-z-eth0", JSON.stringify(resultOf("z"))],
    ] as const) {
      client.putInCache(content, client.cachePath(name));
    }
    client.ok("gc");
    equal(client.calls("DEL").length, 3);
  }),
  clientCase(["CLIENT-058"], "adds nothing while it collects", (client) => {
    const { folder } = client.plugins;
    client.list(["a"]);
    const busy = `${folder}/collecting`;
    // long enough for the ADD of a client that does not wait
    const wait = `for (( n = 0; n < 300; n++ )); do [ -e ${folder}/overlap ] && break; /bin/sleep 0.01; done`;
    client.answers("GC", { a: `echo > ${busy}; ${wait}; /bin/rm ${busy}` });
    const marks = `[ -e ${busy} ] && echo > ${folder}/overlap; ${prints(resultOf("a"))}`;
    client.answers("ADD", { a: marks });
    const program = join(client.trial.build.folder, client.trial.program);
    const script = `"${program}" gc net1 ${netns} & until [ -e ${busy} ]; do sleep 0.01; done
      "${program}" add net1 ${netns}; wait`;
    client.run("", { argv: ["bash", "-c", script] });
    deepEqual([client.log().length, client.plugins.has("overlap")], [2, false]);
  }),
];

const status: Case[] = [
  clientCase(["CLIENT-059", "U-264"], "is ready before 1.1.0 without asking", (client) => {
    client.list(["a"], { cniVersion: "1.0.0" });
    client.ok("status");
    deepEqual(client.log(), []);
  }),
  clientCase(
    ["CLIENT-060", "U-264", "CLIENT-073"],
    "stops STATUS at the first failure",
    (client) => {
      client.list(all);
      equal(client.ok("status"), undefined);
      client.answers("STATUS", { b: failsWith(50, "m-word") });
      client.fails("status", /m-word/);
      deepEqual(client.log().slice(3), ["STATUS a", "STATUS b"]);
    },
  ),
];

/** What a failing program prints, and what the client says of it. */
const failures: readonly [script: string, says: RegExp][] = [
  ["exit 3", /netplugin failed with no error message: exit status 3/],
  ["echo trouble >&2; exit 3", /netplugin failed: "trouble/],
  ["echo garble; exit 3", /netplugin failed but error parsing its diagnostic message "garble/],
  [failsWith(123, "m-word", "d-word"), /m-word; d-word/],
];

const answers: Case[] = [
  ...failures.map(([script, says]) =>
    clientCase(
      ["CLIENT-065", "U-267", "U-261"],
      `reports a program that does ${script}`,
      (client) => {
        client.list(["a"]);
        client.answers("ADD", { a: script });
        client.fails("add", says);
      },
    ),
  ),
  clientCase(
    ["CLIENT-066"],
    "takes an error object for an error whatever the exit status",
    (client) => {
      client.list(["a"]);
      client.answers("ADD", { a: prints({ cniVersion: "1.1.0", code: 123, msg: "m-word" }) });
      client.fails("add", /m-word/);
    },
  ),
  clientCase(
    ["OLD-045"],
    "reports that a program does not know the version that was chosen",
    (client) => {
      client.list(["a"], { cniVersion: "0.4.0", cniVersions: ["1.0.0"] });
      const unknown = failsWith(1, "incompatible CNI versions");
      client.answers("ADD", { a: unknown });
      client.fails("add", /incompatible CNI versions/);
      client.ok("del");
      match(client.calls("DEL")[0]!.config.cniVersion, /^1\.0\.0$/);
    },
  ),
];

export const cases: readonly Case[] = [...add, ...check, ...del, ...gc, ...status, ...answers];
