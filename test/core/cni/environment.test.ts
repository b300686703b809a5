import { deepEqual, equal, throws } from "node:assert/strict";

import { parseCniArgs, parseCniArgsLeniently } from "../../../core/cni/cni-args.ts";
import {
  checkEnvironment,
  knownCommand,
  mayUseOwnNetns,
  pluginDirectories,
  readEnvironment,
} from "../../../core/cni/environment.ts";
import { interfaceNameProblem } from "../../../core/cni/interface-name.ts";

const complete = [
  "CNI_COMMAND=ADD",
  "CNI_CONTAINERID=cid1",
  "CNI_NETNS=/run/netns/t1",
  "CNI_IFNAME=eth0",
  "CNI_PATH=/opt/cni/bin",
];
const without = (...names: string[]) =>
  complete.filter((entry) => !names.some((name) => entry.startsWith(`${name}=`)));
const check = (entries: string[], command: Parameters<typeof checkEnvironment>[1]) =>
  checkEnvironment(readEnvironment(entries), command);

describe("readEnvironment", () => {
  it("takes an empty variable for an unset one", () => {
    const environment = readEnvironment(["CNI_COMMAND=", "CNI_ARGS="]);
    equal(environment.command, undefined);
    equal(environment.get("CNI_ARGS"), undefined);
  });

  it("lets the first of two entries count, for delegates too", () => {
    const environment = readEnvironment(["CNI_IFNAME=a", "X=1", "CNI_IFNAME=b", "odd"]);
    equal(environment.get("CNI_IFNAME"), "a");
    deepEqual(environment.entries, ["CNI_IFNAME=a", "X=1", "odd"]);
  });

  it("keeps an equals sign in a value", () => {
    equal(readEnvironment(["CNI_ARGS=A=b=c"]).get("CNI_ARGS"), "A=b=c");
  });
});

describe("knownCommand", () => {
  for (const command of ["NOPE", "add", "ADD ", "Add", "ADDX", "UPDATE", "DELETE", "ADD\n"]) {
    it(`refuses ${JSON.stringify(command)}`, () => {
      const message = `unknown CNI_COMMAND: ${command}`;
      throws(() => knownCommand(command), { code: 4, message });
    });
  }
});

describe("checkEnvironment", () => {
  // [command, the variables it cannot do without]
  const needs: [Parameters<typeof check>[1], string[]][] = [
    ["ADD", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]],
    ["CHECK", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]],
    ["DEL", ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"]],
    ["GC", ["CNI_PATH"]],
    ["STATUS", ["CNI_PATH"]],
    ["VERSION", []],
  ];
  for (const [command, names] of needs) {
    for (const name of names) {
      it(`${command} names ${name} when it is missing or empty`, () => {
        const message = `required env variables [${name}] missing`;
        throws(() => check(without(name), command), { code: 4, message });
        throws(() => check([...without(name), `${name}=`], command), { code: 4, message });
      });
    }

    it(`${command} names all that are missing at once`, () => {
      if (names.length === 0) check([], command);
      else {
        const message = `required env variables [${names}] missing`;
        throws(() => check([], command), { code: 4, message });
      }
    });
  }

  it("does not look at what the command does not need", () => {
    check(["CNI_PATH=x", "CNI_CONTAINERID=a/b", "CNI_IFNAME=a/b"], "GC");
    check(["CNI_IFNAME=dummy/x", "CNI_NETNS=dummy"], "VERSION");
  });

  const badIds = ["a b", "a/b", "../x", ".x", "-x", "_x", "a%", "a:b", "é", "a\n", "a\tb"];
  for (const id of badIds) {
    it(`refuses the container ID ${JSON.stringify(id)}`, () => {
      throws(() => check([...without("CNI_CONTAINERID"), `CNI_CONTAINERID=${id}`], "ADD"), {
        code: 4,
        message: /^CNI_CONTAINERID: invalid characters in containerID/,
        details: `got ${JSON.stringify(id)}`,
      });
    });
  }

  for (const id of ["0", "A.b_c-9", "x".repeat(4000)]) {
    it(`takes the container ID ${id.slice(0, 10)}`, () => {
      check([...without("CNI_CONTAINERID"), `CNI_CONTAINERID=${id}`], "ADD");
    });
  }

  it("says both what is missing and what is wrong", () => {
    throws(() => check(["CNI_CONTAINERID=a b", "CNI_IFNAME=e"], "DEL"), {
      message: "required env variables [CNI_PATH] missing",
      details: /CNI_CONTAINERID: invalid characters/,
    });
  });
});

