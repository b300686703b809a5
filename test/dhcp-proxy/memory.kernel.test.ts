/** The daemon's memory and descriptors over hundreds of leases. */
import { equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { Executor } from "../faults/executor.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, lanConfig, until } from "./lan.ts";
import { kea } from "./servers.ts";
import { sideBySide } from "./side-by-side.ts";

const netns = "/run/netns/p1";

/** What the daemon has in memory, in KiB. */
function rss(lan: Lan): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${lan.pid}/status`, "utf8"))?.[1]);
}

function descriptors(lan: Lan): number {
  return readdirSync(`/proc/${lan.pid}/fd`).length;
}

/** A pod with a link whose addresses can be used at once. */
function pod(lan: Lan): void {
  lan.sandbox.pod("p1");
  const conf = "/proc/sys/net/ipv6/conf";
  const script = `for each in all default; do echo 0 >${conf}/$each/accept_dad; done`;
  lan.sandbox.ok(["sh", "-c", script], { netns });
  const made = "link add eth0 netns p1 link uplink type macvlan mode bridge";
  lan.sandbox.ok(["ip", ...made.split(" ")]);
}

/** A call of dhcp alone, on the link that is there. */
function call(lan: Lan, command: string, containerId: string, ipv6: string) {
  const config = { ...lanConfig, type: "dhcp", ipam: { type: "dhcp", ipv6 } };
  return lan.callOf(command, "p1", { config, type: "dhcp", containerId });
}

/** It takes and frees all the time, so that one look says little: the least of several is compared with the least of later ones. */
const looks = 4;
const mostGrowthKib = 512;

/** Lets something go on, and looks at what the daemon has then. @returns in KiB */
async function least(lan: Lan, goOn: () => Promise<unknown>): Promise<number> {
  const seen: number[] = [];
  for (let n = 0; n < looks; n++) {
    await goOn();
    seen.push(rss(lan));
  }
  return Math.min(...seen);
}

async function comeAndGo(): Promise<string> {
  using lan = new Lan();
  await lan.serve({ more: ["--dhcp-range=2001:db8::100,2001:db8::1ff,64,120"] });
  await lan.daemon(["-probetime", "0"]);
  pod(lan);
  await using executor = new Executor(lan.sandbox);
  let count = 0;
  const some = async () => {
    for (let n = 0; n < 8; n++) {
      count += 1;
      for (const command of ["ADD", "DEL"]) {
        const { status, stdout } = await executor.cni(call(lan, command, "c1", "dhcp"));
        equal(status, 0, stdout);
      }
    }
  };
  const isIdle = descriptors(lan);
  await least(lan, some); // what the first ones need stays
  const before = await least(lan, some);
  const after = await least(lan, some);
  await until("the last connection's end", () => descriptors(lan) === isIdle);
  ok(after < before + mostGrowthKib, `${before} KiB, after ${count} leases ${after} KiB`);
  return `${count} leases, ${before} and ${after} KiB`;
}

async function renewals(): Promise<string> {
  using lan = new Lan();
  await kea.start(lan.sandbox, { netns: lan.outside, renewSeconds: 1 });
  await lan.daemon(["-probetime", "0"]);
  pod(lan);
  const names = Array.from({ length: 60 }, (_, n) => `c${n}`);
  const all = await lan.sandbox.cniAtOnce(names.map((name) => call(lan, "ADD", name, "off")));
  for (const { status, stdout } of all) equal(status, 0, stdout);
  const wait = () => new Promise((resolve) => setTimeout(resolve, 1500));
  await least(lan, wait); // what the first ones need stays
  const before = await least(lan, wait);
  const after = await least(lan, wait);
  const count = lan.log.split("lease renewed").length - 1;
  ok(count > names.length, lan.log);
  ok(after < before + mostGrowthKib, `${before} KiB, after ${count} renewals ${after} KiB`);
  return `${count} renewals, ${before} and ${after} KiB`;
}

describeKernel(
  "the memory of dhcp-daemon does not grow",
  function () {
    this.timeout(120_000);
    sideBySide({ "with leases that come and go": comeAndGo, "with renewals": renewals });
  },
  dhcpCommands,
);
