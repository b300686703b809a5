/**
 * Programs in this process, on a machine in memory: garbage from callers, in files, and from the kernel.
 *
 * `NETLOOM_SEED=7` or `NETLOOM_SEED=random` chooses the garbage, `NETLOOM_FUZZ_TIMES=10` makes ten times as much of it.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mutate, randomNumbers } from "netlink-ts/testing/fuzz.ts";
import type { Plugin } from "../../core/cni/plugin.ts";
import { hostLocal } from "../../ipam/host-local/plugin.ts";
import { staticIpam } from "../../ipam/static/plugin.ts";
import { bridge } from "../../plugins/bridge/plugin.ts";
import { loopback } from "../../plugins/loopback/plugin.ts";
import { portmap } from "../../plugins/portmap/plugin.ts";
import { ptp } from "../../plugins/ptp/plugin.ts";
import { environmentOf, FuzzHost, type FuzzRun } from "./fuzz-host.ts";
import {
  anyValue,
  common,
  configurations,
  type Mutated,
  mutateDocument,
  mutateEnvironment,
  mutateText,
  oneOf,
  prevResult,
  type Random,
  valid,
} from "./fuzz-inputs.ts";
import { seed } from "./seed.ts";

const times = Number(process.env["NETLOOM_FUZZ_TIMES"] ?? 1);
const specCodes = [1, 2, 3, 4, 5, 6, 7, 8, 11, 50, 51];
const verbs = ["ADD", "DEL", "CHECK", "GC", "STATUS"];

/** Programs with a configuration that has a bit of everything. */
const programs: [Plugin, Record<string, unknown>][] = [
  bridge,
  portmap,
  hostLocal,
  staticIpam,
  loopback,
  ptp,
].map((plugin) => [plugin as Plugin, configurations[plugin.type]!]);

const [bridgeProgram, portmapProgram] = programs as [(typeof programs)[0], (typeof programs)[0]];

/** A machine on which `other` is attached and has published a port. @returns its rows that nobody else may change */
function inhabited(): { host: FuzzHost; others: string[] } {
  const host = new FuzzHost("c1", "other");
  const [, config] = bridgeProgram;
  const { runtimeConfig: _, args: __, ...plain } = config;
  const run = (plugin: Plugin, document: object) => {
    const done = host.execute(plugin, {
      environment: environmentOf("ADD", "other"),
      stdin: JSON.stringify(document),
    });
    equal(done.status, 0, done.stdout);
    return JSON.parse(done.stdout);
  };
  const prevResult = run(bridge, plain);
  run(portmap, {
    ...common,
    type: "portmap",
    prevResult,
    runtimeConfig: { portMappings: [{ hostPort: 9999, containerPort: 80, protocol: "tcp" }] },
  });
  return { host, others: host.snapshot().filter(isOthers) };
}

const isOthers = (row: string): boolean => /other/.test(row) && !/c1/.test(row);

/** What a network's attachments share stays when one of them fails. */
const isOwn = (row: string): boolean => !/^direct[46] net$/.test(row);

/** Names what is missing and what is there beside. */
function sameRows(found: readonly string[], wanted: readonly string[], what = ""): void {
  const missing = wanted.filter((row) => !found.includes(row));
  const strange = found.filter((row) => !wanted.includes(row));
  deepEqual(
    { missing, strange },
    { missing: [], strange: [] },
    `${what}\n${JSON.stringify({ missing, strange })}`,
  );
}

