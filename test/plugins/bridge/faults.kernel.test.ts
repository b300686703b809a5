/**
 * Each step of ADD failing or being killed in turn, on a real kernel: what is left?
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../../kernel/sandbox.ts";
import { add, layer3, link, succeed } from "./network.ts";

const config = layer3(["10.1.2.0/24", "fd00::/64"], { ipMasq: true, macspoofchk: true });
/** Calls between which something may have changed: those at which a kill is tried. */
const changing = ["sendto", "recvmsg", "mkdirat", "linkat", "clone", "setns"];
const calls =
  "sendto,socket,setns,openat,open,ioctl,mkdirat,linkat,statfs,setsockopt,recvmsg,clone";

/** Runs bridge under strace. `inject` as in strace(1), without `inject=`. */
function traced(sandbox: Sandbox, command: "ADD" | "DEL", inject?: string, log = "/dev/null") {
  const argv = ["strace", "-o", log, "-e", `trace=${calls}`, "-e", "signal=none"];
  if (inject !== undefined) argv.push("-e", `inject=${inject}`);
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: "c1",
    CNI_IFNAME: "eth0",
    CNI_NETNS: "/run/netns/a",
    CNI_PATH: builtPrograms,
  };
  const program = join(builtPrograms, "bridge");
  return sandbox.run([...argv, program], { env, input: JSON.stringify(config) });
}

/** How often an undisturbed call makes each system call. */
function countCalls(command: "ADD" | "DEL"): Map<string, number> {
  using sandbox = Sandbox.create();
  add(sandbox, config, { netns: sandbox.pod("z"), containerId: "z" });
  sandbox.pod("a");
  if (command === "DEL") add(sandbox, config, { netns: "/run/netns/a" });
  const log = join(sandbox.scratch, "log");
  equal(traced(sandbox, command, undefined, log).status, 0);
  const counts = new Map<string, number>();
  for (const line of readFileSync(log, "utf8").split("\n")) {
    const [name] = /^\w+/.exec(line) ?? [];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** What an attachment may not leave. */
function state(sandbox: Sandbox) {
  const { links, addresses, nft, files } = sandbox.snapshot();
  const rules = nft.filter((row) => row.includes("/c1:"));
  const own = files.filter((row) => /\/c1:|\/10\.1\.2\.\d|\/fd00:/.test(row));
  return { links, addresses, rules, own };
}

/** A host on which another container is attached already, so that bridge and rules are there. */
function busyHost(): Sandbox {
  const sandbox = Sandbox.create();
  add(sandbox, config, { netns: sandbox.pod("z"), containerId: "z" });
  return sandbox;
}

describeKernel(
  "bridge ADD, step by step",
  function () {
    this.timeout(300_000);

    it("ROB-002, SPEC-049: undoes everything whichever system call fails", () => {
      using sandbox = busyHost();
      const before = state(sandbox);
      const failures: string[] = [];
      for (const [name, count] of countCalls("ADD")) {
        if (["recvmsg", "clone"].includes(name)) continue;
        for (let when = 1; when <= count; when++) {
          const netns = sandbox.pod("a");
          const done = traced(sandbox, "ADD", `${name}:error=ENOBUFS:when=${when}`);
          const inside = link(sandbox, "eth0", netns);
          const where = `${name} #${when}`;
          if (done.status === 0) {
            ok(inside, where); // what may fail without harm
            succeed(sandbox, { command: "DEL", config, netns });
          } else if (inside !== undefined) {
            failures.push(`${where}: eth0 is left: ${done.stdout}${done.stderr}`);
          }
          if (JSON.stringify(state(sandbox)) !== JSON.stringify(before)) {
            failures.push(
              `${where} ${done.status}: ${JSON.stringify(state(sandbox))} ${done.stdout} ${done.stderr}`,
            );
            succeed(sandbox, { command: "DEL", config, netns });
          }
          sandbox.deletePod("a");
        }
      }
      deepEqual(failures, []);
    });

    for (const gone of [false, true]) {
      it(`ROB-002: DEL cleans up after a kill at any call, namespace ${gone ? "gone" : "there"}`, () => {
        using sandbox = busyHost();
        const before = state(sandbox);
        const failures: string[] = [];
        for (const [name, count] of countCalls("ADD")) {
          if (!changing.includes(name)) continue;
          for (let when = 1; when <= count; when += gone ? 2 : 1) {
            const netns = sandbox.pod("a");
            traced(sandbox, "ADD", `${name}:signal=SIGKILL:when=${when}`);
            if (gone) sandbox.deletePod("a");
            succeed(sandbox, { command: "DEL", config, netns });
            if (JSON.stringify(state(sandbox)) !== JSON.stringify(before)) {
              failures.push(`${name} #${when}: ${JSON.stringify(state(sandbox))}`);
            }
            if (!gone) sandbox.deletePod("a");
          }
        }
        deepEqual(failures, []);
      });
    }

    it("ROB-025: a second DEL completes one that was killed at any call", () => {
      using sandbox = busyHost();
      const before = state(sandbox);
      const failures: string[] = [];
      const netns = sandbox.pod("a");
      for (const [name, count] of countCalls("DEL")) {
        if (!changing.includes(name)) continue;
        for (let when = 1; when <= count; when++) {
          add(sandbox, config, { netns });
          traced(sandbox, "DEL", `${name}:signal=SIGKILL:when=${when}`);
          succeed(sandbox, { command: "DEL", config, netns });
          if (JSON.stringify(state(sandbox)) === JSON.stringify(before)) continue;
          failures.push(`${name} #${when}: ${JSON.stringify(state(sandbox))}`);
        }
      }
      deepEqual(failures, []);
    });
  },
  [...usual, "strace"],
);
