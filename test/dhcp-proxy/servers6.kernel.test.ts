/** DHCPv6 of the daemon and the servers that many LANs have: what they say to each other, and what the pod notices of it. */
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { toHex } from "../../dhcp-proxy/lease6-info.ts";
import { duidOf } from "../../dhcp-proxy/packet6/duid.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";
import type { RunningServer } from "./server-process.ts";
import { secondMachine } from "./servers.ts";
import { dhcpd6, kea6, type ServerKind6 } from "./servers6.ts";
import { sideBySide } from "./side-by-side.ts";

const ipam = { type: "dhcp", ipv6: "dhcp", request: [{ option: "domain-name-servers" }] };
const both = { config: { ipam } };
const attachment = { containerId: "p1", network: "lan", ifname: "eth0" };
const netns = "/run/netns/p1";

/** A host whose LAN gives IPv4 addresses, and with whose machines duplicate address detection is over. */
async function dualLan(): Promise<Lan> {
  const lan = new Lan();
  await lan.serve();
  await settled(lan, lan.outside);
  return lan;
}

/** Servers want a link-local address that they may use. */
function settled(lan: Lan, path: string): Promise<unknown> {
  const isReady = () => !lan.sandbox.ok(["ip", "-6", "address"], { netns: path }).includes("tent");
  return until("the server's link-local address", isReady);
}

