/** The daemon ends and comes back, pods vanish: what the leases make of it. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../kernel/requirements.ts";
import { builtPrograms } from "../kernel/sandbox.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";

describeKernel(
  "dhcp-daemon, started anew",
  function () {
    this.timeout(60_000);

    it("goes on with its leases after a kill, and a ping in the pod loses nothing", async () => {
      using lan = new Lan();
      const server = await lan.serve({ renewAfter: 3 });
      await lan.daemon();
      const address = lan.add("p1");
      const ping = lan.ping("p1");
      await lan.signal("SIGKILL");
      lan.sandbox.ok(["rm", "/run/cni/dhcp.sock"]);
      await lan.daemon();
      await lan.says(/lease resumed .*address=192/);
      await lan.says(/lease renewed/);
      match(await ping.stop(), / 0% packet loss/);
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      equal(server.output().match(/DHCPDISCOVER/g)?.length, 1);
      equal(lan.call("DEL", "p1").status, 0);
      await until("the release", () => server.output().includes(`DHCPRELEASE(eth0) ${address}`));
      deepEqual(lan.files(), []);
    });

    it("stops without giving leases back, and takes its files along", async () => {
      using lan = new Lan();
      const server = await lan.serve();
      const daemon = await lan.daemon();
      lan.add("p1");
      ok(existsSync(lan.sandbox.path("/run/cni/dhcp.sock")));
      await lan.signal("SIGTERM");
      equal((await daemon.ended)?.status, 0);
      for (const path of ["/run/cni/dhcp.sock", "/run/dhcp.pid"]) {
        ok(!existsSync(lan.sandbox.path(path)), path);
      }
      deepEqual(lan.files(), ["lan:p1:eth0.json"]);
      ok(!server.output().includes("DHCPRELEASE"));
      await lan.daemon();
      await lan.says(/serves leases=1/);
    });

    it("reloads without losing a lease", async () => {
      using lan = new Lan();
      await lan.serve();
      await lan.daemon();
      lan.add("p1");
      await lan.signal("SIGHUP");
      await lan.says(/reloaded leases=1/);
      equal(lan.call("DEL", "p1").status, 0);
    });

    it("finds a pod again whose namespace has another path", async () => {
      using lan = new Lan();
      await lan.serve({ renewAfter: 3 });
      await lan.daemon();
      lan.add("p1");
      await lan.signal("SIGTERM");
      lan.sandbox.ok([
        "sh",
        "-c",
        "touch /run/netns/p2; mount --bind /run/netns/p1 /run/netns/p2; umount /run/netns/p1; rm /run/netns/p1",
      ]);
      await lan.daemon();
      await lan.says(/lease resumed/);
      equal(lan.file("p1").namespace.path, "/run/netns/p2");
      await lan.says(/lease renewed/);
    });

    it("gives back the lease of a pod that is gone without a DEL", async () => {
      using lan = new Lan();
      const server = await lan.serve();
      await lan.daemon();
      const address = lan.add("p1");
      lan.sandbox.deletePod("p1");
      await lan.signal("SIGHUP");
      await lan.says(/the pod is gone: gives its lease back/);
      await until("the release", () => server.output().includes(`DHCPRELEASE(eth0) ${address}`));
      await until("the file's end", () => lan.files().length === 0);
      equal(lan.call("DEL", "p1").status, 0);
    });

    it("gives back the lease of a pod that went while it was not there", async () => {
      using lan = new Lan();
      const server = await lan.serve();
      await lan.daemon();
      const address = lan.add("p1");
      await lan.signal("SIGKILL");
      lan.sandbox.ok(["rm", "/run/cni/dhcp.sock"]);
      lan.sandbox.deletePod("p1");
      lan.sandbox.pod("p1"); // another namespace at the same path, and perhaps of the same inode
      await lan.daemon();
      await until(
        "the release",
        () => server.output().includes(`DHCPRELEASE(eth0) ${address}`),
        () => lan.log,
      );
      await until("the file's end", () => lan.files().length === 0);
    });

    it("asks for the same address again when the container comes back in another namespace", async () => {
      using lan = new Lan();
      await lan.serve();
      await lan.daemon();
      const address = lan.add("p1");
      lan.sandbox.deletePod("p1");
      lan.sandbox.pod("p1");
      equal(lan.add("p1"), address);
    });

    it("passes over files that are no leases, and says so", async () => {
      using lan = new Lan();
      await lan.serve();
      await lan.daemon();
      lan.add("p1");
      await lan.signal("SIGTERM");
      const folder = lan.sandbox.path("/run/netloom/.dhcp");
      const whole = readFileSync(`${folder}/lan:p1:eth0.json`, "utf8");
      const broken = {
        "a.json": "null",
        "b.json": "",
        "c.json": whole.slice(0, 99),
        "d.json": whole,
      };
      for (const [name, text] of Object.entries(broken)) writeFileSync(`${folder}/${name}`, text);
      await lan.daemon();
      for (const name of Object.keys(broken)) {
        match(lan.log, new RegExp(`passes over a lease file path=\\S*/${name} why=`));
      }
      await lan.says(/serves leases=1/);
    });

    it("ends rather than stay in a pod's namespace, when there is no way back", async () => {
      using lan = new Lan();
      const failing = ["-e", "trace=setns", "-e", "inject=setns:error=ENOMEM:when=2+"];
      const argv = ["strace", "-o", "/dev/null", ...failing, join(builtPrograms, "dhcp-daemon")];
      const daemon = lan.sandbox.start(argv);
      await until("the daemon", () => daemon.output().includes(" serves "));
      lan.sandbox.pod("p1");
      equal(lan.call("ADD", "p1").status, 1);
      equal((await daemon.ended)?.status, 1);
      match(daemon.output(), /cannot leave "\/run\/netns\/p1", so ends: setns: ENOMEM/);
    });

    it("forgets the leases of another boot", async () => {
      using lan = new Lan();
      await lan.serve();
      await lan.daemon();
      lan.add("p1");
      await lan.signal("SIGTERM");
      const path = lan.sandbox.path("/run/netloom/.dhcp/lan:p1:eth0.json");
      writeFileSync(
        path,
        JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), bootId: "x" }),
      );
      await lan.daemon();
      await lan.says(/serves leases=0/);
      deepEqual(lan.files(), []);
    });
  },
  [...dhcpCommands, "strace"],
);