/** Any run: an exit status, one document or none, an error object of the spec, and no mistake of the program's own. */
function holds(
  { status, stdout, stderr }: FuzzRun,
  command: string,
): { code?: number; msg?: string; details?: string } {
  const json = stdout === "" ? {} : JSON.parse(stdout);
  ok(status === 0 || status === 1, `status ${status}`);
  if (status === 0) {
    equal(json.code, undefined);
    if (command !== "ADD" && command !== "VERSION") equal(stdout, "");
    return {};
  }
  ok(specCodes.includes(json.code) || json.code >= 100, stdout);
  ok(typeof json.msg === "string" && json.msg !== "", stdout);
  ok(
    json.details === undefined || (typeof json.details === "string" && json.details !== ""),
    stdout,
  );
  ok(!/unexpected (Type|Range|Reference|Syntax|Internal)Error/.test(stdout), stdout + stderr);
  // an answer of the kernel that cannot be read has a trace, since nobody can have expected it
  ok(!/^(?!DecodeError)\w*Error: .*\n +at /m.test(stderr), stderr);
  return json;
}

/** Runs `check` so often, and tells seed and round of what fails. @returns how often */
function rounds(count: number, check: (random: Random, round: number) => void): string {
  const random = randomNumbers(seed);
  for (let round = 0; round < Math.ceil(count * times); round++) {
    try {
      check(random, round);
    } catch (error) {
      throw new Error(
        `seed ${seed}, round ${round}: ${(error as Error).message}\n${(error as Error).stack}`,
      );
    }
  }
  return `: ${Math.ceil(count * times)} times from seed ${seed}`;
}

/** Where reservations are others' addresses are free. */
const isElsewhere = ({ document: { ipam } }: Mutated): boolean =>
  /datadir/i.test(JSON.stringify(ipam ?? ""));
/** Keys whose values decide whether a call is one at all. */
const isDecisive = (path: Mutated["path"]): boolean =>
  ["name", "cniVersion"].includes(String(path[0]).toLowerCase()) ||
  /^cniversion$|^name$/i.test(String(path[0]));
/** Garbage in `ipam.type` names no program that could be asked. */
const namesProgram = ({ path }: Mutated): boolean =>
  path[0] === "ipam" && (path.length === 1 || path[1] === "type");

