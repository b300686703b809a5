/**
 * Every file that a chain of bridge, host-local and portmap keeps, broken in every way: others get their network, its own
 * container goes, CHECK tells which file it is, and GC gets over it.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describeKernel } from "../kernel/requirements.ts";
import { Sandbox } from "../kernel/sandbox.ts";
import { type Chain, type Container, ContainerRuntime, succeeded } from "./container-runtime.ts";
import { Executor } from "./executor.ts";
import { hostState } from "./host-state.ts";
import { type Damage, damages } from "./power-loss.ts";
import { type Attached, addressesOf, stateOf } from "./races-model.ts";
import { seed } from "./seed.ts";

const networks = "/var/lib/cni/networks/net";
const precious = "/var/lib/precious";
const preciousText = "10.71.0.77 must never be written through\n";

const network = {
  name: "net",
  plugins: [
    {
      type: "bridge",
      bridge: "cni0",
      isDefaultGateway: true,
      ipMasq: true,
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: "10.71.0.0/24" }], [{ subnet: "fd00:71::/64" }]],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

/** One kind of file. */
interface Kind {
  name: string;
  /** Where it is for this attachment. */
  path(attached: Attached): string;
  /** A good file of the kind that is another's. */
  foreign(world: World): string;
  /** It is one attachment's own: CHECK of that one has to tell. */
  isOwn: boolean;
  /** The program whose CHECK has to fail. */
  teller?: "bridge" | "portmap";
}

const record = (plugin: "bridge" | "portmap"): Kind => ({
  name: `record of ${plugin}`,
  path: ({ container }) => `/run/netloom/net/${container.id}:eth0/${plugin}.json`,
  foreign: (world) => world.read(`/run/netloom/net/other:eth0/${plugin}.json`),
  isOwn: true,
  teller: plugin,
});

const reservation = (family: number): Kind => ({
  name: `reservation of an IPv${family} address`,
  path: (attached) => `${networks}/${addressesOf(attached)[family === 4 ? 0 : 1]}`,
  foreign: () => "stranger\r\neth0",
  isOwn: true,
  teller: "bridge",
});

const shared = (name: string, foreign: string): Kind => ({
  name,
  path: () => `${networks}/${name}`,
  foreign: () => foreign,
  isOwn: false,
});

const kinds: readonly Kind[] = [
  record("bridge"),
  record("portmap"),
  reservation(4),
  reservation(6),
  shared("last_reserved_ip.0", "fd00:71::9"),
  shared("last_reserved_ip.1", "10.99.0.1"),
  shared("lock", "12345\n"),
  shared(
    ".netloom-ledger",
    `netloom 2 00000000-0000-0000-0000-000000000001 30 00000000\n\u00c1 10.71.0.2 1:1.5 stranger eth0\n= 2:1.5\n`,
  ),
];

/** A host on which container `other` lives all the time, and victims come and go. */
class World {
  readonly sandbox = Sandbox.create();
  readonly executor = new Executor(this.sandbox);
  readonly runtime = new ContainerRuntime(this.sandbox, network, (call) => this.executor.cni(call));
  other!: Attached;
  #born = 0;

  async start(): Promise<this> {
    this.other = await this.add({
      id: "other",
      netns: this.sandbox.pod("other"),
      ports: portsFrom(8000),
    });
    this.sandbox.pod("victim");
    this.sandbox.pod("later");
    this.write(precious, preciousText);
    return this;
  }

  read(path: string): string {
    return readFileSync(this.sandbox.path(path), "utf8");
  }

  write(path: string, content: string): void {
    writeFileSync(this.sandbox.path(path), content);
  }

  async add(container: Container): Promise<Attached> {
    const { result } = succeeded(`ADD of ${container.id}`, await this.runtime.add(container));
    return { network: "net", container, result };
  }

  async del({ container, result }: Attached): Promise<Chain> {
    return succeeded(`DEL of ${container.id}`, await this.runtime.del(container, result));
  }

  /** A new container in the namespace of that name. */
  container(netns: "victim" | "later", hostPort: number): Container {
    return {
      id: `${netns}${++this.#born}`,
      netns: `/run/netns/${netns}`,
      ports: portsFrom(hostPort),
    };
  }

  /** Asserts that the host keeps what these need, and of files only the one that was broken besides. */
  keeps(attached: readonly Attached[], left: string | undefined, what: string): void {
    const { rules: _, bridges: __, ...found } = hostState(this.sandbox);
    const wanted = stateOf(attached, { net: "cni0" });
    const reservation = left?.replace(`${networks}/`, "net ");
    const entry = left?.replace("/run/netloom/", "");
    found.reservations = found.reservations.filter((row) => !row.startsWith(`${reservation} `));
    found.records = found.records.filter((row) => !row.startsWith(`${entry}/`));
    deepEqual(found, wanted, what);
  }
}

