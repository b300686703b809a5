/**
 * portmap killed at every system call it makes: what DEL, another ADD and GC make of that.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { World } from "../../core/nft/world.ts";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { builtPrograms, type CniCall } from "../../kernel/sandbox.ts";

const portMappings = [
  { hostPort: 8080, containerPort: 80, protocol: "tcp" },
  { hostPort: 8081, containerPort: 80, protocol: "udp", hostIP: "127.0.0.1" },
];

describeKernel(
  "portmap killed",
  function () {
    this.timeout(120_000);
    let world: World;
    const config = (more = {}) => ({
      cniVersion: "1.1.0",
      name: "net",
      type: "portmap",
      runtimeConfig: { portMappings },
      prevResult: { cniVersion: "1.1.0", ips: [{ address: "10.71.0.2/24" }] },
      ...more,
    });
    const call = (command: string, containerId = "c1", more = {}): CniCall => ({
      command,
      containerId,
      netns: "/run/netns/A",
      config: config(more),
    });
    const good = (...args: Parameters<typeof call>): void => {
      const { status, stdout, stderr } = world.sandbox.cni(call(...args));
      equal(status, 0, `${args[0]}: ${stdout}${stderr}`);
    };
    /** Runs a verb under strace(1). @returns what strace wrote */
    const traced = (command: string, ...options: string[]): string => {
      const log = `${world.sandbox.scratch}/trace`;
      world.sandbox.run(["strace", "-o", log, ...options, `${builtPrograms}/portmap`], {
        input: JSON.stringify(config()),
        env: {
          PATH: "/usr/sbin:/usr/bin",
          CNI_COMMAND: command,
          CNI_CONTAINERID: "c1",
          CNI_IFNAME: "eth0",
          CNI_NETNS: "/run/netns/A",
          CNI_PATH: builtPrograms,
        },
      });
      return readFileSync(log, "utf8");
    };
    /** Every system call of a verb, as strace counts them: `sendto` and which of them. */
    const systemCalls = (command: string): [name: string, number: number][] => {
      const counts = new Map<string, number>();
      return [...traced(command).matchAll(/^(\w+)\(/gm)].slice(1).map(([, name = ""]) => {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        return [name, counts.get(name)!];
      });
    };
    const left = (): string[] => {
      const { nft, files } = world.sandbox.snapshot();
      const owned = nft.filter((object) => object.includes("net/"));
      return [...owned, ...files.filter((file) => /netloom\/\S/.test(file))];
    };
    /** Kills a verb at each of its system calls in turn. */
    const atEachCall = (command: string, before: () => void, after: () => void): void => {
      before();
      const calls = systemCalls(command);
      good("DEL");
      ok(calls.length > 30, `${calls.length} system calls`);
      for (const [name, number] of calls) {
        before();
        traced(command, "-e", `inject=${name}:signal=SIGKILL:when=${number}`);
        after();
        deepEqual(left(), [], `${command} killed at ${name} number ${number}`);
      }
    };

    before(() => {
      world = new World();
    });
    beforeEach(
      () => void world.sandbox.run(["sh", "-c", "nft flush ruleset; rm -rf /run/netloom"]),
    );
    after(() => world?.[Symbol.dispose]());

    it("at any point of ADD: DEL clears it", () => {
      atEachCall(
        "ADD",
        () => {},
        () => good("DEL"),
      );
    });

    it("at any point of ADD: ADD again works, and DEL clears that", () => {
      atEachCall(
        "ADD",
        () => {},
        () => {
          good("ADD");
          good("CHECK");
          good("DEL");
        },
      );
    });

    it("at any point of ADD, its namespace gone: GC clears it", () => {
      atEachCall(
        "ADD",
        () => {},
        () => good("GC", "c1", { "cni.dev/valid-attachments": [] }),
      );
    });

    it("at any point of DEL: DEL again clears it", () => {
      atEachCall(
        "DEL",
        () => good("ADD"),
        () => good("DEL"),
      );
    });
  },
  [...usual, "strace", "/usr/bin/python3"],
);
