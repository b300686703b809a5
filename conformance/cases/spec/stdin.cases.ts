/**
 * stdin: how it is read, and what is no configuration (checklist 1.C, 1.M).
 * @module
 */
import { equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { staticConfig } from "../../runner/vehicles.ts";
import { byteByByte, heldOpen, redirected, withIdleStdin } from "./launch.ts";
import { type Input, refuses, takes, takesOrRefuses } from "./questions.ts";
import {
  addressSubjects,
  casesOf,
  linkSubjects,
  type Setting,
  subjectOf,
  subjects,
  verbsOf,
} from "./subjects.ts";

const shared = ["static", "host-local", "loopback", "bridge", "portmap"];

function allVerbs(what: string, change: Partial<Input>): (trial: Trial) => Input[] {
  return (trial) =>
    verbsOf(trial).map((command) => ({ what: `${command} ${what}`, command, ...change }));
}

/** The bytes of each character, for what is no UTF-8. */
function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

const documents: readonly [string, ...string[]][] = [
  ["SPEC-148", "", " ", " \n\t "],
  ["SPEC-150", "[]", '"x"', "1", "true"],
  ["SPEC-152", '{"name":"a"}x', '{"name":"a"}{"name":"a"}', '{"name":"a"}}'],
  ["SPEC-154", '\ufeff{"name":"a"}'],
  [
    "SPEC-156",
    "// c\n{}",
    "{/**/}",
    '{"a":1,}',
    '{"a":[1,]}',
    "{'a':1}",
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":0x10}',
    '{"a":+1}',
    "{a:1}",
    '{"a":01}',
    '{"a":"\n"}',
  ],
  ["SPEC-157", `{"a":${"[".repeat(10_001)}${"]".repeat(10_001)}}`, '{"a":'.repeat(100_000)],
];

const noDocuments: readonly Input[] = documents.flatMap(([id, ...texts]) =>
  texts.map((config) => ({ what: `${id} ${JSON.stringify(config).slice(0, 40)}`, config })),
);

const odd: readonly Input[] = [
  { what: "UTF-16", config: Buffer.from('{"name":"a"}', "utf16le") },
  { what: "UTF-16 with a mark", config: Buffer.from('\ufeff{"name":"a"}', "utf16le") },
  { what: "zero bytes", config: '{"name":\0"a"}' },
  { what: "a zero byte at the end", config: '{"name":"a"}\0' },
];

const undecodable: Case[] = shared.map((program) =>
  refuses({
    lines: [
      "SPEC-038",
      "SPEC-148",
      "SPEC-150",
      "SPEC-152",
      "SPEC-154",
      "SPEC-155",
      "SPEC-156",
      "SPEC-157",
    ],
    program,
    fact: "refuses what is not one JSON object in UTF-8",
    codes: 6,
    inputs: [...noDocuments, ...odd],
  }),
);

const everyVerb: Case[] = subjects.map(({ program, needs = [] }) =>
  refuses({
    lines: ["SPEC-038", "SPEC-148", "SPEC-150"],
    program,
    needs,
    fact: "refuses every command without a configuration",
    codes: 6,
    inputs: (trial) => [
      ...allVerbs("nothing", { config: "" })(trial),
      ...allVerbs("a list", { config: "[]" })(trial),
    ],
  }),
);

const unreadable: Case[] = shared.map(subjectOf).flatMap((subject) =>
  casesOf([subject], {
    lines: ["SPEC-036", "SPEC-185", "SPEC-186"],
    fact: "says with code 5 that stdin cannot be read",
    run(setting, trial) {
      for (const command of verbsOf(trial)) {
        const call = (way: string) =>
          setting.call(command, {}, { config: "", through: redirected(way) });
        trial.unchanged(() => {
          trial.fails(call("</"), 5);
          trial.fails(call("<&-"), [5, 6]);
        }, setting.netns);
      }
    },
  }),
);

const slow: Case[] = casesOf([...addressSubjects, subjectOf("loopback")], {
  lines: ["SPEC-037"],
  fact: "reads stdin to its end, however slowly it comes",
  run(setting) {
    for (const through of [byteByByte, heldOpen]) {
      setting.add({}, { through });
      setting.ok("DEL", {}, { through });
    }
  },
});

const version: Case[] = subjects.map(
  ({ program, needs = [] }): Case => ({
    lines: ["SPEC-039", "SPEC-095"],
    program,
    needs,
    fact: "tells its versions whatever stdin is",
    run(trial) {
      const call = (config: string, through: readonly string[] = []) =>
        trial.ok({ command: "VERSION", config, through });
      const inputs = ["", "{", "x", "[]", "{}", '{"cniVersion":"9.9.9"}', '{"cniVersion":1}'];
      for (const config of inputs) ok(call(config).supportedVersions.includes("1.0.0"), config);
      const ways = [redirected("<&-"), redirected("</"), redirected("</dev/null")];
      for (const through of ways) ok(call("", through).supportedVersions.includes("1.0.0"));
    },
  }),
);

const idleVersion: Case[] = subjects.map(
  ({ program, needs = [] }): Case => ({
    lines: ["SPEC-039"],
    program,
    needs,
    fact: "does not wait for stdin to tell its versions",
    run(trial) {
      const call = { command: "VERSION", config: "", through: withIdleStdin };
      ok(trial.ok(call).supportedVersions.includes("1.0.0"));
    },
  }),
);

const large: Case[] = ["static", "bridge"].map((program) => ({
  lines: ["SPEC-040", "SPEC-163"],
  program,
  beside: program === "bridge" ? ["host-local"] : [],
  fact: "reads 32 MiB, in bounded memory",
  run(trial) {
    const padding = "x".repeat(32 << 20);
    const { keys } = subjectOf(program);
    const config = { cniVersion: trial.newest, name: "net1", type: program, ...keys, padding };
    const answer = trial.call({ command: "ADD", config, netns: trial.pod() });
    trial.succeeded(answer, "ADD");
    ok(answer.peakKib < 512 * 1024, `${answer.peakKib} KiB`);
  },
}));

/** A configuration in which a text is written as these bytes. */
function withBytes(trial: Trial, place: string, bytes: string): Uint8Array {
  const config = JSON.stringify(staticConfig(trial.newest, { name: "net1", zz: "unused" }));
  return latin1(config.replace(place, bytes));
}

/** Keys that mean something to an object in JavaScript. */
const inherited = ["__proto__", "constructor", "prototype"];

function withInherited(config: Record<string, unknown>): string {
  const trap = JSON.stringify({ isGateway: true, promiscMode: true, ipMasq: true, mtu: 1400 });
  const keys = inherited.map((key) => `${JSON.stringify(key)}:${trap}`).join(",");
  const args = `"args":{"cni":{${keys}}}`;
  return JSON.stringify(config).replace("{", `{${keys},${args},`).replace('"ipam":{', `$&${keys},`);
}

const prototypes: Case[] = casesOf(
  [...addressSubjects, subjectOf("loopback"), ...linkSubjects.slice(0, 2)],
  {
    lines: ["SPEC-162"],
    fact: "is not moved by keys that mean something to JavaScript",
    run(setting, trial) {
      const config = withInherited(setting.config);
      trial.ok({ command: "ADD", config, netns: setting.netns });
      const [bridge] = trial.host.ipJson("-d link show type bridge");
      ok(!bridge?.flags.includes("PROMISC"), "promiscuous");
      const [veth] = trial.host.ipJson("link show type veth");
      equal(veth?.mtu ?? 1500, 1500);
      ok(!JSON.stringify(trial.host.nftJson()).includes("masq"), "masquerades");
      trial.ok({ command: "DEL", config, netns: setting.netns });
    },
  },
);

/** ADD with the order of keys turned round. */
function turned(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, turned(each)]);
  return Object.fromEntries(entries.reverse());
}

