/**
 * Many calls at once on one host: who comes first, who shares, who follows.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { randomNumbers } from "netlink-ts/testing/fuzz.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { builtPrograms, type CniCall, Sandbox } from "../kernel/sandbox.ts";
import {
  type Container,
  ContainerRuntime,
  type RuntimeNetwork,
  succeeded,
} from "./container-runtime.ts";
import { ExecutorPool } from "./executor.ts";
import { type AskedPort, type HostState, hostState, wrongAnswers } from "./host-state.ts";
import { type Attached, addressesOf, stateOf } from "./races-model.ts";
import { seed } from "./seed.ts";

/** bridge, host-local and portmap in both families, as a network of its own. */
function chain(name: string, keys: object = {}, ipam: object = {}): RuntimeNetwork {
  const ranges = [[{ subnet: "10.71.0.0/24" }], [{ subnet: "fd00:71::/64" }]];
  const bridge = { type: "bridge", bridge: "cni0", isDefaultGateway: true, ipMasq: true };
  return {
    name,
    plugins: [
      { ...bridge, ipam: { type: "host-local", ranges, ...ipam }, ...keys },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

/** A container with its namespace and one port of each protocol. */
type Pod = Container & { netns: string; ports: NonNullable<Container["ports"]> };

function pods(sandbox: Sandbox, count: number, firstPort = 8000, prefix = "c"): Pod[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `${prefix}${at}`,
    netns: sandbox.pod(`${prefix}${at}`),
    ports: portsFrom(firstPort + at),
  }));
}

function portsFrom(hostPort: number): Pod["ports"] {
  return [
    { hostPort, containerPort: 80, protocol: "tcp" },
    { hostPort, containerPort: 53, protocol: "udp" },
  ];
}

const asked = (all: readonly Pod[]): AskedPort[] =>
  all.flatMap(({ netns, ports }) => ports.map((port) => ({ netns, ...port })));

/** ADD of all of them at once. @returns what the runtime then knows */
async function addAll(runtime: ContainerRuntime, all: readonly Pod[]): Promise<Attached[]> {
  const done = await Promise.all(all.map((each) => runtime.add(each)));
  return done.map((chain, at) => {
    const { result } = succeeded(`ADD of ${all[at]!.id}`, chain);
    return { network: runtime.network.name, container: all[at]!, result };
  });
}

async function delAll(runtime: ContainerRuntime, all: readonly Attached[]): Promise<void> {
  const done = await Promise.all(
    all.map(({ container, result }) => runtime.del(container, result)),
  );
  for (const [at, each] of done.entries()) succeeded(`DEL of ${all[at]!.container.id}`, each);
}

/** Asserts that the host keeps exactly what these attachments need. */
function keeps(sandbox: Sandbox, attached: readonly Attached[], dataDirs?: string[]): HostState {
  const state = hostState(sandbox, dataDirs);
  const { rules: _, bridges: __, ...found } = state;
  const bridgeOf = Object.fromEntries(attached.map(({ network }) => [network, "cni0"]));
  deepEqual(found, stateOf(attached, bridgeOf));
  return state;
}

/** Bridges and rules of a host on which calls never met. */
async function standingAfterOne(network: RuntimeNetwork): Promise<[string[], string[]]> {
  using sandbox = Sandbox.create();
  await using pool = new ExecutorPool(sandbox);
  const runtime = new ContainerRuntime(sandbox, network, (call) => pool.cni(call));
  await delAll(runtime, await addAll(runtime, pods(sandbox, 1)));
  const { bridges, rules } = hostState(sandbox);
  return [bridges, rules];
}

describeKernel("50 chains of bridge, host-local and portmap at once", function () {
  this.timeout(180_000);

  it("on a host that had no network share one bridge and one table, and every port answers (ROB-005, ROB-006)", async () => {
    using sandbox = Sandbox.create();
    await using pool = new ExecutorPool(sandbox, 50);
    sandbox.outside();
    const runtime = new ContainerRuntime(sandbox, chain("net"), (call) => pool.cni(call));
    const all = pods(sandbox, 50);
    const attached = await addAll(runtime, all);
    const { bridges, rules } = keeps(sandbox, attached);
    deepEqual([bridges, rules], await standingAfterOne(chain("net")));
    equal(new Set(attached.flatMap(addressesOf)).size, 100);
    deepEqual(wrongAnswers(sandbox, asked(all)), []);

    await delAll(runtime, attached.slice(0, 25));
    keeps(sandbox, attached.slice(25));
    deepEqual(wrongAnswers(sandbox, asked(all.slice(25))), []);
    await delAll(runtime, attached.slice(25));
    keeps(sandbox, []);
  });
});

