/**
 * `npm start`: one container on a bridge with a published port, shown from every side, and then nothing of it left.
 * Everything happens in network and mount namespaces of its own. `--bin FOLDER` shows other programs instead of ours.
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Sandbox } from "../../test/kernel/sandbox.ts";
import { binFolder, root } from "../place.ts";
import { type AttachmentCall, Libcni, type NetworkList } from "./libcni.ts";
import { Report } from "./report.ts";
import { residue } from "./residue.ts";

const bridge = "cni-demo";
const hostIpv4 = "192.0.2.1";
const hostIpv6 = "2001:db8::1";
const port = 8080;

const list: NetworkList = {
  cniVersion: "1.0.0",
  name: "demo",
  plugins: [
    {
      type: "bridge",
      bridge,
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: "10.88.0.0/24" }], [{ subnet: "fd00:88::/64" }]],
        routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

/** The demo's world and what it found out so far. */
interface Scene {
  sandbox: Sandbox;
  report: Report;
  libcni: Libcni;
  /** Paths of network namespaces. */
  outside: string;
  call: AttachmentCall;
}

function prepare(bin: string, sandbox: Sandbox): Scene {
  const call: AttachmentCall = {
    containerId: "demo-web-1",
    ifName: "eth0",
    netns: sandbox.pod("web"),
    capabilities: { portMappings: [{ hostPort: port, containerPort: 80, protocol: "tcp" }] },
  };
  const outside = sandbox.outside();
  return { sandbox, report: new Report(), libcni: new Libcni(sandbox, bin), outside, call };
}

/** Runs one verb of the chain and prints how long each program took. */
function verb({ report, libcni }: Scene, what: string, step: () => void): void {
  const before = libcni.executions.length;
  report.attempt(what, () => {
    step();
    const done = libcni.executions.slice(before);
    return done.map(({ type, outcome }) => `${type} ${outcome.ms.toFixed(1)} ms`).join(", ");
  });
}

async function startServers({ sandbox, outside, call }: Scene): Promise<void> {
  const script = join(root, "scripts", "demo", "echo-server.mjs");
  const servers = [
    sandbox.start([process.execPath, script, "80", "pod"], { netns: call.netns }),
    sandbox.start([process.execPath, script, "80", "outside"], { netns: outside }),
  ];
  for (let waited = 0; servers.some((server) => !server.output().includes("listening")); waited++) {
    if (waited > 200) throw new Error(servers.map((server) => server.output()).join());
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function showPod({ sandbox, report, call }: Scene): void {
  report.show(sandbox.ok(["ip", "-brief", "address"], { netns: call.netns }));
  report.show(sandbox.ok(["ip", "-4", "route"], { netns: call.netns }));
  report.show(sandbox.ok(["ip", "-6", "route", "show", "default"], { netns: call.netns }));
}

function proveReach({ sandbox, report, outside, call }: Scene): void {
  const pod = call.netns;
  const ping = (address: string) =>
    report.attempt(`pod -> gateway ${address}`, () => {
      const said = sandbox.ok(["ping", "-c1", "-W2", address], { netns: pod });
      return /time=[\d.]+ ms/.exec(said)?.[0] ?? said;
    });
  const curl = (what: string, url: string, wanted: RegExp, netns?: string) =>
    report.attempt(what, () => {
      const argv = ["curl", "-sS", "--max-time", "5", url];
      const said = sandbox.ok(argv, netns === undefined ? {} : { netns });
      if (!wanted.test(said)) throw new Error(`want ${wanted.source}, got ${said}`);
      return `${url}: ${said}`;
    });

  ping("10.88.0.1");
  ping("fd00:88::1");
  curl("pod -> outside, IPv4, seen as the host", "http://192.0.2.2", /sees 192\.0\.2\.1$/m, pod);
  curl("pod -> outside, IPv6, seen as the host", "http://[2001:db8::2]", /sees 2001:db8::1$/m, pod);
  const seesOutside = /pod sees (192\.0\.2\.2|2001:db8::2)$/m;
  curl("outside -> published port, IPv4", `http://${hostIpv4}:${port}`, seesOutside, outside);
  curl("outside -> published port, IPv6", `http://[${hostIpv6}]:${port}`, seesOutside, outside);
  curl("host -> published port, loopback", `http://127.0.0.1:${port}`, /pod sees/);
  curl("pod -> its own published port", `http://${hostIpv4}:${port}`, /pod sees/, pod);
}

/** Text that only this container has: its id and its addresses. */
function marks(result: unknown): RegExp {
  const { ips } = result as { ips: { address: string }[] };
  const texts = ["demo-web-1", ...ips.map(({ address }) => address.split("/")[0] ?? address)];
  const bounded = texts.map((text) => `(?<![\\w.:])${text.replaceAll(".", "\\.")}(?![\\w.:])`);
  return new RegExp(bounded.join("|"));
}

function compare({ report }: Scene, found: ReturnType<typeof residue>): void {
  report.expect("nothing of the container is left", found.wrong.length === 0, "");
  for (const row of found.wrong) report.show(row);
  const counted = new Map<string, number>();
  for (const row of found.kept) {
    const kind = row.split(":")[0] ?? "";
    counted.set(kind, (counted.get(kind) ?? 0) + 1);
  }
  const text = [...counted].map(([kind, count]) => `${count} ${kind}`).join(", ");
  report.show(`kept for the next container (bridge, empty tables, IPAM's lock): ${text}`);
}

async function play(scene: Scene): Promise<void> {
  const { sandbox, report, libcni, call } = scene;
  const before = sandbox.snapshot();
  let result: unknown;
  report.part("ADD: bridge with host-local, then portmap");
  verb(scene, "ADD", () => {
    result = libcni.add(list, call);
  });
  if (result === undefined) return;
  showPod(scene);
  await startServers(scene);
  report.part("Traffic");
  proveReach(scene);
  report.part("CHECK, DEL, DEL again");
  verb(scene, "CHECK", () => libcni.check(list, call, result));
  verb(scene, "DEL", () => libcni.del(list, call, result));
  verb(scene, "DEL again", () => libcni.del(list, call, result));
  report.part("Before and after");
  compare(scene, residue(before, sandbox.snapshot(), bridge, marks(result)));
}

const { values } = parseArgs({ options: { bin: { type: "string", default: binFolder } } });
const sandbox = Sandbox.create();
const scene = prepare(values.bin, sandbox);
try {
  await play(scene);
} finally {
  sandbox.dispose();
}
const { failures } = scene.report;
console.log(failures === 0 ? "\nEverything was as it should be." : `\n${failures} steps failed.`);
process.exitCode = failures === 0 ? 0 : 1;