function countOf({ config }: Setting): number {
  return Object.keys(config).length;
}

export const cases: readonly Case[] = [
  ...undecodable,
  ...everyVerb,
  refuses({
    lines: ["SPEC-151"],
    fact: "refuses null",
    codes: [6, 7],
    inputs: allVerbs("null", { config: "null" }),
  }),
  refuses({
    lines: ["SPEC-149", "SPEC-038"],
    fact: "refuses a configuration that is cut off anywhere",
    codes: 6,
    inputs(trial) {
      const whole = JSON.stringify(staticConfig(trial.newest));
      const lengths = Array.from({ length: Math.ceil(whole.length / 3) }, (_, n) => n * 3);
      return [...lengths, whole.length - 1].map((length) => ({
        what: `${length} bytes`,
        config: whole.slice(0, length),
      }));
    },
  }),
  takes({
    lines: ["SPEC-153"],
    fact: "takes blanks around the configuration",
    inputs: (trial) =>
      ["", "\n", " \t\r\n \n"].map((blanks) => ({
        what: JSON.stringify(blanks),
        config: `${blanks}${JSON.stringify(staticConfig(trial.newest))}${blanks}`,
      })),
  }),
  refuses({
    lines: ["SPEC-158", "SPEC-159"],
    fact: "refuses a name that is no text",
    codes: [6, 7],
    inputs: (trial) => [
      { what: "a byte", config: withBytes(trial, '"net1"', '"a\xff"') },
      { what: "half a pair", config: withBytes(trial, '"net1"', '"\\ud800"') },
    ],
  }),
  takesOrRefuses({
    lines: ["SPEC-158"],
    fact: "takes a text that it does not need and that is no UTF-8, or refuses it with code 6",
    codes: 6,
    inputs: (trial) => [{ what: "a byte", config: withBytes(trial, '"unused"', '"a\xff"') }],
  }),
  takes({
    lines: ["SPEC-159"],
    fact: "takes half a pair where it needs no text",
    inputs: (trial) => [{ what: "half a pair", config: withBytes(trial, '"unused"', '"\\ud800"') }],
  }),
  {
    lines: ["SPEC-160", "SPEC-161"],
    program: "static",
    fact: "lets the last of two equal keys count, or refuses both",
    run(trial) {
      const ipam = (address: string) =>
        `"ipam":{"type":"static","addresses":[{"address":"${address}"}]}`;
      const head = `{"cniVersion":"${trial.newest}","name":"a b","name":"net1"`;
      const config = `${head},${ipam("10.0.0.2/24")},${ipam("10.0.0.3/24")}}`;
      const answer = trial.call({ command: "ADD", config, netns: "/run/netns/none" });
      if (answer.status !== 0) return void trial.failed(answer, 6);
      const { ips } = trial.succeeded(answer, "ADD");
      ok(["10.0.0.3/24", "10.0.0.2/24,10.0.0.3/24"].includes(ips.map(addressOf).join()));
    },
  },
  ...prototypes,
  ...unreadable,
  ...slow,
  ...version,
  ...idleVersion,
  ...large,
  takes({
    lines: ["SPEC-040"],
    fact: "takes 100,000 keys that it does not know, and 5,000 levels",
    inputs: (trial) => [
      {
        what: "keys",
        change: Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key${n}`, n])),
      },
      {
        what: "levels",
        config: JSON.stringify(staticConfig(trial.newest)).replace(
          "{",
          `{"deep":${"[".repeat(5000)}${"]".repeat(5000)},`,
        ),
      },
    ],
  }),
  ...casesOf(subjects, {
    lines: ["SPEC-038"],
    fact: "takes its keys in any order",
    run(setting, trial) {
      const config = turned(setting.config) as Record<string, unknown>;
      equal(Object.keys(config).length, countOf(setting));
      setting.result = trial.ok({ command: "ADD", config, netns: setting.netns });
      setting.ok("DEL");
    },
  }),
];

function addressOf({ address }: { address: string }): string {
  return address;
}
