/** The daemon's units, and the daemon under a real systemd. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { describeKernel } from "../kernel/requirements.ts";
import { Sandbox } from "../kernel/sandbox.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";
import { analyze, Systemd, systemdCommands } from "./systemd.ts";

const service = "cni-dhcp.service";
const ipam = (ipv6: string) => ({ config: { ipam: { type: "dhcp", ipv6 } } });
const socket = "/run/cni/dhcp.sock";

describeKernel(
  "the units of dhcp-daemon",
  function () {
    this.timeout(120_000);

    it("are right for systemd, and expose the service little", () => {
      using sandbox = Sandbox.create();
      const verified = analyze(sandbox, "verify", `./${service}`, "./cni-dhcp.socket");
      deepEqual(verified, { status: 0, text: "" });
      const { text } = analyze(sandbox, "security", "--offline=yes", `./${service}`);
      const [, exposure = "none"] = /Overall exposure level for \S+: ([\d.]+)/.exec(text) ?? [];
      ok(Number(exposure) < 4, text);
    });

    it("start it with the first pod, confine it to what it needs, and lose no lease", async () => {
      using lan = new Lan();
      const range = "--dhcp-range=2001:db8::100,2001:db8::1ff,slaac,64,120";
      const server = await lan.serve({ more: ["--enable-ra", range] });
      await using systemd = await Systemd.start(lan.sandbox);
      systemd.control("start", "cni-dhcp.socket");
      equal(systemd.property("ActiveState"), "inactive");
      const address = lan.add("p1", ipam("dhcp"));
      equal(systemd.property("ActiveState"), "active");
      lan.add("p2", ipam("slaac"));
      await systemd.tells("holds 2 leases");
      const ping = lan.ping("p1");
      const isKept = (times: number) =>
        systemd.says(new RegExp(`(lease resumed container=p1 [^]*){${2 * times}}serves leases=2`));

      systemd.control("reload", service);
      await systemd.says(/reloaded leases=2/);
      systemd.control("kill", "--signal=KILL", service);
      await isKept(1);
      await until("the start", () => systemd.property("ActiveState") === "active");
      systemd.control("restart", service);
      await isKept(2);
      systemd.control("stop", service);
      // which stops the socket, for which nobody waits
      await until("the socket's end", () => !existsSync(lan.sandbox.path(socket)));
      equal(lan.files().length, 2);
      doesNotMatch(server.output(), /DHCPRELEASE/);
      systemd.control("start", "cni-dhcp.socket");
      equal(lan.call("DEL", "p2", ipam("slaac")).status, 0);
      await isKept(3);
      match(await ping.stop(), / 0% packet loss/);
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      equal(lan.call("DEL", "p1", ipam("dhcp")).status, 0);
      deepEqual(lan.files(), []);
      await systemd.tells("holds 0 leases");
    });
  },
  [...dhcpCommands, ...systemdCommands],
);
