/**
 * Descriptors, arguments, working directory, limits and rights that a program is given (checklist 1.B, 1.M).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdirSync } from "node:fs";
import type { Case } from "../../runner/case.ts";
import { promise } from "../../runner/invariants.ts";
import type { Trial } from "../../runner/trial.ts";
import { bridgeDelegator, caseOf as delegated, prints } from "../delegators.ts";
import {
  asNobody,
  inNoDirectory,
  redirected,
  sh,
  withArguments,
  withFullStderr,
  withSecondEntry,
  withSocketStdin,
} from "./launch.ts";
import {
  addressSubjects,
  casesOf,
  linkSubjects,
  type Setting,
  type Subject,
  subjectOf,
  subjects,
} from "./subjects.ts";

const loopback = subjectOf("loopback");
const alone = [...addressSubjects, loopback];
const chatty = ["static", "host-local", "loopback", "bridge", "portmap"].map(subjectOf);

/** ADD and DEL through the launcher: as good as without it. */
function worksThrough(setting: Setting, ways: readonly (readonly string[])[], env: object = {}) {
  for (const through of ways) {
    setting.add({}, { through, env: { ...env } });
    setting.ok("DEL", {}, { through, env: { ...env } });
  }
}

const stderr = casesOf(chatty, {
  lines: ["SPEC-017"],
  fact: "works whatever stderr is",
  run(setting) {
    worksThrough(setting, [redirected("2>&-"), redirected("2>/dev/full"), withFullStderr]);
  },
});

const answer = prints({ cniVersion: "1.0.0", ips: [{ address: "10.9.0.2/24" }] });

const chattyDelegate = delegated(bridgeDelegator, {
  lines: ["SPEC-017", "SPEC-016"],
  fact: "works with a chatty delegate, whatever stderr is",
  run(trial, delegation) {
    const talks = "{ head -c 100000 /dev/zero | tr '\\0' x >&2; } 2>&2 || true";
    delegation.fake.answers("ADD", `${talks}; ${answer}`);
    for (const through of [[], redirected("2>&-"), redirected("2>/dev/full")]) {
      const call = { ...delegation.call("ADD"), through };
      equal(trial.ok(call).ips.length, 1);
      trial.ok({ ...call, command: "DEL" });
    }
  },
});

/** Where the result of ADD cannot go. */
const unread = [
  ["closed", redirected(">&-")],
  ["full", redirected(">/dev/full")],
  ["a pipe that nobody reads", sh('{ sleep 0.1; "$0"; echo $? >&2; } | true; exit 1')],
] as const;

const stdout = unread.flatMap(([what, through]) =>
  casesOf(chatty, {
    lines: ["SPEC-018", "SPEC-194"],
    fact: `fails when stdout is ${what}, and leaves nothing that DEL does not find`,
    run(setting, trial) {
      const answer = trial.outcome(setting.call("ADD", {}, { through }));
      const shown =
        what === "closed" || what === "full" ? answer.status : lastNumber(answer.stderr);
      promise(shown !== 0, "it succeeded");
      setting.ok("DEL");
      leftNothing(trial);
    },
  }),
);

/** What the shell printed last. */
function lastNumber(text: string): number {
  return Number(text.trim().split("\n").at(-1));
}

/** Nothing of an attachment is on the host. */
function leftNothing(trial: Trial): void {
  const { nft, files, links } = trial.host.snapshot();
  ok(!nft.join().includes("8080"), "a published port is left");
  ok(!files.join().includes("10.1.2.2 "), "a reservation is left");
  ok(!/veth\*/.test(links.join()), "a link is left");
}

const noise = ["--help", "-v", "foo", "VERSION"];

const commandLine = casesOf(
  subjects.filter(({ program }) => program !== "dhcp"),
  {
    lines: ["SPEC-019"],
    fact: "does not look at arguments",
    run(setting) {
      worksThrough(setting, [withArguments(noise.join(" "))]);
    },
  },
);