/** Runs a scenario with both servers at once, each in a world of its own. */
async function withEach(scenario: (lan: Lan, kind: ServerKind6) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(
    [kea6, dhcpd6].map(async (kind) => {
      using lan = await dualLan();
      try {
        await scenario(lan, kind);
      } catch (cause) {
        throw new Error(`with ${kind.name}: ${cause}\n${lan.log}`, { cause });
      }
    }),
  );
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

function heard(server: RunningServer, kind: ServerKind6, type: string): Promise<boolean> {
  const pattern = kind.heard(type);
  return until(`${kind.name}'s ${type}`, () => pattern.test(server.log()), server.log);
}

/** IPv6 addresses of a link with that prefix length; ip(8) shows the others as empty objects. */
function addresses(lan: Lan, prefixLength = 128, path = netns): string[] {
  const [link] = lan.sandbox.ipJson("-6 address show dev eth0", path);
  const infos = (link?.addr_info ?? []) as { local: string; prefixlen?: number }[];
  return infos.flatMap(({ local, prefixlen }) => (prefixlen === prefixLength ? [local] : []));
}

/** Adds the pod, which has to succeed. @returns its result */
async function added(lan: Lan, pod = "p1") {
  lan.sandbox.pod(pod);
  const [outcome] = await lan.sandbox.cniAtOnce([lan.callOf("ADD", pod, both)]);
  equal(outcome?.status, 0, outcome?.stdout);
  return outcome?.json;
}

/** What the daemon tells of the pod now. */
function told(lan: Lan) {
  const config = { ...both.config, type: "dhcp" };
  return lan.call("ADD", "p1", { config, type: "dhcp" }).json;
}

/** A ping whose source is the pod's DHCPv6 address: to a link-local one, which needs no route. */
function ping(lan: Lan, path = lan.outside) {
  const [source = ""] = addresses(lan);
  const linkLocal = addresses(lan, 64, path).find((address) => address.startsWith("fe80:"));
  const argv = ["ping", "-6", "-i", "0.05", "-W", "1", "-I", source, `${linkLocal}%eth0`];
  return lan.pinging("p1", argv);
}

describeKernel(
  "dhcp-daemon and real DHCPv6 servers",
  function () {
    this.timeout(120_000);

    sideBySide({
      "exchange what a result can carry, renew a lease of seconds, and the pod notices nothing":
        () =>
          withEach(async (lan, kind) => {
            const settings = {
              netns: lan.outside,
              leaseSeconds: 8,
              renewSeconds: 1,
              rebindSeconds: 5,
            };
            const server = await kind.start(lan.sandbox, settings);
            await lan.daemon();
            const result = await added(lan);
            const [, { address }] = result.ips;
            match(address, /^2001:db8::1[0-9a-f]{2}\/128$/);
            deepEqual(result.dns, { nameservers: ["2001:db8::53"], search: ["six.test"] });
            deepEqual(addresses(lan), [address.replace("/128", "")]);
            const pinging = ping(lan);
            await heard(server, kind, "Renew");
            await lan.says(/(lease renewed .*address=2001:db8::.*){2}/s);
            match(await pinging.stop(), / 0% packet loss/);
            doesNotMatch(lan.log, /lease (lost|changed)/);
            for (const _ of [1, 2]) equal(lan.call("DEL", "p1", both).status, 0);
            await heard(server, kind, "Release");
            deepEqual(lan.files(), []);
          }),

      "bind again when the server is gone and another has come": () =>
        withEach(async (lan, kind) => {
          const settings = { leaseSeconds: 30, renewSeconds: 2, rebindSeconds: 3 };
          const first = await kind.start(lan.sandbox, { netns: lan.outside, ...settings });
          const second = secondMachine(lan.sandbox);
          const own = ["ip", "address", "add", "2001:db8::3/64", "dev", "eth0", "nodad"];
          lan.sandbox.ok(own, { netns: second });
          await settled(lan, second);
          await lan.daemon();
          await added(lan);
          const before = addresses(lan);
          const pinging = ping(lan, second);
          await first.stop();
          const server = await kea6.start(lan.sandbox, { netns: second, id: "02", ...settings });
          await heard(server, kea6, "Rebind");
          await lan.says(/(lease renewed \S+ .*server=0002000009bf02 .*){2}/s);
          match(await pinging.stop(), / 0% packet loss/);
          deepEqual(addresses(lan), before);
          doesNotMatch(lan.log, /lease (lost|changed)/);
          equal(lan.call("DEL", "p1", both).status, 0);
          await heard(server, kea6, "Release");
        }),

      "move a pod at a renewal, and tell it another resolver": () =>
        withEach(async (lan, kind) => {
          const settings = { netns: lan.outside, leaseSeconds: 30, renewSeconds: 2 };
          const first = await kind.start(lan.sandbox, settings);
          await lan.daemon();
          await added(lan);
          const [before] = addresses(lan);
          let folder = await first.stop();
          const second = await kind.start(lan.sandbox, {
            ...settings,
            folder,
            resolver: "2001:db8::54",
          });
          await until("the resolver", () => told(lan).dns?.nameservers[0] === "2001:db8::54");
          deepEqual(addresses(lan), [before]);
          folder = await second.stop();
          const duid = toHex(duidOf(attachment));
          const reserved = { duid, address: "2001:db8::77" };
          await kind.start(lan.sandbox, { ...settings, folder, reserved });
          await lan.says(/lease changed .*address=2001:db8::77 /);
          deepEqual(addresses(lan), ["2001:db8::77"]);
          equal(told(lan).ips[1].address, "2001:db8::77/128");
          const pinging = ping(lan);
          await new Promise((resolve) => setTimeout(resolve, 200));
          match(await pinging.stop(), / 0% packet loss/);
        }),

      "lose a lease that nobody prolongs, keep the address in the pod, and give one again": () =>
        withEach(async (lan, kind) => {
          const settings = {
            netns: lan.outside,
            leaseSeconds: 4,
            renewSeconds: 1,
            rebindSeconds: 2,
          };
          const first = await kind.start(lan.sandbox, settings);
          await lan.daemon();
          await added(lan);
          const before = addresses(lan);
          const folder = await first.stop();
          await lan.says(/lease lost: no server prolonged it;.*address=2001:db8::/);
          deepEqual(addresses(lan), before);
          const pool = ["2001:db8::a0", "2001:db8::af"] as const;
          await kind.start(lan.sandbox, { ...settings, folder, pool });
          await lan.says(/lease changed .*address=2001:db8::a/);
          const [now] = addresses(lan);
          match(`${now}`, /^2001:db8::a/);
        }),

      "say that the pool has no address left, and give the one that comes free": () =>
        withEach(async (lan, kind) => {
          const pool = ["2001:db8::5", "2001:db8::5"] as const;
          await kind.start(lan.sandbox, { netns: lan.outside, pool });
          await lan.daemon(["-resendtimeout", "4s"]);
          await added(lan);
          lan.sandbox.pod("p2");
          const [outcome] = await lan.sandbox.cniAtOnce([lan.callOf("ADD", "p2", both)]);
          equal(outcome?.json.msg, 'error calling DHCP.Allocate: no DHCPv6 lease for "eth0"');
          match(outcome?.json.details, /the last refusal was "noAddrsAvail/);
          equal(lan.call("DEL", "p2", both).status, 0);
          equal(lan.call("DEL", "p1", both).status, 0);
          const { ips } = await added(lan, "p3");
          equal(ips[1].address, "2001:db8::5/128");
        }),

      "know a container again in another namespace (Confirm)": () =>
        withEach(async (lan, kind) => {
          const server = await kind.start(lan.sandbox, { netns: lan.outside });
          await lan.daemon();
          const { ips } = await added(lan);
          lan.sandbox.deletePod("p1");
          deepEqual((await added(lan)).ips, ips);
          await heard(server, kind, "Confirm");
          equal(server.log().split(kind.heard("Solicit")).length, 2);
        }),
    });
  },
  dhcpCommands,
);
