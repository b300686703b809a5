/**
 * cnitool, libcni's own client: every verb on a chain of our programs, from a conflist on disk.
 */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import type { Outcome } from "../../test/kernel/enter.ts";
import { describeKernel } from "../../test/kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../../test/kernel/sandbox.ts";

const cnitool = join(root, ".cache", "peers", "cnitool");

const conflist = {
  cniVersion: "1.1.0",
  name: "web",
  plugins: [
    { type: "loopback" },
    {
      type: "bridge",
      bridge: "web0",
      isGateway: true,
      isDefaultGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: "10.60.0.0/24" }], [{ subnet: "fd60::/64" }]],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];

describeKernel(
  "cnitool",
  function () {
    this.timeout(60_000);
    let sandbox: Sandbox;
    let netns: string;

    const run = (verb: string, ...rest: string[]): Outcome =>
      sandbox.run([cnitool, verb, "web", ...rest], {
        env: {
          PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
          NETCONFPATH: join(sandbox.scratch, "net.d"),
          CNI_PATH: builtPrograms,
          CAP_ARGS: JSON.stringify({ portMappings }),
        },
      });
    const ok = (verb: string, ...rest: string[]): string => {
      const done = run(verb, ...rest);
      equal(done.status, 0, `${verb}: ${done.stdout}${done.stderr}`);
      return done.stdout;
    };

    before(function () {
      if (!existsSync(cnitool)) this.skip();
    });
    beforeEach(() => {
      sandbox = Sandbox.create();
      sandbox.ok(["ip", "link", "set", "lo", "up"]);
      const folder = join(sandbox.scratch, "net.d");
      mkdirSync(folder);
      writeFileSync(join(folder, "10-web.conflist"), JSON.stringify(conflist));
      netns = sandbox.pod("web");
    });
    afterEach(() => sandbox.dispose());

    it("adds a chain and prints its result", () => {
      const result = JSON.parse(ok("add", netns));
      deepEqual(
        result.ips.map((ip: { address: string }) => ip.address),
        ["127.0.0.1/8", "::1/128", "10.60.0.2/24", "fd60::2/64"],
      );
      deepEqual(result.interfaces.at(-1).sandbox, netns);
    });

    it("makes the published port answer", () => {
      ok("add", netns);
      writeFileSync(join(sandbox.scratch, "index.html"), "here\n");
      sandbox.start(["busybox", "httpd", "-f", "-p", "80", "-h", sandbox.scratch], { netns });
      const argv = ["curl", "-sS", "--max-time", "3", "--retry", "5", "--retry-connrefused"];
      const page = sandbox.ok([...argv, "http://127.0.0.1:8080/"]);
      equal(page, "here\n");
    });

    it("checks what it added, and says what is missing", () => {
      ok("add", netns);
      ok("check", netns);
      sandbox.ok(["ip", "route", "del", "default"], { netns });
      const checked = run("check", netns);
      notEqual(checked.status, 0);
      match(checked.stderr + checked.stdout, /0\.0\.0\.0|default/);
    });

    it("deletes everything, twice", () => {
      const links = sandbox.ipJson("link").length;
      ok("add", netns);
      ok("del", netns);
      ok("del", netns);
      // the bridge stays, as upstream's does
      equal(sandbox.ipJson("link").length, links + 1);
      equal(sandbox.ipJson("link show", netns).length, 1);
      deepEqual(
        sandbox.snapshot().files.filter((row) => /10\.60\.0\.2|fd60::2/.test(row)),
        [],
      );
    });

    it("collects an attachment whose namespace is gone", () => {
      ok("add", netns);
      sandbox.deletePod("web");
      ok("gc", netns);
      deepEqual(
        sandbox.snapshot().files.filter((row) => /networks\/web\/(10|fd60)/.test(row)),
        [],
      );
    });

    it("says that the network is ready", () => {
      ok("status", netns);
    });
  },
  ["ip", "nft", "curl", "busybox"],
);
