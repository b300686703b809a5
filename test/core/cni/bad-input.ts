/**
 * Input that a program refuses, or just takes: the negative matrix of the conformance checklist (1.M) as far as it
 * concerns every program. For tests of the skeleton and of built programs.
 * @module
 */

/** One row of the matrix. */
export interface BadInput {
  /** Number in the checklist. */
  id: string;
  what: string;
  /** Default ADD. */
  command?: string;
  /** Replaces or, with `undefined`, removes variables. */
  env?: Record<string, string | undefined>;
  /** stdin; when left out, a good configuration with `change`. */
  stdin?: string | Uint8Array;
  /** Members that replace those of a good configuration. */
  change?: object;
  /** Error code that is wanted; 0 for success. */
  code: number;
  /** What `msg` or `details` has to say. */
  says?: RegExp;
}

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");
const badIds = ["a b", "a/b", "../x", ".x", "-x", "_x", "a%", "a:b", "é", "a\n", "a\tb"];
const badNames = ["../x", ".x", "-x", "_x", "a/b", "a b", "a\u0000b", "é", "a\n", "a\\b"];
const badLinks = ["x".repeat(16), "é".repeat(8), ".", "..", "a/b", "../b", "a:b", "a b", "a\tb"];
const noVersions = [
  "1.1",
  "v1.0.0",
  "01.1.0",
  "1.0.1",
  "0.5.0",
  "2.0.0",
  "1.1.0-rc1",
  " 1.0.0",
  "x",
];
const noJson = [
  "// c\n{}",
  "{/**/}",
  '{"a":1,}',
  "{'a':1}",
  '{"a":NaN}',
  '{"a":Infinity}',
  '{"a":0x10}',
];
const verbs = ["ADD", "DEL", "CHECK", "GC", "STATUS"];

