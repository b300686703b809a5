/** IPv6 of the daemon with a real server and router: DHCPv6 leases, and what the kernel makes of advertisements. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";

const ipam = (ipv6: string) => ({
  config: { ipam: { type: "dhcp", ipv6, request: [{ option: "domain-name-servers" }] } },
});
const [dhcp, slaac] = [ipam("dhcp"), ipam("slaac")];
const netns = "/run/netns/p1";

const named = [
  "--dhcp-option=option6:dns-server,[2001:db8::53]",
  "--dhcp-option=option6:domain-search,six.test",
  "--dhcp-option=option:dns-server,192.0.2.53",
];
const stateful = ["--enable-ra", "--dhcp-range=2001:db8::100,2001:db8::1ff,64,120", ...named];
const stateless = ["--enable-ra", "--dhcp-range=2001:db8::,ra-stateless,64", ...named];

/** IPv6 addresses of a pod's link that other networks may know, with what is to be said of each. */
function addresses(lan: Lan, path = netns): string[] {
  const [link] = lan.sandbox.ipJson("-6 address show dev eth0 scope global", path);
  const infos = (link?.addr_info ?? []) as { local?: string; prefixlen: number }[];
  const shown = infos.filter(({ local }) => local !== undefined); // the others are empty objects
  return shown.map(({ local, prefixlen, ...more }) => {
    const flags = Object.keys(more).filter((key) => /tentative|dadfailed|dynamic/.test(key));
    return [`${local}/${prefixlen}`, ...flags].join(" ");
  });
}

/** The default route that a router advertised. */
function advertised(lan: Lan) {
  return lan.sandbox.ipJson("-6 route show default", netns).map(({ protocol }) => protocol);
}

function reaches(lan: Lan, source: string): boolean {
  const argv = ["ping", "-6", "-c1", "-W2", "-I", source, "2001:db8::2"];
  return lan.sandbox.run(argv, { netns }).status === 0;
}

function added(lan: Lan, pod: string, more: object) {
  lan.sandbox.pod(pod);
  const { status, json, stdout } = lan.call("ADD", pod, more);
  equal(status, 0, `${stdout}\n${lan.log}`);
  return json;
}

