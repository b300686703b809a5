/**
 * cnitool, libcni's own client: every verb and version on chains of our programs, from files on disk.
 */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../../test/kernel/requirements.ts";
import { Sandbox } from "../../test/kernel/sandbox.ts";
import { Cnitool, type CnitoolOptions, cnitoolProgram } from "./cnitool.ts";
import { differences, hostState } from "./host-state.ts";
import { programs } from "./programs.ts";
import { Recorder } from "./recording.ts";
import { makeRoot, page, serveWeb } from "./root-file-system.ts";

const bridge = (name: string, third: number) => ({
  type: "bridge",
  bridge: `${name}0`,
  isGateway: true,
  isDefaultGateway: true,
  ipMasq: true,
  hairpinMode: true,
  ipam: {
    type: "host-local",
    ranges: [[{ subnet: `10.60.${third}.0/24` }], [{ subnet: `fd60:${third}::/64` }]],
  },
});
const portmap = { type: "portmap", capabilities: { portMappings: true } };
const web = bridge("web", 0);
const chain = (cniVersion: string, ...plugins: object[]) => ({ cniVersion, name: "web", plugins });
const whole = (cniVersion: string) => chain(cniVersion, { type: "loopback" }, web, portmap);
const published: CnitoolOptions = {
  capabilityArgs: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
};