const bareEnvironment: Case[] = casesOf(alone, {
  lines: ["SPEC-020"],
  fact: "needs no PATH, no home, no working directory and no certain kind of stdin",
  run(setting, trial) {
    const bare = { PATH: undefined };
    worksThrough(setting, [[], ["env", "-C", "/"]], bare);
    worksThrough(setting, [inNoDirectory, withSocketStdin]);
    trial.host.ok(["tee", "/run/stdin"], { input: JSON.stringify(setting.config) });
    setting.ok("ADD", {}, { through: redirected("</run/stdin"), config: "" });
    setting.ok("DEL", {}, { through: redirected("</run/stdin"), config: "" });
  },
});

const withTools = ["bridge", "portmap", "firewall", "tuning"].map(subjectOf);

const withoutTools: Case[] = casesOf(withTools, {
  lines: ["SPEC-020"],
  fact: "needs no PATH, or says that it does",
  run(setting, trial) {
    const call = setting.call("ADD", { ipMasq: true }, { env: { PATH: undefined } });
    const answer = trial.call(call);
    if (answer.status === 0) trial.ok({ ...call, command: "DEL" });
    else trial.failed(answer, undefined, /PATH|not found|executable|iptables|nft/);
  },
});

const ownNetwork: Case[] = casesOf(linkSubjects.slice(0, 2), {
  lines: ["SPEC-021"],
  fact: "works in the network namespace of its caller",
  run(setting, trial) {
    const other = trial.pod();
    const through = ["nsenter", `--net=${other}`];
    const before = trial.host.snapshot();
    setting.add({ ipMasq: true, isGateway: true }, { through });
    const during = trial.host.snapshot();
    deepEqual({ ...during, files: [] }, { ...before, files: [] });
    equal(trial.host.ipJson("link show type veth", other).length, 1);
    setting.ok("DEL", { ipMasq: true }, { through });
    deepEqual(trial.host.ipJson("link show type veth", other), []);
  },
});

const limits: readonly (readonly string[])[] = [
  ["prlimit", "--nofile=16"],
  ["prlimit", "--fsize=0"],
  ["prlimit", "--as=60000000"],
  ["prlimit", "--nofile=3"],
];

/** Attachments of others do not count, as long as all of this one goes. */
const limited: Case[] = casesOf(chatty, {
  lines: ["SPEC-193"],
  fact: "leaves nothing that DEL does not find under tight limits",
  run(setting, trial) {
    for (const through of limits) {
      const { status } = trial.outcome(setting.call("ADD", {}, { through }));
      setting.result = undefined;
      setting.ok("DEL", {}, { ...(status !== 0 && { netns: setting.netns }) });
    }
    leftNothing(trial);
  },
});

const cleanlyLimited: Case[] = casesOf(chatty, {
  lines: ["SPEC-193"],
  fact: "ends by itself under tight limits, with one document on stdout or none",
  run(setting, trial) {
    for (const through of limits) {
      const { status, signal, stdout: text } = trial.outcome(setting.call("ADD", {}, { through }));
      promise(signal === null, `${through.join(" ")}: ended by signal ${signal}`);
      if (text.trim() !== "") JSON.parse(text);
      if (status === 0) setting.ok("DEL");
    }
  },
});

const withoutRights: Case[] = casesOf([...linkSubjects, loopback, subjectOf("portmap")], {
  lines: ["SPEC-195"],
  fact: "says that it lacks the right",
  run(setting, trial) {
    const refuse = () => {
      const call = setting.call("ADD", {}, { through: asNobody });
      const { code } = trial.fails(call, undefined, /permi|root|EPERM|EACCES/i);
      ok(code === 5 || code >= 100, `code ${code}`);
    };
    trial.unchanged(refuse, setting.netns);
  },
});

const needsNoRights: Case[] = casesOf(addressSubjects.slice(0, 1), {
  lines: ["SPEC-195"],
  fact: "needs no rights for what takes none",
  run(setting) {
    worksThrough(setting, [asNobody]);
  },
});

/** What a shell would execute. */
const traps = ["$(touch /run/trap)", "; touch /run/trap", "`touch /run/trap`", "\ntouch /run/trap"];

