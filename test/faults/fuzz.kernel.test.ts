/**
 * The built programs given garbage: thousands of executions, and somebody else's container in between.
 *
 * `NETLOOM_SEED` chooses the garbage, `NETLOOM_FUZZ_TIMES=10` makes ten times as much of it.
 */
import { deepEqual, equal } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { randomNumbers } from "netlink-ts/testing/fuzz.ts";
import { holdsAlways } from "../kernel/invariants.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../kernel/sandbox.ts";
import { ContainerRuntime, succeeded } from "./container-runtime.ts";
import { Executor } from "./executor.ts";
import {
  configurations,
  mutateEnvironment,
  mutateText,
  oneOf,
  prevResult,
  type Random,
  valid,
} from "./fuzz-inputs.ts";
import { hostState } from "./host-state.ts";
import { seed } from "./seed.ts";

const count = Math.ceil(4000 * Number(process.env["NETLOOM_FUZZ_TIMES"] ?? 1));
const verbs = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"];
const types = Object.keys(configurations);
/** A daemon reads neither stdin nor CNI's environment. */
const isOneShot = (type: string) => type !== "dhcp-daemon";

const network = {
  name: "net",
  plugins: [
    {
      type: "bridge",
      bridge: "other0",
      isDefaultGateway: true,
      ipam: { type: "host-local", subnet: "10.99.0.0/24" },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

/** What configurations name as links of the host. */
const links = `link add uplink type veth peer name beyond
link add spare type veth peer name spare-peer
link set uplink up`;

/** One call with garbage in stdin, in the environment, or in both. */
function garbage(random: Random) {
  const command = oneOf(random, verbs);
  const good = [
    `CNI_COMMAND=${command}`,
    "CNI_CONTAINERID=c1",
    "CNI_NETNS=/run/netns/c1",
    "CNI_IFNAME=eth0",
    `CNI_PATH=${builtPrograms}`,
  ];
  const type = oneOf(random, types);
  const document = { ...configurations[type], prevResult, "cni.dev/valid-attachments": valid };
  const kind = random() % 4;
  const environment = kind === 0 ? good : mutateEnvironment(good, random);
  const input = kind === 1 ? JSON.stringify(document) : mutateText(document, random);
  return { program: join(builtPrograms, type), environment, input };
}

/** Not a call of who says to be the other container, and no GC that is not told of it. */
function isAllowed({ environment, input }: ReturnType<typeof garbage>): boolean {
  if (environment.includes("CNI_CONTAINERID=other")) return false;
  const isTold = Buffer.from(input as string).includes(JSON.stringify(valid[1]));
  return isTold || !environment.includes("CNI_COMMAND=GC");
}

async function run(random: Random): Promise<void> {
  using sandbox = Sandbox.create();
  sandbox.ok(["ip", "-batch", "-"], { input: links });
  await using executor = new Executor(sandbox);
  const runtime = new ContainerRuntime(sandbox, network, (call) => executor.cni(call));
  const ports = [{ hostPort: 9999, containerPort: 80, protocol: "tcp" }];
  const other = { id: "other", netns: sandbox.pod("other"), ports };
  const { result } = succeeded("ADD of other", await runtime.add(other));
  const own = (rows: string[]) => rows.filter((row) => /other/.test(row));
  const state = () => {
    const { links, reservations, records, elements } = hostState(sandbox);
    return [links, reservations, records, elements].map(own);
  };
  const before = state();
  sandbox.pod("c1");
  for (let at = 0; at < count; at++) {
    const call = garbage(random);
    if (!isAllowed(call)) continue;
    const done = await executor.run(call);
    const what = `seed ${seed}, number ${at}: ${call.program} ${call.environment.join(" ")} < ${Buffer.from(call.input as string)}`;
    try {
      holdsAlways(done);
      equal(done.left, 0, "left a process behind");
      if (at % 100 === 99) deepEqual(state(), before);
    } catch (error) {
      throw new Error(`${what}\n${(error as Error).stack}`);
    }
  }
  succeeded("CHECK of other", await runtime.check(other, result));
}

describeKernel("a built program", function () {
  this.timeout(Math.max(600_000, count * 200));

  it("has a configuration here", () => {
    deepEqual(types.sort(), readdirSync(builtPrograms).filter(isOneShot).sort());
  });

  it("answers any garbage with a result or an error, and harms nobody else", async function () {
    await Promise.all([run(randomNumbers(seed)), run(randomNumbers(seed + 1))]);
    this.test!.title += `: ${2 * count} executions from seed ${seed}`;
  });
});