function portsFrom(hostPort: number): NonNullable<Container["ports"]> {
  return [{ hostPort, containerPort: 80, protocol: "tcp" }];
}

/** What a chain said, both streams. */
const said = ({ failure, warnings = "" }: Chain): string =>
  `${JSON.stringify(failure?.error ?? "")}${failure?.stderr ?? ""}${warnings}`;

/** The lock cannot be had while something else than a file lies in its place, so nothing happens, and says so. */
const isLockedOut = (kind: Kind, { name }: Damage): boolean =>
  kind.name === "lock" && /directory|symbolic/.test(name);

/** Breaks the file of a victim, then calls what may come. @returns executions */
async function breakOne(world: World, kind: Kind, damage: Damage, byGc: boolean): Promise<void> {
  const what = `${kind.name} ${damage.name}`;
  const victim = await world.add(world.container("victim", 8001));
  const path = kind.path(victim);
  const real = world.sandbox.path(path);
  damage.apply(real, { precious, foreign: kind.foreign(world) });
  if (isLockedOut(kind, damage)) await refusesByName(world, path, what);
  else {
    const later = await world.add(world.container("later", 8002));
    const check = await world.runtime.check(world.other.container, world.other.result);
    succeeded(`${what}: CHECK of other`, check);
    await tells(world, kind, damage, { victim, path });
    if (byGc) succeeded(`${what}: GC`, await world.runtime.gc(["other", later.container.id]));
    else await world.del(victim);
    // what a record says wrongly but plausibly, DEL believes; GC asks the kernel
    if (damage.isSubtle) await world.runtime.gc(["other", later.container.id]);
    const left = kind.isOwn ? path : undefined;
    world.keeps([world.other, later], left, `${what}: after ${byGc ? "GC" : "DEL"}`);
    await world.del(later);
  }
  equal(world.read(precious), preciousText, `${what}: wrote through a link`);
  rmSync(real, { recursive: true, force: true });
  await world.del(victim);
  world.keeps([world.other], undefined, `${what}: when the file is gone`);
}

/** CHECK of the victim fails and names the file; what only costs time is named on stderr. */
async function tells(
  world: World,
  kind: Kind,
  damage: Damage,
  { victim: { container, result }, path }: { victim: Attached; path: string },
): Promise<void> {
  const check = await world.runtime.check(container, result);
  const isTold = check.failure !== undefined;
  const what = `${kind.name} ${damage.name}: CHECK says ${said(check)}`;
  if (!kind.isOwn || damage.isHarmless) equal(isTold, false, what);
  else if (!damage.isSubtle) {
    equal(isTold, true, what);
    ok(said(check).includes(path), what);
  }
}

async function refusesByName(world: World, path: string, what: string): Promise<void> {
  const later = world.container("later", 8002);
  const add = await world.runtime.add(later);
  match(said(add), new RegExp(`lock.*${path}`), what);
  const del = await world.runtime.del(later);
  match(said(del), new RegExp(`lock.*${path}`), what);
}

describeKernel("a broken state file", function () {
  this.timeout(300_000);
  const runs = new Map<Kind, Promise<number>>();

  /** Two kinds at once: each waits for the kernel most of the time. */
  before(() => {
    let last: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];
    for (const kind of kinds) {
      const run = last[0]!.then(() => breakAll(kind));
      runs.set(kind, run);
      last = [last[1]!, run.catch(() => undefined)];
    }
  });

  async function breakAll(kind: Kind): Promise<number> {
    const world = new World();
    using _ = world.sandbox;
    await using __ = world.executor;
    await world.start();
    const all = damages(statSync(world.sandbox.path(kind.path(world.other))).size, seed);
    for (const [at, damage] of all.entries()) await breakOne(world, kind, damage, at % 2 === 1);
    return all.length;
  }

  for (const kind of kinds) {
    it(`harms nobody else: ${kind.name}`, async function () {
      this.test!.title += `, ${await runs.get(kind)} ways`;
    });
  }

  it("of a kind that is not broken above does not exist", async () => {
    using sandbox = Sandbox.create();
    const runtime = new ContainerRuntime(sandbox, network);
    const container = { id: "c", netns: sandbox.pod("c"), ports: portsFrom(8000) };
    const { result } = succeeded("ADD", await runtime.add(container));
    const known = new Set(kinds.map((kind) => kind.path({ network: "net", container, result })));
    const left = sandbox.snapshot().files.map((row) => row.split(" ")[0] ?? "");
    deepEqual(
      left.filter((path) => !path.endsWith("/")),
      [...known].sort(),
    );
  });
});