describeKernel(
  "cnitool",
  function () {
    this.timeout(60_000);
    let cnitool: Cnitool;
    let sandbox: Sandbox;
    let pods: string[] = [];

    /** A host whose networks were used once: their bridges stay, as every implementation's do. */
    const makeHost = () => {
      sandbox = Sandbox.create();
      sandbox.ok(["ip", "link", "set", "lo", "up"]);
      cnitool = new Cnitool(sandbox, programs);
      cnitool.write("web.conflist", whole("1.1.0"));
      cnitool.write("db.conflist", { ...chain("1.1.0", bridge("db", 1), portmap), name: "db" });
      const netns = sandbox.pod("used");
      for (const network of ["web", "db"]) {
        cnitool.add(network, netns, published);
        cnitool.ok("del", network, netns, published);
      }
      sandbox.deletePod("used");
    };
    before(makeHost);
    after(() => sandbox.dispose());

    const pod = (name: string): string => {
      pods.push(name);
      return sandbox.pod(name);
    };
    const deletePod = (name: string): void => {
      pods = pods.filter((each) => each !== name);
      sandbox.deletePod(name);
    };

    /** A test with a container's namespace, after which the host has to be as it was before. */
    const leavingNothing = (body: (netns: string) => void) => (): void => {
      sandbox.ok(["sh", "-c", "rm -f /var/lib/cni/networks/*/last_reserved_ip.*"]);
      cnitool.forgetNetworks();
      const state = hostState(sandbox);
      try {
        body(pod("c1"));
        // a web server's child for one connection ends a moment after its answer
        for (let tries = 0; tries < 100 && sandbox.processes().length > 0; tries++)
          sandbox.ok(["sleep", "0.02"]);
        deepEqual(sandbox.processes(), []);
        deepEqual(differences(state, hostState(sandbox)), []);
        for (const name of [...pods]) deletePod(name);
      } catch (error) {
        pods = [];
        sandbox.dispose();
        makeHost(); // what this test left is not the next one's
        throw error;
      }
    };

    const cached = () => readdirSync(sandbox.path("/var/lib/cni/results"));
    // biome-ignore lint/suspicious/noExplicitAny: results of every version
    const addresses = ({ ips, ip4, ip6 }: any): string[] =>
      ips === undefined
        ? [ip4, ip6].flatMap((each) => (each === undefined ? [] : [each.ip]))
        : ips.map((each: { address: string }) => each.address);
    const bothFamilies = ["10.60.0.2/24", "fd60::2/64"];

    describe("versions", () => {
      for (const version of ["0.1.0", "0.2.0"]) {
        it(
          `adds and deletes a network of version ${version}`,
          leavingNothing((netns) => {
            cnitool.write("web.conflist", chain(version, web));
            const result = cnitool.add("web", netns);
            equal(result.cniVersion, version);
            deepEqual(addresses(result), bothFamilies);
            match(cnitool.run("check", "web", netns).stderr, /does not support the CHECK/);
            cnitool.ok("status", "web", netns);
            cnitool.ok("del", "web", netns);
            cnitool.ok("del", "web", netns);
          }),
        );
      }

      for (const version of ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]) {
        it(
          `adds, checks, deletes and collects a chain of version ${version}`,
          leavingNothing((netns) => {
            cnitool.write("web.conflist", whole(version));
            const result = cnitool.add("web", netns, published);
            equal(result.cniVersion, version);
            deepEqual(addresses(result).slice(-2), bothFamilies);
            const checked = cnitool.run("check", "web", netns, published);
            if (version < "0.4.0") match(checked.stderr, /does not support the CHECK/);
            else equal(checked.status, 0, checked.stderr);
            cnitool.ok("status", "web", netns);
            cnitool.ok("del", "web", netns, published);
            cnitool.ok("del", "web", netns, published);
            cnitool.add("web", netns, published);
            cnitool.ok("gc", "web", netns);
            deepEqual(cached(), []);
          }),
        );
      }

      for (const [cniVersions, cniVersion, chosen] of [
        [["0.4.0", "1.0.0"], "0.3.1", "1.0.0"],
        [["0.4.0", "9.9.9"], "0.4.0", "0.4.0"],
        [["0.3.1", "1.1.0", "1.0.0"], "1.0.0", "1.1.0"],
      ] as const) {
        it(
          `of the versions ${cniVersions} and ${cniVersion} are asked for ${chosen}`,
          leavingNothing((netns) => {
            cnitool.write("web.conflist", { ...whole(cniVersion), cniVersions });
            equal(cnitool.add("web", netns).cniVersion, chosen);
            cnitool.ok("check", "web", netns);
            cnitool.ok("del", "web", netns);
          }),
        );
      }
    });

    describe("files", () => {
      it(
        "may be one plugin's own",
        leavingNothing((netns) => {
          cnitool.write("web.conf", { cniVersion: "1.0.0", name: "web", ...web });
          deepEqual(addresses(cnitool.add("web", netns)), bothFamilies);
          cnitool.ok("check", "web", netns);
          cnitool.ok("del", "web", netns);
        }),
      );

      it(
        "may bring plugins of a folder",
        leavingNothing((netns) => {
          cnitool.write("web.conflist", chain("1.1.0", web));
          cnitool.write("web/10-portmap.conf", portmap);
          cnitool.add("web", netns, published);
          match(sandbox.ok(["nft", "list", "ruleset"]), /8080/);
          cnitool.ok("del", "web", netns, published);
        }),
      );

      it(
        "may have keys that no plugin knows",
        leavingNothing((netns) => {
          const text = `{"cniVersion": "1.1.0", "name": "web", "x": null, "plugins": [
            ${JSON.stringify(web).slice(0, -1)}, "cni.dev/x": 1, "é<>&\u2028": {"a": [null, ""]}, "big": 12345678901234567890,
              "one": 1.0, "capabilities": {"unknown": true, "portMappings": false}, "dns": {}, "args": {"cni": {}}}
          ]}`;
          cnitool.write("web.conflist", text);
          const options = { capabilityArgs: { unknown: [1], portMappings: [{ hostPort: 99999 }] } };
          deepEqual(addresses(cnitool.add("web", netns, options)), bothFamilies);
          cnitool.ok("check", "web", netns, options);
          cnitool.ok("del", "web", netns, options);
        }),
      );
    });

    describe("arguments", () => {
      it(
        "of capabilities choose addresses, ranges and the link's address",
        leavingNothing((netns) => {
          const { ipam, ...rest } = web;
          const capabilities = { mac: true, ips: true, ipRanges: true };
          const { ranges: _, ...bare } = ipam;
          cnitool.write("web.conflist", chain("1.0.0", { ...rest, ipam: bare, capabilities }));
          const mac = "02:11:22:33:44:55";
          const ipRanges = [[{ subnet: "10.60.0.0/24" }], [{ subnet: "fd60::/64" }]];
          const ips = ["10.60.0.77", "fd60::77"];
          const options = { capabilityArgs: { mac, ips, ipRanges } };
          const result = cnitool.add("web", netns, options);
          deepEqual(addresses(result), ["10.60.0.77/24", "fd60::77/64"]);
          equal(sandbox.ipJson("link show eth0", netns)[0].address, mac);
          cnitool.ok("check", "web", netns, options);
          cnitool.ok("del", "web", netns, options);
        }),
      );

      it(
        "of CNI_ARGS choose an address and the link's address",
        leavingNothing((netns) => {
          cnitool.write("web.conflist", chain("1.0.0", web));
          const args = "IgnoreUnknown=1;K8S_POD_NAME=web;IP=10.60.0.77;MAC=02:11:22:33:44:55";
          deepEqual(addresses(cnitool.add("web", netns, { args }))[0], "10.60.0.77/24");
          equal(sandbox.ipJson("link show eth0", netns)[0].address, "02:11:22:33:44:55");
          cnitool.ok("check", "web", netns, { args });
          cnitool.ok("del", "web", netns, { args });
        }),
      );

      it(
        "that are unknown are refused unless that is to be ignored",
        leavingNothing((netns) => {
          cnitool.write("web.conflist", chain("1.0.0", web));
          const refused = cnitool.run("add", "web", netns, { args: "COLOUR=red" });
          equal(refused.status, 1);
          match(refused.stderr, /COLOUR/);
          cnitool.ok("del", "web", netns, { args: "COLOUR=red;IgnoreUnknown=1" });
        }),
      );

      it(
        "name another interface of the same container",
        leavingNothing((netns) => {
          cnitool.write("web.conflist", chain("1.0.0", web));
          cnitool.add("web", netns);
          const second = { ifName: "net1" };
          deepEqual(addresses(cnitool.add("web", netns, second)), ["10.60.0.3/24", "fd60::3/64"]);
          cnitool.ok("del", "web", netns);
          cnitool.ok("check", "web", netns, second);
          cnitool.ok("del", "web", netns, second);
        }),
      );

      it(
        "of CNI_PATH are searched in turn",
        leavingNothing((netns) => {
          cnitool.write("web.conflist", chain("1.0.0", web));
          const path = `/nowhere:${sandbox.scratch}:${programs}`;
          cnitool.ok("add", "web", netns, { path });
          cnitool.ok("del", "web", netns, { path });
        }),
      );
    });

    describe("a published port", () => {
      it(
        "answers until DEL, and CHECK says when something is missing",
        leavingNothing((netns) => {
          cnitool.write("web.conflist", whole("1.1.0"));
          cnitool.add("web", netns, published);
          const www = join(makeRoot(join(sandbox.scratch, "root")), "www");
          const server = sandbox.start(["busybox", ...serveWeb.slice(0, -1), www], { netns });
          const argv = ["curl", "-sS", "--max-time", "3", "http://127.0.0.1:8080/"];
          equal(sandbox.ok([...argv, "--retry", "5", "--retry-connrefused"]), page);
          sandbox.ok(["ip", "route", "del", "default"], { netns });
          const checked = cnitool.run("check", "web", netns, published);
          notEqual(checked.status, 0);
          match(checked.stderr + checked.stdout, /0\.0\.0\.0|default/);
          cnitool.ok("del", "web", netns, published);
          match(sandbox.run(argv).stderr, /connect/i);
          void server.stop();
        }),
      );
    });

    describe("a plugin that fails", () => {
      it(
        "in the middle ends ADD with its message; the DEL that follows leaves nothing",
        leavingNothing((netns) => {
          // the second would make the same interface
          cnitool.write("web.conflist", chain("1.0.0", web, bridge("db", 1), portmap));
          const failed = cnitool.run("add", "web", netns, published);
          equal(failed.status, 1);
          equal(failed.stdout, "");
          match(failed.stderr, /plugin type="bridge" failed \(add\): .*eth0.*exists/);
          deepEqual(cached(), []);
          cnitool.ok("del", "web", netns, published);
        }),
      );

      it(
        "because of its configuration does not fail at DEL",
        leavingNothing((netns) => {
          const bad = { type: "portmap", snat: "perhaps", capabilities: { portMappings: true } };
          cnitool.write("web.conflist", chain("1.0.0", web, bad, portmap));
          const failed = cnitool.run("add", "web", netns, published);
          match(failed.stderr, /plugin type="portmap" failed \(add\): .*snat/);
          cnitool.ok("del", "web", netns, published);
        }),
      );

      it(
        "at STATUS is told",
        leavingNothing((netns) => {
          const ipam = { type: "nowhere-to-be-found" };
          cnitool.write("web.conflist", chain("1.1.0", { ...web, ipam }));
          const told = cnitool.run("status", "web", netns);
          equal(told.status, 1);
          match(told.stderr, /nowhere-to-be-found/);
        }),
      );
    });

    describe("the cached result", () => {
      it(
        "is what CHECK and DEL are given, in reverse order at DEL",
        leavingNothing((netns) => {
          const recorder = new Recorder(join(sandbox.scratch, "recorder"), programs);
          cnitool.write("web.conflist", whole("1.0.0"));
          const result = cnitool.add("web", netns, { ...published, path: recorder.bin });
          cnitool.ok("check", "web", netns, { ...published, path: recorder.bin });
          cnitool.ok("del", "web", netns, { ...published, path: recorder.bin });
          const calls = recorder.calls().slice(-6);
          deepEqual(
            calls.map(({ type, env }) => `${env["CNI_COMMAND"]} ${type}`),
            ["CHECK loopback", "CHECK bridge", "CHECK portmap"].concat(
              ...["DEL portmap", "DEL bridge", "DEL loopback"],
            ),
          );
          for (const { stdin } of calls) {
            deepEqual((stdin as { prevResult: unknown }).prevResult, result);
          }
        }),
      );

      for (const [what, spoil] of [
        ["missing", (file: string) => rmSync(file)],
        ["cut short", (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 100))],
      ] as const) {
        it(
          `is not needed by DEL: ${what}`,
          leavingNothing((netns) => {
            cnitool.write("web.conflist", whole("1.0.0"));
            cnitool.add("web", netns, published);
            for (const name of cached()) spoil(sandbox.path(`/var/lib/cni/results/${name}`));
            cnitool.ok("del", "web", netns);
          }),
        );
      }
    });

    describe("namespaces that vanish", () => {
      it(
        "before DEL are no error, and none at the second DEL",
        leavingNothing((netns) => {
          cnitool.write("web.conflist", whole("1.0.0"));
          cnitool.add("web", netns, published);
          deletePod("c1");
          cnitool.ok("del", "web", netns, published);
          cnitool.ok("del", "web", netns, published);
        }),
      );

      for (const version of ["0.4.0", "1.1.0"]) {
        it(
          `are collected by GC, one network at a time, with version ${version}`,
          leavingNothing((netns) => {
            cnitool.write("web.conflist", whole(version));
            const db = { ...chain(version, bridge("db", 1), portmap), name: "db" };
            cnitool.write("db.conflist", db);
            const other = pod("c2");
            cnitool.add("web", netns, published);
            cnitool.add("web", other);
            cnitool.add("db", other, { ifName: "eth1" });
            deletePod("c1");
            cnitool.ok("gc", "web", netns);
            deepEqual(cached().length, 1);
            cnitool.ok("check", "db", other, { ifName: "eth1" }); // still whole
            deletePod("c2");
            cnitool.ok("gc", "db", other);
            cnitool.ok("gc", "db", other);
          }),
        );
      }
    });

    describe("two networks", () => {
      it(
        "of one container are added, checked and deleted one by one",
        leavingNothing((netns) => {
          cnitool.write("web.conflist", whole("1.1.0"));
          const db = { ...bridge("db", 1), isDefaultGateway: false };
          cnitool.write("db.conflist", { ...chain("1.1.0", db, portmap), name: "db" });
          const second = { ifName: "eth1" };
          cnitool.add("web", netns, published);
          cnitool.add("db", netns, second);
          cnitool.ok("check", "web", netns, published);
          cnitool.ok("check", "db", netns, second);
          cnitool.ok("del", "db", netns, second);
          cnitool.ok("check", "web", netns, published);
          cnitool.ok("del", "web", netns, published);
        }),
      );
    });
  },
  ["ip", "nft", "curl", "busybox", cnitoolProgram],
);