function trapped(subject: Subject, trap: string): object {
  const ports = [{ hostPort: 8080, containerPort: 80, protocol: `tcp${trap}` }];
  const own: Record<string, object> = {
    static: {
      ipam: { type: "static", addresses: [{ address: "10.0.0.2/24" }], dns: { domain: trap } },
    },
    "host-local": { ipam: { ...(subject.keys as { ipam: object }).ipam, resolvConf: trap } },
    bridge: { bridge: `b${trap}` },
    portmap: { runtimeConfig: { portMappings: ports }, conditionsV4: [trap] },
    firewall: { firewalldZone: trap, iptablesAdminChainName: trap },
  };
  return { ...own[subject.program], zz: trap, args: { cni: { mac: trap } } };
}

const shells: Case[] = casesOf(
  ["static", "host-local", "loopback", "bridge", "portmap", "firewall", "tuning"].map(subjectOf),
  {
    lines: ["SPEC-189", "SPEC-190"],
    fact: "executes nothing that stands in its configuration",
    run(setting, trial) {
      for (const trap of traps) {
        const call = setting.call("ADD", trapped(setting.subject, trap), {
          env: { CNI_ARGS: `IgnoreUnknown=1;X=${trap.replaceAll(";", "")}` },
        });
        trial.call(call);
        trial.call({ ...call, command: "DEL" });
        equal(trial.host.run(["ls", "/run/trap"]).stdout, "", "a command was executed");
      }
    },
  },
);

const chainName: Case[] = casesOf([subjectOf("firewall")], {
  lines: ["SPEC-190"],
  fact: "makes no rule out of the name of a chain",
  run(setting, trial) {
    const change = { iptablesAdminChainName: "X -j DROP" };
    const answer = trial.call(setting.call("ADD", change));
    ok(!JSON.stringify(trial.host.nftJson()).includes('"drop"'), "a rule drops");
    if (answer.status !== 0) trial.failed(answer);
  },
});

export const cases: readonly Case[] = [
  {
    lines: ["SPEC-016"],
    program: "static",
    fact: "keeps warnings off stdout",
    run(trial) {
      const { ipam } = subjectOf("static").keys as { ipam: object };
      const odd = { ...ipam, adresses: [], zz: 1 };
      const config = { cniVersion: trial.newest, name: "net1", ipam: odd, unknown: 1 };
      trial.ok({ command: "ADD", config, netns: "/run/netns/none" });
    },
  },
  {
    lines: ["SPEC-016"],
    program: "host-local",
    fact: "keeps warnings off stdout when its files are odd",
    run(trial) {
      const folder = trial.host.path("/var/lib/cni/networks/net1");
      mkdirSync(folder, { recursive: true });
      const file = "/var/lib/cni/networks/net1/last_reserved_ip.0";
      const { ipam } = subjectOf("host-local").keys as { ipam: object };
      for (const text of ["", "x", "10.99.99.99"]) {
        trial.host.ok(["tee", file], { input: text });
        const config = { cniVersion: trial.newest, name: "net1", ipam };
        trial.ok({ command: "ADD", config, netns: "/run/netns/none", containerId: `c${text}` });
      }
    },
  },
  ...stderr,
  chattyDelegate,
  ...stdout,
  ...commandLine,
  ...bareEnvironment,
  ...withoutTools,
  ...ownNetwork,
  ...limited,
  ...cleanlyLimited,
  ...withoutRights,
  ...needsNoRights,
  ...shells,
  ...chainName,
  {
    lines: ["SPEC-192"],
    program: "static",
    fact: "takes one of two entries of a name, always the same",
    run(trial) {
      const { ipam } = subjectOf("static").keys as { ipam: object };
      const config = { cniVersion: trial.newest, name: "net1", ipam };
      const through = withSecondEntry("CNI_IFNAME=a/b");
      const call = { command: "ADD", config, netns: "/run/netns/none", through };
      const seen = [1, 2, 3].map(() => trial.call(call).status);
      equal(new Set(seen).size, 1);
    },
  },
];