describe("any garbage", function () {
  this.timeout(300_000 * Math.max(times, 1));

  it("in one key of a configuration is refused by name, leaves nothing, and DEL succeeds", function () {
    let { host, others } = inhabited();
    const told = rounds(1500, (random, round) => {
      if (round % 40 === 0) ({ host, others } = inhabited());
      const [plugin, good] = oneOf(random, programs);
      const config = plugin.chained ? { ...good, prevResult } : good;
      const mutated = mutateDocument(config, random);
      const stdin = JSON.stringify(mutated.document);
      const what = `${plugin.type} ${mutated.how} ${mutated.path.join(".")}: ${stdin.slice(0, 2000)}`;
      const before = host.snapshot();
      const add = host.execute(plugin, { environment: environmentOf("ADD"), stdin });
      const error = holds(add, "ADD");
      if (add.status !== 0) {
        sameRows(host.snapshot().filter(isOwn), before.filter(isOwn), `${what}: ${add.stdout}`);
        if (error.code === 6 || error.code === 7)
          ok(mentions(error, mutated), `${what}: ${add.stdout}`);
      }
      const del = host.execute(plugin, { environment: environmentOf("DEL"), stdin });
      holds(del, "DEL");
      if (!isDecisive(mutated.path) && !namesProgram(mutated))
        equal(del.status, 0, `DEL ${what}: ${del.stdout}`);
      const last = { environment: environmentOf("DEL"), stdin: JSON.stringify(good) };
      equal(host.execute(plugin, last).status, 0);
      // on a network of another name, or with reservations in another folder, the same addresses are given out again, and belong to whoever got them last
      if (isDecisive(mutated.path) || isElsewhere(mutated)) ({ host, others } = inhabited());
      sameRows(host.snapshot().filter(isOthers), others, what);
      equal(`${host.leftOpen} ${host.running}`, "0 0", what);
    });
    this.test!.title += told;
  });

  it("in the bytes of stdin is refused or taken, and harms nobody else", function () {
    let { host, others } = inhabited();
    const told = rounds(3000, (random, round) => {
      if (round % 40 === 0) ({ host, others } = inhabited());
      const [plugin, good] = oneOf(random, programs);
      const document = { ...good, prevResult, "cni.dev/valid-attachments": valid };
      const command = oneOf(random, verbs);
      const stdin = mutateText(document, random);
      const done = host.execute(plugin, { environment: environmentOf(command), stdin });
      const what = `${plugin.type} ${command} ${new TextDecoder().decode(stdin)}`;
      holds(done, command);
      // GC that is not told of a container takes it away
      const isTold = new TextDecoder().decode(stdin).includes(JSON.stringify(valid[1]));
      if (command === "GC" && !isTold) ({ host, others } = inhabited());
      const isTouched = (row: string) => isOthers(row) && !/^masq/.test(row);
      sameRows(host.snapshot().filter(isTouched), others.filter(isTouched), what);
      equal(`${host.leftOpen} ${host.running}`, "0 0", what);
    });
    this.test!.title += told;
  });

  it("in the environment is refused or taken, and harms nobody else", function () {
    let { host, others } = inhabited();
    const told = rounds(3000, (random, round) => {
      if (round % 40 === 0) ({ host, others } = inhabited());
      const [plugin, good] = oneOf(random, programs);
      const command = oneOf(random, verbs);
      const environment = mutateEnvironment(environmentOf(command), random);
      const stdin = JSON.stringify({ ...good, prevResult, "cni.dev/valid-attachments": valid });
      const done = host.execute(plugin, { environment, stdin });
      const what = `${plugin.type} ${environment.join(" ")}`;
      const [asked = ""] = environment.filter((entry) => entry.startsWith("CNI_COMMAND="));
      holds(done, asked.replace(/.*=/, "") || "VERSION");
      if (environment.includes("CNI_CONTAINERID=other")) ({ host, others } = inhabited());
      sameRows(host.snapshot().filter(isOthers), others, what);
      equal(`${host.leftOpen} ${host.running}`, "0 0", what);
    });
    this.test!.title += told;
  });

  it("in prevResult and runtimeConfig stops no DEL, which takes away all that ADD made", function () {
    let { host, others } = inhabited();
    const told = rounds(600, (random, round) => {
      if (round % 20 === 0) ({ host, others } = inhabited());
      const before = host.snapshot();
      const result = attach(host);
      const garbage = oneOf(random, [
        () => anyValue(random),
        () => mutateDocument(result as Record<string, unknown>, random).document,
      ])();
      const keys = { prevResult: garbage, runtimeConfig: anyValue(random), args: anyValue(random) };
      for (const [plugin, good] of [portmapProgram, bridgeProgram]) {
        const stdin = JSON.stringify({ ...good, ...keys });
        holds(host.execute(plugin, { environment: environmentOf("CHECK"), stdin }), "CHECK");
        const del = host.execute(plugin, { environment: environmentOf("DEL"), stdin });
        equal(del.status, 0, `${plugin.type} DEL ${stdin}: ${del.stdout}`);
      }
      sameRows(host.snapshot().filter(isOwn), before.filter(isOwn), JSON.stringify(keys));
      sameRows(host.snapshot().filter(isOthers), others);
    });
    this.test!.title += told;
  });

  it("in a state file stops no DEL and no GC, and harms nobody else", function () {
    let { host, others } = inhabited();
    const told = rounds(800, (random, round) => {
      if (round % 20 === 0) ({ host, others } = inhabited());
      attach(host);
      const path = oneOf(
        random,
        host.list("/run/netloom").concat(host.list("/var/lib")).filter(isGarbled),
      );
      const bytes = host.bytes(path) ?? new Uint8Array();
      host.put(path, garbled(path, bytes, random));
      const what = `${path}: ${host.text(path)}`;
      const isDel = random() % 2 === 0;
      for (const [plugin, good] of [portmapProgram, bridgeProgram]) {
        const run = (command: string, keys: object) =>
          host.execute(plugin, {
            environment: environmentOf(command),
            stdin: JSON.stringify({ ...good, ...keys }),
          });
        holds(run("CHECK", { prevResult }), "CHECK");
        if (isDel) equal(run("DEL", {}).status, 0, `DEL ${what}`);
        const gc = run("GC", { "cni.dev/valid-attachments": valid.slice(1) });
        equal(gc.status, 0, `GC ${what}: ${gc.stdout}`);
      }
      const left = host.snapshot().filter((row) => /c1/.test(row) && !row.startsWith(`${path}: `));
      sameRows(
        left.filter((row) => !row.startsWith("/run/netns/c1: ")),
        [],
        what,
      );
      if (path.startsWith("/var/lib") && host.text(path) !== undefined) host.unlink(path);
      else sameRows(host.list("/run/netloom/net/c1:eth0"), [], what);
      sameRows(host.snapshot().filter(isOthers), others, what);
    });
    this.test!.title += told;
  });

  it("in the kernel's answers ends every verb with a result or an error, and DEL finds all of it", function () {
    let { host } = inhabited();
    const told = rounds(1200, (random, round) => {
      if (round % 20 === 0) ({ host } = inhabited());
      const [plugin, good] = oneOf(random, programs);
      const stdin = JSON.stringify({ ...good, prevResult, "cni.dev/valid-attachments": valid });
      const odds = 1 + (random() % 12);
      // not ADD twice: its record would hide what a kernel that lied to the first one's undo has kept
      for (const command of ["ADD", oneOf(random, verbs.slice(1))]) {
        host.garble = (reply) => (random() % odds === 0 ? mutate(reply, random) : reply);
        const done = host.execute(plugin, { environment: environmentOf(command), stdin });
        host.garble = undefined;
        // where a real kernel would keep the caller waiting, the fake one throws
        if (!/the fake kernel has nothing to say/.test(done.stdout + done.stderr))
          holds(done, command);
        equal(`${host.leftOpen} ${host.running}`, "0 0", done.stdout);
      }
      const del = host.execute(plugin, { environment: environmentOf("DEL"), stdin });
      equal(del.status, 0, del.stdout);
      const left = host.snapshot().filter((row) => /net\/c1:/.test(row));
      sameRows(left, [], plugin.type);
    });
    this.test!.title += told;
  });
});

