/**
 * The built firewall beside Debian's firewalld, on a system bus of their own, with packets. Numbers are those of the
 * conformance checklist.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { peers } from "../../../scripts/place.ts";
import { busPrograms, Firewalld, startSystemBus } from "../../kernel/firewalld.ts";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { firewallWorld, type More, resultOf } from "./firewall-world.ts";
import { droppers } from "./other-firewalls.ts";

const both = ["10.71.0.2/32", "fd71::2/128"];
const none: More = {
  config: { prevResult: undefined },
  call: { containerId: null, ifName: null, netns: null },
};
const asked: More = { config: { backend: "firewalld" } };

describeKernel(
  "firewall with firewalld",
  function () {
    this.timeout(90_000);
    const here = firewallWorld();
    const { good, refused, run, reaches, cut, elements } = here;
    let firewalld: Firewalld;
    before(() => {
      startSystemBus(here.world.sandbox);
      firewalld = new Firewalld(here.world.sandbox);
    });
    beforeEach(() => {
      here.world.nft("add table inet firewalld"); // flushed since; firewalld deletes the one that it knows
      firewalld.cmd("--reload");
    });
    const sources = (zone = "trusted"): string[] =>
      firewalld.cmd(`--zone=${zone} --list-sources`).split(" ").filter(Boolean).sort();

    /** As `refused`, but for what our tables and firewalld's zones are made of. */
    const fails = (code: number, message: RegExp, verb: string, more: More): string => {
      const left = () => [
        ...["pods4", "pods6"].flatMap(elements),
        here.world.sh("H", "find /run/netloom -type f 2>/dev/null || true"),
      ];
      const before = left();
      const { status, json } = run(verb, "A", more);
      const text = `${json?.msg}; ${json?.details}`;
      deepEqual([status, json?.code], [1, code], text);
      match(text, message);
      deepEqual(left(), before);
      return text;
    };

    it("U-185, U-186: is told where it runs, until DEL", () => {
      cut("A", "192.0.2.2");
      equal(good("ADD", "A").stderr, "");
      deepEqual(sources(), both);
      reaches("A", "192.0.2.2");
      good("CHECK", "A");
      good("STATUS", "A", none);
      cut("O", "10.71.0.2");
      for (const _ of "12") good("DEL", "A");
      deepEqual(sources(), []);
      cut("A", "192.0.2.2");
    });

    it("is told beside iptables' tables and ours: each of them lets the container through", () => {
      here.world.sh("H", droppers.docker);
      good("ADD", "A", asked);
      reaches("A", "192.0.2.2");
      good("CHECK", "A", asked);
      equal(elements("pods4").length, 1);
    });

    it("opens published ports with the rest", () => {
      const runtimeConfig = {
        portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      };
      good("ADD", "A", { config: { type: "portmap", runtimeConfig } });
      good("ADD", "A");
      const ask = () => here.world.ask([{ from: "O", dst: "192.0.2.1", port: 8080 }], 2)[0];
      equal(ask(), "A 192.0.2.2");
    });

    it("U-187: is told another zone, and of a zone that changes", () => {
      const work = { config: { firewalldZone: "work" } };
      good("ADD", "A", work);
      deepEqual([sources("work"), sources()], [both, []]);
      good("ADD", "A");
      deepEqual([sources("work"), sources()], [[], both]);
      good("DEL", "A", work);
      deepEqual(sources(), []);
    });

    it("CHECK names the source that a reload has lost, and the next ADD works", () => {
      good("ADD", "A");
      firewalld.cmd("--reload");
      const text = refused(
        101,
        /failed to find the address 10\.71\.0\.2\/32 in trusted zone/,
        "CHECK",
        "A",
      );
      match(text, /chain "filter_FORWARD" of table "inet firewalld" drops what pods send/);
      good("ADD", "B");
      good("CHECK", "B");
      reaches("B", "192.0.2.2");
      const [command] = [...text.matchAll(/it takes: firewall-cmd (.*?)(?=;|$)/g)].map(
        (found) => found[1]!,
      );
      firewalld.cmd(command!);
      refused(101, /failed to find the address fd71::2\/128/, "CHECK", "A");
      good("ADD", "A");
      good("CHECK", "A");
      good("DEL", "A");
    });

    it("is not missed while it is stopped, and its rules are when it comes again", async () => {
      good("ADD", "A");
      await firewalld.stop();
      try {
        for (const verb of ["CHECK", "ADD", "DEL"]) equal(good(verb, "A").stderr, "");
        good("STATUS", "A", none);
        good("ADD", "A");
        const text = refused(
          11,
          /firewalld does not run: nobody on "unix:path=\/run\/dbus\/system_bus_socket" has the name/,
          "ADD",
          "A",
          asked,
        );
        match(text, /start firewalld, or leave "backend" out/);
        refused(101, /firewalld does not run/, "CHECK", "A", asked);
        refused(50, /firewalld cannot be told of containers.*start firewalld/, "STATUS", "A", {
          ...none,
          config: { ...none.config, ...asked.config },
        });
        good("DEL", "B", asked);
      } finally {
        firewalld.start();
      }
      refused(101, /failed to find the address/, "CHECK", "A");
      good("ADD", "A");
      good("CHECK", "A");
    });

    it("is left alone with another back end, and what it drops is told", () => {
      for (const backend of ["nftables", "iptables"]) {
        const own = { config: { backend } };
        good("ADD", "A", own);
        deepEqual(sources(), []);
        cut("A", "192.0.2.2");
        const text = refused(
          101,
          /"filter_FORWARD" of table "inet firewalld" drops/,
          "CHECK",
          "A",
          own,
        );
        refused(51, /firewalld/, "STATUS", "A", { ...none, config: { ...none.config, backend } });
        for (const [, command] of text.matchAll(/it takes: firewall-cmd (.*?)(?=;|$)/g))
          firewalld.cmd(command!);
        good("CHECK", "A", own);
        reaches("A", "192.0.2.2");
        firewalld.cmd("--reload");
      }
      match(
        good("ADD", "A", { config: { backend: "nftables", firewalldZone: "work" } }).stderr,
        /"firewalldZone" is not used/,
      );
    });

    it("GC takes out what stale attachments of the network left", () => {
      for (const pod of ["A", "B"] as const) good("ADD", pod);
      good("ADD", "C", { config: { name: "net2" } });
      const config = {
        "cni.dev/valid-attachments": [{ containerID: "A", ifname: "eth0" }],
        prevResult: undefined,
      };
      for (const _ of "12") good("GC", "A", { ...none, config });
      deepEqual(sources(), ["10.71.0.2/32", "10.72.0.2/32", "fd71::2/128", "fd72::2/128"]);
    });

    it("keeps the source of an address that another container has by now", () => {
      good("ADD", "A");
      good("ADD", "B", { config: { prevResult: resultOf("A") } });
      for (const _ of "12") good("DEL", "A");
      deepEqual(sources(), both);
      good("DEL", "B");
      deepEqual(sources(), []);
    });

    it("takes out what another program's ADD has put in", () => {
      for (const source of both) firewalld.cmd(`--zone=trusted --add-source=${source}`);
      good("ADD", "A");
      good("CHECK", "A");
      here.world.sh("H", "rm -r /run/netloom/net");
      good("DEL", "A", { call: { netns: null } });
      deepEqual(sources(), []);
    });

    it("CHECK and DEL take over what the reference's firewall has told it", () => {
      const theirs = {
        call: { bin: peers },
        config: { backend: "firewalld", cniVersion: "1.0.0" },
      };
      good("ADD", "A", theirs);
      deepEqual(sources(), both);
      const ours = { config: { ...theirs.config } };
      good("CHECK", "A", ours);
      for (const source of both) firewalld.cmd(`--zone=trusted --remove-source=${source}`);
      equal(run("CHECK", "A", ours).status, 1, "its sources are gone");
      for (const source of both) firewalld.cmd(`--zone=trusted --add-source=${source}`);
      for (const _ of "12") good("DEL", "A", ours);
      deepEqual(sources(), []);
    });

    it("ADD says which zone has the address, and leaves nothing", () => {
      firewalld.cmd("--zone=work --add-source=fd71::2/128");
      const text = fails(
        999,
        /failed to add the address fd71::2\/128 to trusted zone: firewalld has it in zone "work"/,
        "ADD",
        {},
      );
      deepEqual(sources(), []);
      firewalld.cmd(/firewall-cmd (.*)/.exec(text)![1]!);
      good("ADD", "A");
    });

    it("ADD and STATUS refuse a zone that is not there", () => {
      const nowhere = { firewalldZone: "nowhere" };
      fails(7, /"firewalldZone": firewalld has no zone "nowhere"; .*--get-zones/, "ADD", {
        config: nowhere,
      });
      fails(7, /has no zone "nowhere"/, "STATUS", {
        ...none,
        config: { ...none.config, ...nowhere },
      });
      fails(101, /has no zone "nowhere"/, "CHECK", { config: nowhere });
      good("DEL", "A", { config: nowhere });
    });

    it("serves calls at once", async () => {
      const pods = ["A", "B", "C"] as const;
      for (const verb of ["ADD", "ADD", "DEL"]) {
        const calls = pods.flatMap((pod) => [here.call(verb, pod), here.call(verb, pod)]);
        for (const { status, stdout } of await here.world.sandbox.cniAtOnce(calls))
          equal(status, 0, stdout);
        if (verb === "ADD") equal(sources().length, 6);
      }
      deepEqual(sources(), []);
    });

    /** Runs a call under strace, which changes what one of its system calls does; undefined when it makes no such call. */
    const injected = (verb: string, inject: string): { succeeded: boolean } | undefined => {
      const { program, options } = Sandbox.invocation(here.call(verb, "A", asked));
      const log = "/run/strace.log";
      const argv = ["strace", "-o", log, "-e", `inject=${inject}`, program];
      const { status } = here.world.sandbox.run(argv, options);
      const wasHit = /INJECTED|killed by SIGKILL/.test(here.world.sh("H", `cat ${log}; rm ${log}`));
      return wasHit ? { succeeded: status === 0 } : undefined;
    };
    const nothingIsLeft = (): void => {
      deepEqual(sources(), []);
      deepEqual(["pods4", "pods6"].flatMap(elements), []);
      equal(here.world.sh("H", "find /run/netloom -type f 2>/dev/null || true"), "");
    };
    /** Each of the calls of that name in turn; after one that makes no difference comes DEL. */
    const every = (verb: string, call: string, what: string, after: () => void): void => {
      for (let at = 1; ; at++) {
        good(verb === "DEL" ? "ADD" : "DEL", "A");
        const done = injected(verb, `${call}:${what}:when=${at}`);
        if (done === undefined) {
          equal(at > 1 && at < 40, true, `${verb} makes ${at - 1} calls of ${call}`);
          return;
        }
        if (done.succeeded) good("DEL", "A");
        after();
      }
    };

    for (const call of ["connect", "sendto", "recvfrom"]) {
      it(`leaves nothing to a second DEL when it is killed at ${call}`, () => {
        for (const verb of ["ADD", "DEL"]) {
          every(verb, call, "signal=KILL", () => {
            good("DEL", "A");
            nothingIsLeft();
          });
        }
      });
    }

    it("undoes an ADD whose calls fail, and DEL that failed is done by the next", () => {
      for (const call of ["connect", "sendto", "recvfrom", "setsockopt", "write"]) {
        every("ADD", call, `error=${call === "write" ? "ENOSPC" : "ECONNRESET"}`, nothingIsLeft);
      }
      every("DEL", "recvfrom", "error=ECONNRESET", () => {
        good("DEL", "A");
        nothingIsLeft();
      });
    });

    it("steps over a record that is broken, and goes by the result", () => {
      const file = "/run/netloom/net/A:eth0/firewall.json";
      for (const change of ["s/10.71.0.2.32/x/", 's/"zone":"trusted"/"zone":3/', "s/.$//"]) {
        good("ADD", "A");
        here.world.sh("H", `sed -i '${change}' ${file}`);
        match(good("DEL", "A").stderr, /steps over/);
        nothingIsLeft();
      }
    });

    it("a bus that does not answer is said, and no reason to fail without a back end", async () => {
      const bus = here.world.sandbox;
      bus.ok(["sh", "-c", "mv /run/dbus/system_bus_socket /run/dbus/there"]);
      try {
        const deaf = bus.start([
          "/usr/bin/python3",
          "-c",
          "import socket,time; s=socket.socket(socket.AF_UNIX); s.bind('/run/dbus/system_bus_socket'); s.listen(); print('up', flush=True); time.sleep(60)",
        ]);
        while (!deaf.output().includes("up")) await new Promise((wake) => setTimeout(wake, 20));
        const { stderr } = good("ADD", "A");
        match(
          stderr,
          /whether firewalld runs is not known: .*NameHasOwner.*no answer within 5000 ms/,
        );
        await deaf.stop();
      } finally {
        bus.ok(["sh", "-c", "mv /run/dbus/there /run/dbus/system_bus_socket"]);
      }
    });
  },
  [...usual, ...busPrograms, "iptables", "strace", join(peers, "firewall")],
);