describeKernel(
  "dhcp-daemon, IPv6",
  function () {
    this.timeout(90_000);

    it("gives a DHCPv6 lease beside the IPv4 one, and gives both back", async () => {
      using lan = new Lan();
      const server = await lan.serve({ more: stateful });
      await lan.daemon();
      const prevResult = added(lan, "p1", dhcp);
      const [four, six] = prevResult.ips;
      deepEqual(lan.addresses("p1"), [four.address]);
      match(six.address, /^2001:db8::1[0-9a-f]{2}\/128$/);
      equal(six.gateway, undefined);
      ok(addresses(lan).includes(six.address), String(addresses(lan)));
      deepEqual(prevResult.dns, {
        nameservers: ["192.0.2.53", "2001:db8::53"],
        search: ["six.test"],
      });
      equal(lan.file("p1").ipv6.lease.addresses[0].address, six.address.replace("/128", ""));
      await until("the router's route", () => advertised(lan).includes("ra"));
      ok(reaches(lan, six.address.replace("/128", "")));
      const config = { ...dhcp.config, prevResult };
      equal(lan.call("CHECK", "p1", { config }).status, 0);
      for (const _ of [1, 2]) equal(lan.call("DEL", "p1", dhcp).status, 0);
      deepEqual(lan.files(), []);
      await until(
        "the releases",
        () => /DHCPRELEASE\(eth0\) 00:04:/.test(server.output()),
        server.output,
      );
      match(server.output(), /DHCPRELEASE\(eth0\) 192\.0\.2\./);
    });

    it("goes on with a DHCPv6 lease after a kill, renews it, and the pod notices nothing", async () => {
      using lan = new Lan();
      const server = await lan.serve({ more: stateful });
      await lan.daemon();
      const [, six] = added(lan, "p1", dhcp).ips;
      await lan.signal("SIGKILL");
      const path = lan.sandbox.path("/run/netloom/.dhcp/lan:p1:eth0.json");
      const file = JSON.parse(readFileSync(path, "utf8"));
      file.ipv6.lease.renewAtMs = file.ipv6.lease.acquiredAtMs;
      writeFileSync(path, JSON.stringify(file));
      lan.sandbox.ok(["rm", "/run/cni/dhcp.sock"]);
      await lan.daemon();
      await lan.says(/lease resumed .*address=2001/);
      await lan.says(/lease renewed .*address=2001/);
      equal(server.output().match(/DHCPSOLICIT/g)?.length, 1);
      const { renewAtMs, acquiredAtMs } = lan.file("p1").ipv6.lease;
      ok(renewAtMs > acquiredAtMs);
      ok(addresses(lan).includes(six.address));
      equal(
        lan.call("ADD", "p1", { ...dhcp, type: "dhcp", config: { ...dhcp.config, type: "dhcp" } })
          .json.ips[1].address,
        six.address,
      );
      equal(lan.call("DEL", "p1", dhcp).status, 0);
      await until("the release", () => server.output().includes("DHCPRELEASE(eth0) 00:04:"));
    });

    it("gives back both leases of a pod that went while it was not there", async () => {
      using lan = new Lan();
      const server = await lan.serve({ more: stateful });
      await lan.daemon();
      added(lan, "p1", dhcp);
      await lan.signal("SIGTERM");
      lan.sandbox.deletePod("p1");
      await lan.daemon();
      await until("the releases", () => server.output().includes("DHCPRELEASE(eth0) 00:04:"));
      await until("the releases", () => server.output().includes("DHCPRELEASE(eth0) 192"));
      await until("the file's end", () => lan.files().length === 0);
    });

    it("declines IPv6 addresses that somebody else has, and says so when there are no others", async () => {
      using lan = new Lan();
      const range = "--dhcp-range=2001:db8::100,2001:db8::101,64,120";
      const server = await lan.serve({ more: ["--enable-ra", range] });
      const other = { netns: lan.sandbox.pod("other") };
      const made = "link add eth0 netns other link uplink type macvlan mode bridge";
      lan.sandbox.ok(["ip", ...made.split(" ")]);
      for (const taken of ["2001:db8::100", "2001:db8::101"]) {
        lan.sandbox.ok(["ip", "address", "add", `${taken}/64`, "dev", "eth0", "nodad"], other);
      }
      lan.sandbox.ok(["ip", "link", "set", "eth0", "up"], other);
      await lan.daemon(["-resendtimeout", "4s"]);
      lan.sandbox.pod("p1");
      const [outcome] = await lan.sandbox.cniAtOnce([lan.callOf("ADD", "p1", dhcp)]);
      equal(outcome?.json.code, 11);
      match(outcome?.json.msg, /the server offers addresses that are in use$/);
      match(outcome?.json.details, /has 2001:db8::10[01]\/128: look at the server's pool/);
      match(lan.log, /declines 2001:db8::10[01]: somebody else has the address/);
      match(server.output(), /DHCPDECLINE\(eth0\) 00:04:/);
    });

    it("says that no DHCPv6 server answered, gives the IPv4 lease back, and leaves nothing", async () => {
      using lan = new Lan();
      const server = await lan.serve();
      await lan.daemon(["-resendtimeout", "4s"]);
      lan.sandbox.pod("p1");
      const { status, json } = lan.call("ADD", "p1", dhcp);
      equal(status, 1);
      deepEqual(json.msg, 'error calling DHCP.Allocate: no DHCPv6 lease for "eth0"');
      match(
        json.details,
        /^interface "eth0", DUID [0-9a-f]{36}: sent [1-9] Solicit, saw 0 Advertise/,
      );
      deepEqual(lan.files(), []);
      await until("the release", () => server.output().includes("DHCPRELEASE(eth0) 192"));
      deepEqual(
        lan.sandbox.ipJson("link show", netns).map(({ ifname }) => ifname),
        ["lo"],
      );
    });

    it("tells the addresses that the kernel makes of advertisements, with router and resolvers", async () => {
      using lan = new Lan();
      await lan.serve({ more: stateless });
      await lan.daemon();
      const prevResult = added(lan, "p1", slaac);
      const [four, six] = prevResult.ips;
      deepEqual(lan.addresses("p1"), [four.address]);
      match(six.address, /^2001:db8::[0-9a-f:]+\/64$/);
      match(six.gateway, /^fe80::/);
      deepEqual(addresses(lan), [`${six.address} dynamic`]);
      deepEqual(advertised(lan), ["ra"]);
      ok(reaches(lan, six.address.replace("/64", "")));
      deepEqual(prevResult.dns, {
        nameservers: ["192.0.2.53", "2001:db8::53"],
        search: ["six.test"],
      });
      const config = { ...slaac.config, prevResult };
      equal(lan.call("CHECK", "p1", { config }).status, 0);
      await lan.signal("SIGTERM");
      await lan.daemon();
      equal(lan.call("CHECK", "p1", { config }).status, 0);
      for (const _ of [1, 2]) equal(lan.call("DEL", "p1", slaac).status, 0);
      deepEqual(lan.files(), []);
    });

    it("asks a DHCPv6 server for the options that a router says it has", async () => {
      using lan = new Lan();
      const range = "--dhcp-range=2001:db8::,ra-stateless,64";
      const search = "--dhcp-option=option6:domain-search,six.test";
      const server = await lan.serve({ more: ["--enable-ra", range, search] });
      await lan.daemon();
      deepEqual(added(lan, "p1", slaac).dns, { search: ["six.test"] });
      match(server.output(), /DHCPINFORMATION-REQUEST\(eth0\) 00:04:/);
    });

    it("gives a container its DHCPv6 address again in another namespace, on a bridge", async () => {
      using lan = new Lan();
      await lan.serve({ more: stateful });
      await lan.daemon();
      lan.sandbox.ok(["ip", "link", "add", "br0", "type", "bridge"]);
      lan.sandbox.ok(["ip", "link", "set", "uplink", "master", "br0"]);
      const config = { ...dhcp.config, type: "bridge", bridge: "br0" };
      const [, before] = added(lan, "p1", { config }).ips;
      lan.sandbox.deletePod("p1");
      const [, after] = added(lan, "p1", { config }).ips;
      equal(after.address, before.address);
      ok(reaches(lan, after.address.replace("/128", "")));
      equal(lan.call("DEL", "p1", { config }).status, 0);
      deepEqual(lan.files(), []);
    });

    it("listens to routers in a pod that is one, and in one that has IPv6 turned off", async () => {
      using lan = new Lan();
      await lan.serve({ more: stateless });
      await lan.daemon();
      const pod = { netns: lan.sandbox.pod("p1") };
      const script =
        "echo 1 >all/forwarding; echo 1 >default/disable_ipv6; echo 0 >default/autoconf";
      lan.sandbox.ok(["sh", "-c", `cd /proc/sys/net/ipv6/conf; ${script}`], pod);
      const { status, json, stdout } = lan.call("ADD", "p1", slaac);
      equal(status, 0, `${stdout}\n${lan.log}`);
      deepEqual(addresses(lan), [`${json.ips[1].address} dynamic`]);
    });

    it("says that no router advertised anything, and leaves nothing", async () => {
      using lan = new Lan();
      const server = await lan.serve();
      await lan.daemon(["-resendtimeout", "4s"]);
      lan.sandbox.pod("p1");
      const { status, json } = lan.call("ADD", "p1", slaac);
      equal(status, 1);
      equal(json.msg, 'error calling DHCP.Allocate: no IPv6 address for "eth0" by SLAAC');
      match(
        json.details,
        /^interface "eth0": sent [12] router solicitations, saw no router advertisement/,
      );
      deepEqual(lan.files(), []);
      await until("the release", () => server.output().includes("DHCPRELEASE(eth0) 192"));
      equal(lan.call("DEL", "p1", slaac).status, 0);
    });

    it("says that a router advertised no prefix to make an address of", async () => {
      using lan = new Lan();
      await lan.serve({ more: stateful });
      await lan.daemon(["-resendtimeout", "4s"]);
      lan.sandbox.pod("p1");
      const { json } = lan.call("ADD", "p1", slaac);
      match(json.details, /saw advertisements of fe80::\S+, without a prefix .* "ipv6": "dhcp"/);
    });

    it("serves a hundred pods at once, each with addresses of its own", async () => {
      using lan = new Lan();
      await lan.serve({ first: 10, last: 209, more: stateful });
      await lan.daemon();
      const pods = Array.from({ length: 100 }, (_, index) => `p${index}`);
      for (const pod of pods) lan.sandbox.pod(pod);
      const all = await lan.sandbox.cniAtOnce(pods.map((pod) => lan.callOf("ADD", pod, dhcp)));
      const six = all.map(({ json, stdout }) => json.ips?.[1]?.address ?? stdout);
      equal(new Set(six).size, 100, `${six}\n${lan.log}`);
      for (const address of six) match(address, /^2001:db8::1[0-9a-f]{2}\/128$/);
      equal(lan.files().length, 100);
      const gone = await lan.sandbox.cniAtOnce(pods.map((pod) => lan.callOf("DEL", pod, dhcp)));
      deepEqual(new Set(gone.map(({ status }) => status)), new Set([0]));
      deepEqual(lan.files(), []);
    });
  },
  dhcpCommands,
);