describe("interfaceNameProblem", () => {
  // [name, the problem]
  const bad: [string, RegExp][] = [
    ["", /is empty/],
    ["x".repeat(16), /too long/],
    ["é".repeat(8), /too long/],
    [".", /is \. or \.\./],
    ["..", /is \. or \.\./],
    ["a/b", /contains \/ or : or whitespace/],
    ["../b", /contains/],
    ["a:b", /contains/],
    ["a b", /contains/],
    ["a\tb", /contains/],
    ["a\nb", /contains/],
    ["a\u00a0b", /contains/],
    ["a\u2003b", /contains/],
    ["a\u0085b", /contains/],
    ["a\x7fb", /contains/],
    ["eth%d", /contains %/],
    ["all", /is all/],
    ["default", /is default/],
  ];
  for (const [name, problem] of bad) {
    it(`refuses ${JSON.stringify(name)}`, () => {
      equal(problem.test(interfaceNameProblem(name) ?? ""), true);
    });
  }

  for (const name of ["eth0", "x".repeat(15), "...", "-x", "é".repeat(7), "lo", "a\u200bb"]) {
    it(`takes ${JSON.stringify(name)}`, () => equal(interfaceNameProblem(name), undefined));
  }
});

describe("pluginDirectories", () => {
  it("keeps the order and drops empty elements", () => {
    const environment = readEnvironment(["CNI_PATH=::/a:b::/c:"]);
    deepEqual(pluginDirectories(environment), ["/a", "b", "/c"]);
  });
});

describe("mayUseOwnNetns", () => {
  for (const value of ["1", "true", "TRUE", "True"]) {
    it(`is true for ${value}`, () => {
      equal(mayUseOwnNetns(readEnvironment([`CNI_NETNS_OVERRIDE=${value}`])), true);
    });
  }
  for (const value of ["", "0", "yes"]) {
    it(`is false for "${value}"`, () => {
      equal(mayUseOwnNetns(readEnvironment([`CNI_NETNS_OVERRIDE=${value}`])), false);
    });
  }
});

describe("parseCniArgs", () => {
  const keys = ["IP", "GATEWAY"];

  // [CNI_ARGS, what is read]
  const good: [string, object][] = [
    ["", {}],
    ["IP=10.0.0.1/8;GATEWAY=", { IP: "10.0.0.1/8", GATEWAY: "" }],
    ["IgnoreUnknown=1;K8S_POD_NAME=x;IP=a", { IP: "a" }],
    ["K8S_POD_NAME=x;IgnoreUnknown=true", {}],
    ["IgnoreUnknown=True;__proto__=x", {}],
    ["IgnoreUnknown=0", {}],
  ];
  for (const [text, args] of good) {
    it(`reads "${text}"`, () => deepEqual(parseCniArgs(text, keys), args));
  }

  // [CNI_ARGS, message]
  const bad: [string, RegExp][] = [
    ["FOO", /^CNI_ARGS: invalid pair "FOO"$/],
    ["IP=b=c", /^CNI_ARGS: invalid pair "IP=b=c"$/],
    ["IP=b;", /^CNI_ARGS: invalid pair ""$/],
    [";IP=b", /^CNI_ARGS: invalid pair ""$/],
    ["=v", /^CNI_ARGS: unknown args \["=v"\]/],
    ["K8S_POD_NAME=x;A=b", /^CNI_ARGS: unknown args \["K8S_POD_NAME=x" "A=b"\]/],
    ["ip=x", /^CNI_ARGS: unknown args \["ip=x"\]/],
    ["IgnoreUnknown=0;X=y", /^CNI_ARGS: unknown args/],
    ["IgnoreUnknown=maybe", /error parsing value of pair "IgnoreUnknown=maybe"/],
  ];
  for (const [text, message] of bad) {
    it(`refuses "${text}"`, () => {
      throws(() => parseCniArgs(text, keys), { name: "CniError", code: 4, message });
    });

    it(`leaves out what is wrong in "${text}" when it has to go on`, () => {
      const warnings: string[] = [];
      parseCniArgsLeniently(text, keys, (warning) => warnings.push(warning));
      equal(warnings.length > 0, true);
    });
  }

  it("keeps what is right when it has to go on", () => {
    const args = parseCniArgsLeniently("FOO;IP=10.0.0.1/8;X=1", keys, () => {});
    deepEqual(args, { IP: "10.0.0.1/8" });
  });
});