/** ADD of bridge and portmap for `c1`. @returns the result */
function attach(host: FuzzHost): object {
  let result: object | undefined;
  for (const [plugin, good] of [bridgeProgram, portmapProgram]) {
    const stdin = JSON.stringify({ ...good, prevResult: result });
    const done = host.execute(plugin, { environment: environmentOf("ADD"), stdin });
    equal(done.status, 0, done.stdout);
    result = JSON.parse(done.stdout);
  }
  return result as object;
}

/** Files that are shared, or c1's own. */
function isGarbled(path: string): boolean {
  return (
    /c1:eth0\/|ledger$|last_reserved|\/(10\.71|fd00)/.test(path) && !/10\.71\.0\.2$|::2$/.test(path)
  );
}

/** Broken bytes, or something that is well formed and wrong. */
function garbled(path: string, bytes: Uint8Array, random: Random): Uint8Array {
  if (!path.endsWith(".json") || random() % 2 === 0) return mutate(bytes, random);
  const record = JSON.parse(new TextDecoder().decode(bytes));
  const value =
    random() % 4 === 0 ? anyValue(random) : mutateDocument(record.value, random).document;
  return new TextEncoder().encode(JSON.stringify({ ...record, value }));
}

/** Whether the text names what was changed, or at least something in the document that does not go with it. */
function mentions(
  { msg = "", details = "" }: { msg?: string; details?: string },
  { path, document }: Mutated,
): boolean {
  const text = `${msg} ${details}`.toLowerCase().replace(/\s/g, "");
  const keys = [...path, ...JSON.stringify(document).matchAll(/"(\w+)":/g)].map((key) =>
    typeof key === "object" ? key[1] : key,
  );
  return keys.some((key) => typeof key === "string" && text.includes(key.toLowerCase()));
}
