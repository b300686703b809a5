import { deepEqual, equal, throws } from "node:assert/strict";
import { FlagError, parseFlags } from "../../../core/daemon/flags.ts";

const known = {
  socketpath: { kind: "string", default: "", usage: "where to listen" },
  broadcast: { kind: "boolean", default: false, usage: "to everybody" },
  timeout: { kind: "duration", default: 10_000, usage: "how long" },
  mode: { kind: "string", default: "fast", usage: "which way" },
} as const;

/** As the reference prints it, word for word. */
const usage = `Usage of daemon:
  -broadcast
    \tto everybody
  -mode string
    \twhich way (default "fast")
  -socketpath string
    \twhere to listen
  -timeout duration
    \thow long (default 10s)
`;

const parse = (...words: string[]) => parseFlags("daemon", known, words);

describe("parseFlags", () => {
  it("gives the defaults", () => {
    deepEqual(parse(), {
      flags: { socketpath: "", broadcast: false, timeout: 10_000, mode: "fast" },
      rest: [],
    });
  });
  it("takes one dash or two, a blank or an equals sign", () => {
    const { flags } = parse("-timeout", "2s", "--mode=a=b", "-broadcast", "--socketpath", "/s");
    deepEqual(flags, { socketpath: "/s", broadcast: true, timeout: 2000, mode: "a=b" });
  });
  it("takes a value that begins with a dash, and an empty one", () => {
    deepEqual(parse("-mode", "-x", "-socketpath=").flags.mode, "-x");
  });
  it("takes Go's words for a truth, behind an equals sign alone", () => {
    equal(parse("-broadcast=T").flags.broadcast, true);
    equal(parse("-broadcast=0").flags.broadcast, false);
    deepEqual(parse("-broadcast", "false"), {
      flags: { ...parse().flags, broadcast: true },
      rest: ["false"],
    });
  });
  it("ends at the first word that is no flag, or behind two dashes", () => {
    deepEqual(parse("-broadcast", "word", "-mode", "x").rest, ["word", "-mode", "x"]);
    deepEqual(parse("--", "-mode", "x").rest, ["-mode", "x"]);
    deepEqual(parse("-", "x").rest, ["-", "x"]);
  });
  for (const [words, line] of [
    [["-bogus"], "flag provided but not defined: -bogus"],
    [["--bogus=1"], "flag provided but not defined: -bogus"],
    [["-timeout"], "flag needs an argument: -timeout"],
    [["-timeout", "5"], 'invalid value "5" for flag -timeout: parse error'],
    [["-broadcast=maybe"], 'invalid boolean value "maybe" for -broadcast: parse error'],
    [["-=3"], "bad flag syntax: -=3"],
    [["---x"], "bad flag syntax: ---x"],
    [["-constructor"], "flag provided but not defined: -constructor"],
  ] as const) {
    it(`refuses ${words.join(" ")} with the usage and status 2`, () => {
      throws(
        () => parse(...words),
        (error: FlagError) =>
          error instanceof FlagError && error.status === 2 && error.text === `${line}\n${usage}`,
      );
    });
  }
  for (const word of ["-h", "--help"]) {
    it(`${word} is the usage and status 0`, () => {
      throws(
        () => parse("-broadcast", word),
        (error: FlagError) => error.status === 0 && error.text === usage,
      );
    });
  }
});