/** The rows. */
export const badInputs: readonly BadInput[] = [
  { id: "SPEC-122", what: "unknown command", command: "NOPE", code: 4, says: /CNI_COMMAND: NOPE/ },
  {
    id: "SPEC-123",
    what: "and no JSON",
    command: "NOPE",
    stdin: "{",
    code: 4,
    says: /CNI_COMMAND/,
  },
  { id: "SPEC-124", what: "lower case", command: "add", code: 4, says: /CNI_COMMAND/ },
  { id: "SPEC-124", what: "a newline", command: "ADD\n", code: 4, says: /CNI_COMMAND/ },
  ...["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"].flatMap((name) => [
    { id: "SPEC-125", what: `no ${name}`, env: { [name]: undefined }, code: 4, says: RegExp(name) },
    { id: "SPEC-127", what: `empty ${name}`, env: { [name]: "" }, code: 4, says: RegExp(name) },
  ]),
  {
    id: "SPEC-126",
    what: "only the command",
    env: { CNI_CONTAINERID: "", CNI_NETNS: "", CNI_IFNAME: "", CNI_PATH: "" },
    code: 4,
    says: /\[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH\] missing/,
  },
  {
    id: "SPEC-128",
    what: "two faults",
    env: { CNI_CONTAINERID: "a b", CNI_PATH: "" },
    code: 4,
    says: /CNI_PATH.*CNI_CONTAINERID/,
  },
  ...badIds.map((id) => ({
    id: "SPEC-129",
    what: `container ID ${JSON.stringify(id)}`,
    env: { CNI_CONTAINERID: id },
    code: 4,
    says: /CNI_CONTAINERID/,
  })),
  ...badLinks.map((name) => ({
    id: "SPEC-132…136",
    what: `interface name ${JSON.stringify(name)}`,
    env: { CNI_IFNAME: name },
    code: 4,
    says: /CNI_IFNAME/,
  })),
  { id: "SPEC-138", what: "%", env: { CNI_IFNAME: "eth%d" }, code: 4, says: /CNI_IFNAME/ },
  { id: "SPEC-140", what: "all", env: { CNI_IFNAME: "all" }, code: 4, says: /CNI_IFNAME/ },
  { id: "SPEC-140", what: "default", env: { CNI_IFNAME: "default" }, code: 4, says: /CNI_IFNAME/ },
  ...verbs.flatMap((command) => [
    { id: "SPEC-148", what: `${command}, no stdin`, command, stdin: "", code: 6 },
    { id: "SPEC-150", what: `${command}, a list`, command, stdin: "[]", code: 6 },
    { id: "SPEC-003", what: `${command}, no name`, command, change: { name: undefined }, code: 7 },
    { id: "SPEC-003", what: `${command}, empty name`, command, change: { name: "" }, code: 7 },
    { id: "SPEC-004", what: `${command}, bad name`, command, change: { name: "a/b" }, code: 7 },
    { id: "SPEC-165", what: `${command}, version 1`, command, change: { cniVersion: 1 }, code: 6 },
  ]),
  { id: "SPEC-148", what: "blanks", stdin: " \n\t ", code: 6 },
  { id: "SPEC-150", what: "a text", stdin: '"x"', code: 6 },
  { id: "SPEC-150", what: "a number", stdin: "1", code: 6 },
  { id: "SPEC-150", what: "true", stdin: "true", code: 6 },
  { id: "SPEC-151", what: "null", stdin: "null", code: 6 },
  {
    id: "SPEC-152",
    what: "garbage behind",
    stdin: '{"name":"a"}x',
    code: 6,
    says: /line 1, column 13/,
  },
  { id: "SPEC-152", what: "two documents", stdin: '{"name":"a"}{"name":"a"}', code: 6 },
  {
    id: "SPEC-154",
    what: "byte order mark",
    stdin: '\ufeff{"name":"a"}',
    code: 6,
    says: /byte order/,
  },
  { id: "SPEC-155", what: "UTF-16", stdin: Buffer.from('{"name":"a"}', "utf16le"), code: 6 },
  { id: "SPEC-155", what: "zero bytes", stdin: '{"name":\0"a"}', code: 6 },
  ...noJson.map((stdin) => ({ id: "SPEC-156", what: stdin, stdin, code: 6, says: /line \d/ })),
  { id: "SPEC-157", what: "10,001 levels", stdin: `{"a":${"[".repeat(10_000)}`, code: 6 },
  { id: "SPEC-157", what: "a million levels", stdin: '{"a":'.repeat(1_000_000), code: 6 },
  { id: "SPEC-158", what: "bad UTF-8", stdin: latin1('{"name":"a\xff"}'), code: 6, says: /UTF-8/ },
  { id: "SPEC-159", what: "lone surrogate", stdin: '{"name":"\\ud800"}', code: 7 },
  { id: "SPEC-164", what: "name a number", change: { name: 5 }, code: 6, says: /"name"/ },
  { id: "SPEC-164", what: "name a list", change: { name: [] }, code: 6, says: /"name"/ },
  ...badNames.map((name) => ({
    id: "SPEC-004",
    what: `name ${JSON.stringify(name)}`,
    change: { name },
    code: 7,
    says: /network name/,
  })),
  { id: "SPEC-165", what: "version a list", change: { cniVersion: [] }, code: 6 },
  { id: "SPEC-165", what: "version an object", change: { cniVersion: {} }, code: 6 },
  { id: "SPEC-165", what: "version true", change: { cniVersion: true }, code: 6 },
  ...noVersions.flatMap((cniVersion) =>
    verbs.map((command) => ({
      id: "SPEC-167",
      what: `${command} at ${JSON.stringify(cniVersion)}`,
      command,
      change: { cniVersion },
      code: 1,
      says: /incompatible CNI versions; config is ".*", plugin supports \["0.1.0" /,
    })),
  ),
  ...[undefined, "", null, "0.1.0", "0.2.0", "0.3.0", "0.3.1"].map((cniVersion) => ({
    id: "SPEC-169",
    what: `CHECK at ${JSON.stringify(cniVersion)}`,
    command: "CHECK",
    change: { cniVersion },
    code: 1,
    says: /does not allow CHECK/,
  })),
  ...["GC", "STATUS"].flatMap((command) =>
    [undefined, "0.2.0", "0.4.0", "1.0.0"].map((cniVersion) => ({
      id: "SPEC-169",
      what: `${command} at ${JSON.stringify(cniVersion)}`,
      command,
      change: { cniVersion },
      code: 1,
      says: RegExp(`does not allow ${command}`),
    })),
  ),
  { id: "SPEC-170", what: "prevResult a text", change: { prevResult: "x" }, code: 6 },
  { id: "SPEC-170", what: "prevResult a list", change: { prevResult: [] }, code: 6 },
  {
    id: "SPEC-174",
    what: "prevResult 9.9.9",
    change: { prevResult: { cniVersion: "9.9.9" } },
    code: 1,
  },
  ...["interfaces", "ips", "routes"].map((key) => ({
    id: "SPEC-175",
    what: `prevResult ${key} null`,
    change: { prevResult: { [key]: [null] } },
    code: 6,
    says: RegExp(`"prevResult.${key}\\[0\\]"`),
  })),
  {
    id: "SPEC-176",
    what: "prevResult address",
    change: { prevResult: { ips: [{ address: "10.0.0.1" }] } },
    code: 7,
  },
  {
    id: "SPEC-177",
    what: "prevResult index",
    change: { prevResult: { ips: [{ address: "10.0.0.1/8", interface: 99 }] } },
    code: 7,
  },
];

/** Input that looks odd and is all right. */
export const oddInputs: readonly Omit<BadInput, "code">[] = [
  { id: "SPEC-130", what: "4000 characters", env: { CNI_CONTAINERID: "x".repeat(4000) } },
  { id: "SPEC-131", what: "container ID 0", env: { CNI_CONTAINERID: "0" } },
  { id: "SPEC-131", what: "container ID A.b_c-9", env: { CNI_CONTAINERID: "A.b_c-9" } },
  { id: "SPEC-133", what: "15 bytes", env: { CNI_IFNAME: "x".repeat(15) } },
  { id: "SPEC-133", what: "...", env: { CNI_IFNAME: "..." } },
  { id: "SPEC-133", what: "-x", env: { CNI_IFNAME: "-x" } },
  { id: "SPEC-004", what: "a long name", change: { name: "a".repeat(200) } },
  { id: "SPEC-004", what: "name a_b.c-d", change: { name: "a_b.c-d" } },
  {
    id: "SPEC-005",
    what: "reserved keys",
    change: { "cni.dev/foo": { x: 1 }, runtimeConfig: { z: 1 } },
  },
  { id: "SPEC-006", what: "an unknown key", change: { zzUnknown: "v-123" } },
  {
    id: "SPEC-007",
    what: "keys of the list",
    change: {
      plugins: [],
      disableCheck: true,
      disableGC: true,
      cniVersions: [],
      loadOnlyInlinedPlugins: true,
      capabilities: { mac: true },
    },
  },
  { id: "SPEC-160", what: "prevResult null", change: { prevResult: null } },
  { id: "SPEC-162", what: "constructor", change: { constructor: 1, prototype: { mtu: 5 } } },
  { id: "SPEC-179", what: "type a number", change: { type: 5 } },
  { id: "SPEC-181", what: "capabilities a text", change: { capabilities: "x" } },
  { id: "SPEC-184", what: "dns a list", change: { dns: [] } },
  { id: "OLD-003", what: "CNI_VERSION", env: { CNI_VERSION: "9" } },
  {
    id: "SPEC-019",
    what: "more environment",
    env: { HOME: undefined, PATH: undefined, LANG: "tlh" },
  },
];
