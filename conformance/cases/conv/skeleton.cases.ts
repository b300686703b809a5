/**
 * What the shared frame of all programs answers: environment, versions, errors, arguments (checklist 6.21).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { loopbackConfig, portmapConfig, staticConfig } from "../../runner/vehicles.ts";
import { bridgeDelegator, caseOf, failsWith, prints } from "../delegators.ts";
import { refuses } from "../spec/questions.ts";
import { verbsOf } from "../spec/subjects.ts";

/** Variables that a verb cannot do without. */
const required: Record<string, readonly string[]> = {
  ADD: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  CHECK: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  DEL: ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"],
  GC: ["CNI_PATH"],
  STATUS: ["CNI_PATH"],
};
const variables = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"];

function answersWithout(trial: Trial, command: string, missing: readonly string[]) {
  const env = Object.fromEntries(missing.map((name) => [name, undefined]));
  const prevResult = { cniVersion: trial.newest, ips: [{ address: "10.0.0.2/24" }] };
  const more = command === "CHECK" ? { prevResult } : {};
  const config = staticConfig(trial.newest, more);
  return trial.call({ command, config, netns: trial.pod(), env });
}

const badVersions = ["1.2.0", "2.0.0", "0.5.0", "1.0.1", "1.1", "01.1.0", "v1.0.0", "1.1.0-rc1"];
const noVersions = ["x", "1.x.0", "1..0"];
const otherTypes = [1, true, [], {}];

/** Versions in stdin, and the codes of ADD and DEL, and of the other verbs. */
function refusesVersions(
  what: string,
  versions: unknown[],
  codes: number[],
  later: number[],
): Case {
  return {
    lines: ["U-254", "U-246", "SPEC-167"],
    program: "static",
    fact: `refuses ${what} as version, but not for VERSION`,
    run(trial) {
      const netns = trial.pod();
      for (const cniVersion of versions) {
        for (const command of verbsOf(trial)) {
          const config = { ...staticConfig(""), cniVersion };
          const isEither = command === "ADD" || command === "DEL";
          trial.fails({ command, config, netns }, isEither ? codes : later);
        }
        trial.ok({ command: "VERSION", config: { cniVersion } });
      }
    },
  };
}

const badResults: readonly [what: string, change: object][] = [
  ["an address without prefix", { ips: [{ address: "10.0.0.2" }] }],
  ["an address that is a number", { ips: [{ address: 5 }] }],
  ["a route without prefix", { routes: [{ dst: "10.0.0.0" }] }],
  ["a route through no address", { routes: [{ dst: "10.0.0.0/8", gw: "x" }] }],
];

