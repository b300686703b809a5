/**
 * host-device with a network card, in the namespaces that the guest was started in: where the kernel puts a card when the
 * namespace that it was in ends.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { builtPrograms } from "../../kernel/sandbox.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON of iproute2 and results
type Json = any;

const netns = "/run/netns/card";
const ifName = "lan0";

function run(command: string): string {
  const [program = "", ...args] = command.split(" ");
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  equal(status, 0, `${command}: ${stderr}`);
  return stdout;
}

/** Links of the guest, or of a namespace. */
function links(where = ""): Json[] {
  return JSON.parse(run(`ip ${where}-j -d link show`).trim() || "[]");
}

/** The card: the only link that is no virtual one, lo aside. */
function card(where?: string): Json {
  return links(where).find(
    ({ linkinfo, link_type: type }) => linkinfo === undefined && type === "ether",
  );
}

function call(
  command: string,
  config: object,
): { status: number | null; json: Json; stderr: string } {
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: "c1",
    CNI_IFNAME: ifName,
    CNI_NETNS: netns,
    CNI_PATH: builtPrograms,
  };
  const input = JSON.stringify({
    cniVersion: "1.1.0",
    name: "cards",
    type: "host-device",
    ...config,
  });
  const program = join(builtPrograms, "host-device");
  const { status, stdout, stderr } = spawnSync(program, [], { env, input, encoding: "utf8" });
  return { status, json: stdout === "" ? undefined : JSON.parse(stdout), stderr };
}

function ok(command: string, config: object): Json {
  const { status, json, stderr } = call(command, config);
  equal(status, 0, `${command}: ${JSON.stringify(json)}${stderr}`);
  return json;
}

describe("host-device and a network card", () => {
  let untouched: Json;
  let device: string;

  before(() => {
    run("modprobe virtio_net");
    untouched = card();
    device = untouched.ifname;
  });

  beforeEach(() => {
    run("ip netns add card");
  });

  afterEach(() => {
    if (existsSync(netns)) run("ip netns delete card");
  });

  /** Name, MAC address and MTU of the card on the host. */
  const atHome = () => {
    const { ifname, address, mtu, ifalias } = card();
    return [ifname, address, mtu, ifalias];
  };
  const asBefore = () => [untouched.ifname, untouched.address, untouched.mtu, undefined];

  it("is found by its id on the PCI bus, behind virtio, and comes and goes", () => {
    const pciBusID = busOf(device);
    const prevResult = ok("ADD", { pciBusID });
    equal(card("-n card ").ifname, ifName);
    deepEqual(prevResult.interfaces, [
      { name: ifName, mac: untouched.address, mtu: untouched.mtu, pciID: pciBusID, sandbox: netns },
    ]);
    ok("CHECK", { pciBusID, prevResult });
    ok("DEL", { pciBusID, prevResult });
    deepEqual(atHome(), asBefore());
  });

  for (const command of ["DEL", "GC"]) {
    it(`${command} waits for the kernel to bring it back from a namespace that has ended`, () => {
      ok("ADD", { device });
      run("ip netns delete card");
      ok(command, { device, ...(command === "GC" && { "cni.dev/valid-attachments": [] }) });
      deepEqual(atHome(), asBefore());
    });
  }

  it("gets its name again when the kernel had to make one up", () => {
    ok("ADD", { device });
    run(`ip link add ${ifName} type dummy`);
    run(`ip -n card link set ${ifName} address 02:00:00:00:00:99 mtu 1300`);
    run("ip netns delete card");
    ok("DEL", { device });
    deepEqual(atHome(), asBefore());
    run(`ip link delete ${ifName}`);
  });

  it("keeps its record while something holds the namespace, and is given back later", () => {
    ok("ADD", { device });
    const holder = spawnSync("sh", [
      "-c",
      "nsenter --net=/run/netns/card sleep 6 >/dev/null 2>&1 & echo $!",
    ]);
    equal(holder.status, 0);
    run("sleep 1");
    run("ip netns delete card");
    const { status, stderr } = call("DEL", { device });
    equal(status, 0);
    match(stderr, /is neither in the container nor on the host/);
    run("sleep 7");
    ok("DEL", { device });
    deepEqual(atHome(), asBefore());
  });
});

/** The id of the PCI device whose virtio device has that link. */
function busOf(ifname: string): string {
  const path = run(`readlink -f /sys/class/net/${ifname}`);
  return [...path.matchAll(/[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d/g)].at(-1)?.[0] ?? "";
}