describeKernel("two runtimes with the same bridge", function () {
  this.timeout(180_000);

  it("make it once, and neither touches what is the other's (ROB-005, ROB-006, ROB-052)", async () => {
    using sandbox = Sandbox.create();
    await using pool = new ExecutorPool(sandbox, 40);
    const run = (call: CniCall) => pool.cni(call);
    sandbox.outside();
    const bin = join(sandbox.scratch, "bin");
    cpSync(builtPrograms, bin, { recursive: true });
    const range = (dataDir: string, from: number, to: number) => {
      const parts = {
        subnet: "10.71.0.0/24",
        rangeStart: `10.71.0.${from}`,
        rangeEnd: `10.71.0.${to}`,
      };
      return { dataDir, ranges: [[parts]] };
    };
    const dataDirs = ["/var/lib/cni/one", "/var/lib/cni/two"];
    const one = new ContainerRuntime(
      sandbox,
      chain("one", {}, range("/var/lib/cni/one", 10, 99)),
      run,
    );
    const other = { ...chain("two", {}, range("/var/lib/cni/two", 100, 199)), bin };
    const two = new ContainerRuntime(sandbox, other, run);

    // the same ids on both: a container's id says nothing without its network
    const [first, second] = [
      pods(sandbox, 20),
      pods(sandbox, 20, 9000, "d").map((pod, at) => ({ ...pod, id: `c${at}` })),
    ];
    const [ones, twos] = await Promise.all([addAll(one, first), addAll(two, second)]);
    const { bridges } = keeps(sandbox, [...ones, ...twos], dataDirs);
    deepEqual(bridges, ["cni0 10.71.0.1/24"]);
    deepEqual(wrongAnswers(sandbox, [...asked(first), ...asked(second)]), []);

    // one runtime has lost all of its containers and says so, while the other goes on
    const [half, rest] = [twos.slice(0, 10), twos.slice(10)];
    await Promise.all([
      one.gc([]).then((done) => succeeded("GC of one", done)),
      one.gc([]).then((done) => succeeded("GC of one, again", done)),
      delAll(two, half),
    ]);
    keeps(sandbox, rest, dataDirs);
    deepEqual(wrongAnswers(sandbox, asked(second.slice(10))), []);
    for (const { container, result } of rest)
      succeeded("CHECK", await two.check(container, result));
    await Promise.all([delAll(two, rest), delAll(one, ones)]);
    keeps(sandbox, [], dataDirs);
  });
});

describeKernel("ADD of one container beside DEL of another", function () {
  this.timeout(180_000);

  it("that has its only address and its port either waits for both or gets both whole (ROB-008)", async () => {
    using sandbox = Sandbox.create();
    await using pool = new ExecutorPool(sandbox, 2);
    sandbox.outside();
    const only = { ranges: [[{ subnet: "10.71.0.0/30" }]] };
    const runtime = new ContainerRuntime(sandbox, chain("net", {}, only), (call) => pool.cni(call));
    const random = randomNumbers(seed);
    const born = (at: number): Pod => ({
      id: `c${at}`,
      netns: sandbox.pod(`c${at}`),
      ports: portsFrom(8080),
    });
    let [last] = await addAll(runtime, [born(0)]);
    for (let round = 1; round <= 25; round++) {
      const next = born(round);
      const deleting = runtime.del(last!.container, last!.result);
      await new Promise((resolve) => setTimeout(resolve, random() % 40));
      const added = await addSoon(runtime, next);
      succeeded(`DEL of ${last!.container.id}`, await deleting);
      last = { network: "net", container: next, result: added };
      keeps(sandbox, [last]);
      deepEqual(wrongAnswers(sandbox, asked([next])), [], `round ${round}, seed ${seed}`);
      succeeded("CHECK", await runtime.check(next, added));
    }
  });
});

/** ADD as a runtime retries it: DEL after each failure. What stands in the way is an address or a port. */
async function addSoon(runtime: ContainerRuntime, pod: Pod): Promise<Attached["result"]> {
  for (let tries = 0; tries < 100; tries++) {
    const { result, failure } = await runtime.add(pod);
    if (failure === undefined) return result;
    match(failure.error.msg, /no IP addresses available|already published by "net\/c\d+:eth0"/);
    succeeded(`DEL of ${pod.id}`, await runtime.del(pod));
  }
  throw new Error(`${pod.id} is not added after 100 tries`);
}

describeKernel("ADD of one container", function () {
  this.timeout(180_000);

  it("twice at once gives it to one of them, whole (ROB-007)", async () => {
    using sandbox = Sandbox.create();
    await using pool = new ExecutorPool(sandbox, 2);
    const runtime = new ContainerRuntime(sandbox, chain("net"), (call) => pool.cni(call));
    const [pod] = pods(sandbox, 1) as [Pod];
    for (let round = 0; round < 30; round++) {
      const both = await Promise.all([runtime.add(pod), runtime.add(pod)]);
      const good = both.filter(({ failure }) => failure === undefined);
      equal(good.length, 1, JSON.stringify(both));
      const attached = { network: "net", container: pod, result: good[0]!.result };
      keeps(sandbox, [attached]);
      succeeded("CHECK", await runtime.check(pod, attached.result));
      await delAll(runtime, [attached]);
    }
  });

  it("into another namespace is refused, and the first keeps what it has (ROB-001)", async () => {
    using sandbox = Sandbox.create();
    await using pool = new ExecutorPool(sandbox);
    const runtime = new ContainerRuntime(sandbox, chain("net"), (call) => pool.cni(call));
    const [pod] = pods(sandbox, 1) as [Pod];
    const attached = await addAll(runtime, [pod]);
    const { failure } = await runtime.add({ ...pod, netns: sandbox.pod("another") });
    match(failure?.error.msg, /^"net\/c0:eth0" is attached already$/);
    keeps(sandbox, attached);
    await delAll(runtime, attached);
    keeps(sandbox, []);
  });
});