export const cases: readonly Case[] = [
  ...Object.entries(required).map(
    ([command, names]): Case => ({
      lines: ["U-243", "SPEC-022"],
      program: "static",
      ...(names.length === 1 && { version: "1.1.0" }),
      fact: `wants the variables of ${command}, no more, and names all that are missing`,
      run(trial) {
        for (const name of variables) {
          const answer = answersWithout(trial, command, [name]);
          if (names.includes(name)) trial.failed(answer, 4, name);
          else equal(answer.status, 0, `${command} without ${name}: ${answer.stdout}`);
        }
        const { msg, details = "" } = trial.failed(answersWithout(trial, command, names), 4);
        for (const name of names) match(`${msg} ${details}`, RegExp(name));
      },
    }),
  ),
  refuses({
    lines: ["U-244", "SPEC-029"],
    fact: "refuses container IDs and interface names of other characters",
    codes: 4,
    inputs: [
      ...["1234%%%", "a b", "-a", "a/b"].map((containerId) => ({ what: containerId, containerId })),
      ...["1234567890123456", ".", "..", "a/b", "a:b", "a b"].map((ifName) => ({
        what: ifName,
        ifName,
      })),
    ],
  }),
  {
    lines: ["U-245"],
    program: "bandwidth",
    fact: "refuses a configuration without version when it does not know 0.1.0",
    run(trial) {
      if (trial.versions.includes("0.1.0")) trial.skip("it knows 0.1.0");
      const config = { name: "net1", type: "bandwidth" };
      const { msg, details } = trial.fails({ command: "ADD", config, netns: trial.pod() }, 1);
      match(`${msg} ${details}`, /incompatible CNI versions[\s\S]*0\.4\.0/);
    },
  },
  {
    lines: ["U-245", "U-246"],
    program: "static",
    fact: "says which versions it knows when it is sent another",
    run(trial) {
      const config = staticConfig("9.9.9");
      const { msg, details } = trial.fails({ command: "ADD", config, netns: trial.pod() }, 1);
      match(`${msg} ${details}`, /incompatible CNI versions/);
      for (const version of trial.versions) ok(`${msg} ${details}`.includes(version), details);
    },
  },
  {
    lines: ["U-246"],
    program: "static",
    fact: "tells a configuration that is too old for CHECK from one with a bad name",
    run(trial) {
      const call = { command: "CHECK", netns: trial.pod() };
      trial.fails({ ...call, config: staticConfig("0.3.1") }, 1, /does not allow CHECK/);
      trial.fails({ ...call, config: staticConfig("x") }, [1, 6]);
      trial.fails({ ...call, config: staticConfig(trial.newest, { name: "a/b" }) }, 7);
    },
  },
  ...["GC", "STATUS"].map(
    (command): Case => ({
      lines: ["U-246"],
      program: "static",
      version: "1.1.0",
      fact: `tells a configuration that is too old for ${command} from one with a bad name`,
      run(trial) {
        const text = RegExp(`does not allow ${command}`);
        trial.fails({ command, config: staticConfig("1.0.0") }, 1, text);
        trial.fails({ command, config: staticConfig("x") }, [1, 6]);
        trial.fails({ command, config: staticConfig("1.1.0", { name: "a/b" }) }, 7);
      },
    }),
  ),
  refusesVersions("a version that there is not", badVersions, [1], [1, 6]),
  refusesVersions("a text that is no version", noVersions, [1], [1, 6]),
  refusesVersions("what is no text", otherTypes, [6], [6]),
  ...["static", "loopback", "bridge", "portmap", "host-local"].map(
    (program): Case => ({
      lines: ["U-247"],
      program,
      fact: "answers VERSION with nothing but the command in its environment",
      run(trial) {
        const env = { CNI_PATH: undefined, PATH: undefined };
        const nobody = { containerId: null, ifName: null, env };
        for (const config of ["", "{", "[]", '{"cniVersion":"9.9.9"}']) {
          const reply = trial.ok({ ...nobody, command: "VERSION", config });
          deepEqual(reply.supportedVersions.toSorted(), [...trial.versions].sort());
        }
      },
    }),
  ),
  {
    lines: ["U-247"],
    program: "static",
    fact: "answers VERSION before its stdin ends",
    run(trial) {
      const program = join(trial.build.folder, "static");
      const script = `exec 3< <(sleep 20); ${program} <&3; status=$?; kill $!; exit $status`;
      const env = { CNI_COMMAND: "VERSION", PATH: "/usr/bin:/bin" };
      const { status, ms } = trial.host.run(["bash", "-c", script], { env });
      equal(status, 0);
      ok(ms < 15_000, `${ms} ms`);
    },
  },
  {
    lines: ["U-248"],
    program: "static",
    fact: "refuses a command that there is not, and says what it is without one",
    run(trial) {
      const config = staticConfig(trial.newest);
      trial.fails({ command: "NOPE", config, netns: trial.pod() }, 4, "unknown CNI_COMMAND: NOPE");
      const program = join(trial.build.folder, "static");
      for (const env of [{}, { CNI_COMMAND: "" }]) {
        const { stderr } = trial.host.run([program], { env });
        match(stderr, /static/);
      }
    },
  },
  {
    lines: ["U-249"],
    program: "static",
    fact: "fails with 5 when stdin cannot be read",
    run(trial) {
      const env = { CNI_COMMAND: "ADD", CNI_PATH: trial.build.folder };
      const rest = { CNI_CONTAINERID: "c1", CNI_NETNS: trial.pod(), CNI_IFNAME: "eth0" };
      const argv = ["bash", "-c", `exec ${trial.build.folder}/static < /`];
      const { status, stdout } = trial.host.run(argv, { env: { ...env, ...rest } });
      ok(status !== 0);
      const { code, msg } = JSON.parse(stdout);
      equal(code, 5);
      match(msg, /reading from stdin/);
    },
  },
  caseOf(bridgeDelegator, {
    lines: ["U-250"],
    fact: "prints an error of the specification's as it is, others with a code of 100 or more",
    run(trial, delegation) {
      delegation.fake.answers("ADD", failsWith(11, "try later", "soon"));
      const typed = trial.fails(delegation.call("ADD"), 11, "try later");
      match(typed.details, /soon/);
      const refused = {
        ips: [{ address: "10.9.0.2/24" }],
        routes: [{ dst: "10.50.0.0/16", gw: "10.200.0.1" }],
      };
      delegation.fake.answers("ADD", prints({ cniVersion: "1.0.0", ...refused }));
      const { code } = trial.fails(delegation.call("ADD"));
      ok(code >= 100, `code ${code}`);
    },
  }),
  ...["portmap", "loopback"].flatMap((program): Case[] => [
    {
      lines: ["U-251", "SPEC-176"],
      program,
      fact: "refuses a prevResult with addresses and routes that are none",
      run(trial) {
        const netns = trial.pod();
        for (const [what, change] of badResults) {
          const cniVersion = trial.newest;
          const prevResult = { cniVersion, ips: [{ address: "10.0.0.2/24" }], ...change };
          const config =
            program === "portmap"
              ? portmapConfig(cniVersion, [], { prevResult })
              : loopbackConfig(cniVersion, { prevResult });
          const answer = trial.call({ command: "ADD", config, netns });
          ok(answer.status !== 0, `takes ${what}`);
          ok([6, 7].includes(answer.json.code) || answer.json.code >= 100, answer.stdout);
        }
      },
    },
    {
      lines: ["U-252", "SPEC-174"],
      program,
      fact: "refuses a prevResult of an unknown version",
      run(trial) {
        const prevResult = { cniVersion: "9.9.9", ips: [{ address: "10.0.0.2/24" }] };
        const config =
          program === "portmap"
            ? portmapConfig(trial.newest, [], { prevResult })
            : loopbackConfig(trial.newest, { prevResult });
        trial.fails({ command: "ADD", config, netns: trial.pod() });
      },
    },
  ]),
  {
    lines: ["U-252"],
    program: "loopback",
    fact: "needs no prevResult",
    run(trial) {
      trial.ok({ command: "ADD", config: loopbackConfig(trial.newest), netns: trial.pod() });
    },
  },
];
