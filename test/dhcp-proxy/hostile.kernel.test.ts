/** The daemon beside those who mean no good, on the wire and at its socket: it goes on, and grows no larger. */
import { deepEqual, doesNotMatch, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { captured } from "../core/rpc/capture.ts";
import type { Background } from "../kernel/enter.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";
import { dhcpd } from "./servers.ts";

const here = join(root, "test", "dhcp-proxy");

/** Starts a Python program of this folder, and waits until it says that it has begun. */
async function startPython(lan: Lan, words: string[], netns?: string): Promise<Background> {
  const [name = "", ...more] = words;
  const argv = ["python3", join(here, name), ...more];
  const running = lan.sandbox.start(argv, netns === undefined ? {} : { netns });
  await until(
    name,
    () => running.output().includes("started"),
    () => running.output(),
  );
  return running;
}

/** Memory of the daemon's own, in KiB. */
function memoryOf({ pid }: Lan): number {
  return Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

function renewals(lan: Lan, pod: string): number {
  return lan.log.match(new RegExp(`lease renewed container=${pod} `, "g"))?.length ?? 0;
}

describeKernel(
  "dhcp-daemon on a hostile link",
  function () {
    this.timeout(60_000);

    it("keeps, renews and gives leases while thousands of frames come that are no answer", async () => {
      using lan = new Lan();
      const settings = { netns: lan.outside, leaseSeconds: 20, renewSeconds: 1 };
      const server = await dhcpd.start(lan.sandbox, settings);
      await lan.daemon();
      const address = lan.add("p1");
      await lan.says(/lease renewed/);
      const before = memoryOf(lan);
      const rogue = await startPython(lan, ["rogue.py", "garbage", "1500"], lan.outside);
      lan.sandbox.pod("p2");
      const [outcome] = await lan.sandbox.cniAtOnce([lan.callOf("ADD", "p2")]);
      equal(outcome?.status, 0, outcome?.stdout);
      await until("renewals", () => renewals(lan, "p1") >= 3 && renewals(lan, "p2") >= 2);
      const folder = await server.stop();
      await new Promise((resolve) => setTimeout(resolve, 3000)); // in vain they ask, and listen to what there is
      const seen = renewals(lan, "p1");
      await dhcpd.start(lan.sandbox, { ...settings, folder });
      await until("renewals", () => renewals(lan, "p1") > seen);
      const after = memoryOf(lan);
      await rogue.stop();
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      doesNotMatch(lan.log, /lease (lost|changed)|192\.0\.2\.66/);
      ok(after - before < 3000, `${before} KiB, and then ${after}`);
      ok(lan.log.length < 20_000, `${lan.log.length} characters in the log`);
    });

    it("follows a server that gives another address when it is asked to prolong one", async () => {
      using lan = new Lan();
      await startPython(lan, ["rogue.py", "moves"], lan.outside);
      await lan.daemon();
      equal(lan.add("p1"), "192.0.2.50");
      const netns = "/run/netns/p1";
      const watched = lan.sandbox.start(["ip", "monitor", "link"], { netns });
      await lan.says(/lease changed: was 192\.0\.2\.50\/24 .*address=192\.0\.2\.60/);
      deepEqual(lan.addresses("p1"), ["192.0.2.60/24"]);
      const routes = lan.sandbox.ipJson("route show", netns) as Record<string, string>[];
      deepEqual(
        routes.map(({ dst, gateway, prefsrc }) => [dst, gateway ?? prefsrc]),
        [
          ["default", "192.0.2.9"],
          ["192.0.2.0/24", "192.0.2.60"],
        ],
      );
      doesNotMatch(watched.output(), /state (DOWN|LOWERLAYERDOWN)|NO-CARRIER/);
      equal(lan.file("p1").ipv4.lease.address, "192.0.2.60/24");
      await lan.says(/lease renewed .*address=192\.0\.2\.60/);
    });
  },
  [...dhcpCommands, "python3"],
);

describeKernel(
  "dhcp-daemon at a hostile socket",
  function () {
    this.timeout(60_000);

    it("serves pods beside clients that are slow, half open or garbled, and grows no larger by them", async () => {
      using lan = new Lan();
      await lan.serve();
      await lan.daemon();
      lan.add("first"); // what is grown once is there
      const call = Buffer.from(captured("plugin-allocate")).toString("hex");
      const clients = await startPython(lan, ["clients.py", call]);
      const said = (text: string) =>
        until(
          text,
          () => clients.output().includes(text),
          () => clients.output() + lan.log.slice(-2000),
        );
      await said("garbled 500");
      const before = memoryOf(lan);
      const outcomes = await addAndDelete(lan, 5);
      await said("garbled 3000");
      await said("slow answered");
      const after = memoryOf(lan);
      deepEqual(outcomes, Array(10).fill(0));
      ok(after - before < 3000, `${before} KiB, and then ${after}`);
      equal((await clients.ended)?.status, 0, clients.output());
      deepEqual(lan.files(), ["lan:first:eth0.json"]);
    });
  },
  [...dhcpCommands, "python3"],
);

/** @returns the status of each call */
async function addAndDelete(lan: Lan, count: number): Promise<(number | null)[]> {
  const statuses: (number | null)[] = [];
  for (let n = 0; n < count; n++) {
    const pod = `good${n}`;
    lan.sandbox.pod(pod);
    for (const command of ["ADD", "DEL"] as const) {
      const [outcome] = await lan.sandbox.cniAtOnce([lan.callOf(command, pod)]);
      statuses.push(outcome?.status ?? null);
    }
  }
  return statuses;
}
