/**
 * A host of its own for tests that need the kernel: network and mount namespace, empty /run and /var/lib, an outside
 * world on request. Nothing of it touches the machine's own network or files, and it ends with the test run.
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binFolder, root } from "../../scripts/place.ts";
import {
  type Background,
  enter,
  enterProgram,
  type Input,
  type Outcome,
  type Place,
  runIn,
  startIn,
} from "./enter.ts";
import { pause } from "./pause.ts";
import {
  addressRows,
  fileRows,
  type Json,
  linkRows,
  nftRows,
  routeRows,
  type Snapshot,
} from "./snapshot.ts";
import { startToStay } from "./starter.ts";

/** Where `npm run build` leaves the programs. */
export const builtPrograms = binFolder;

/** One execution of a CNI program, as a runtime does it. What is left out is not in the environment. */
export interface CniCall {
  command: "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION" | (string & {});
  /** File name of the program. Default: the configuration's `type`. */
  type?: string;
  /** stdin: text and bytes as they are, anything else as JSON. */
  config: unknown;
  /** Default `c1`; `null` leaves the variable out. The next two likewise. */
  containerId?: string | null;
  /** Default `eth0`. */
  ifName?: string | null;
  /** CNI_NETNS, a path inside the sandbox; not set when left out. */
  netns?: string | null;
  /** CNI_ARGS */
  args?: string;
  /** More environment; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /** Folder of the program and CNI_PATH. Default {@link builtPrograms}. */
  bin?: string;
  timeoutMs?: number;
}

/** A namespace that is there longer is in use. */
const LONGEST_CLEANUP_MS = 2000;

/** How a CNI program ended. */
export interface CniOutcome extends Outcome {
  /** stdout as JSON; `undefined` when it is empty. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into results of every version
  json: any;
}

/** Options of {@link Sandbox.run}: where, and what it is given. */
export interface RunOptions extends Input {
  /** Path of a network namespace inside the sandbox; the host's when left out. */
  netns?: string;
}

function cniEnvironment(call: CniCall, bin: string): Record<string, string> {
  const env: Record<string, string | null | undefined> = {
    CNI_COMMAND: call.command,
    CNI_CONTAINERID: call.containerId === undefined ? "c1" : call.containerId,
    CNI_IFNAME: call.ifName === undefined ? "eth0" : call.ifName,
    CNI_NETNS: call.netns,
    CNI_ARGS: call.args,
    CNI_PATH: bin,
    ...call.env,
  };
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] != null);
  return Object.fromEntries(set);
}

function cniInvocation(call: CniCall): { program: string; options: Input } {
  const bin = call.bin ?? builtPrograms;
  const type = call.type ?? (call.config as { type?: string }).type;
  if (type === undefined) throw new Error("cni: neither the call nor its configuration has a type");
  const program = join(bin, type);
  if (!existsSync(program)) throw new Error(`cni: ${program} does not exist: npm run build`);
  const raw = typeof call.config === "string" || call.config instanceof Uint8Array;
  const input = raw ? (call.config as string | Uint8Array) : JSON.stringify(call.config);
  const timeoutMs = call.timeoutMs ?? 30_000;
  return { program, options: { input, timeoutMs, env: cniEnvironment(call, bin) } };
}

function cniOutcome(done: Outcome): CniOutcome {
  let json: unknown;
  try {
    json = done.stdout === "" ? undefined : JSON.parse(done.stdout);
  } catch {
    throw new Error(`stdout is not one JSON document: ${done.stdout}`);
  }
  return { ...done, json };
}

const outsideWorld = `
link add uplink type veth peer name eth0 netns /run/netns/outside
address add 192.0.2.1/24 dev uplink
address add 2001:db8::1/64 dev uplink nodad
link set uplink up
route add default via 192.0.2.2
route add ::/0 via 2001:db8::2
`;
const outsideSide = `
address add 192.0.2.2/24 dev eth0
address add 2001:db8::2/64 dev eth0 nodad
link set eth0 up
link set lo up
`;

/** What a snapshot asks, in one go: each answer is a line of JSON. Routes are those of both families. */
const snapshotScript = "ip -j -d -batch - && nft -j list ruleset";
const snapshotQuestions = "address\nroute show table all\nrule\n";

/** What `ip -j` prints; nothing at all is an empty list. */
// biome-ignore lint/suspicious/noExplicitAny: iproute2's JSON has no types
function parsedText(text: string): any {
  return JSON.parse(text.trim() || "[]");
}

/** A host-role network and mount namespace. Close it with {@link Sandbox.dispose}, or declare it with `using`. */
export class Sandbox {
  /** Scratch folder on the machine, seen inside under the same path; removed at the end. */
  readonly scratch: string;
  readonly #holder: number;
  readonly #background: Background[] = [];
  #disposed = false;

  private constructor() {
    this.scratch = mkdtempSync(join(tmpdir(), "netloom-test-"));
    const [pid, said] = startToStay({ argv: [enterProgram(), "hold", root], env: process.env });
    this.#holder = pid;
    if (said !== "ready\n") throw new Error("sandbox: its holder has ended");
  }

  /** A fresh host with nothing but lo. @throws {Error} without root. */
  static create(): Sandbox {
    strictEqual(process.geteuid?.(), 0, "a sandbox needs root");
    return new Sandbox();
  }

  /** A path inside the sandbox as the test process can open it. */
  path(inside: string): string {
    return join(`/proc/${this.#holder}/root`, inside);
  }

  #place(netns?: string): Place {
    const own = `/proc/${this.#holder}/ns`;
    return { mnt: `${own}/mnt`, net: netns === undefined ? `${own}/net` : this.path(netns) };
  }

  /** Its namespaces, for who runs programs in them by other means. */
  get place(): Place {
    return this.#place();
  }

  /** Makes an empty network namespace, lo down, as a runtime does. @returns its path inside the sandbox. */
  pod(name: string): string {
    const path = `/run/netns/${name}`;
    const { status, stderr } = enter(["netns", this.#place().mnt, path]);
    if (status !== 0) throw new Error(`pod ${name}: ${stderr}`);
    return path;
  }

  /**
   * Takes a namespace of {@link Sandbox.pod} away, as a runtime does before or after DEL, and waits until the kernel has taken what was in
   * it: on a busy machine it does that much later, and pairs stay until then. One that is in use lives on.
   */
  deletePod(name: string): void {
    const path = `/run/netns/${name}`;
    const marker = `gone-${name}`.slice(0, 15);
    const pair = ["link", "add", marker, "type", "veth", "peer", "name", marker, "netns", path];
    const marked = this.run(["ip", ...pair]).status === 0;
    this.ok(["umount", path]);
    this.ok(["rm", path]);
    const until = Date.now() + LONGEST_CLEANUP_MS;
    while (marked && this.run(["ip", "link", "show", marker]).status === 0) {
      if (Date.now() > until) {
        this.ok(["ip", "link", "delete", marker]);
        return;
      }
      pause(10); // looking costs more than the kernel's work
    }
  }

  /**
   * Wires the host to an outside world: link `uplink` 192.0.2.1/24 and 2001:db8::1/64 here, .2 and ::2 there, default
   * routes from here to there and none back. @returns the path of the outside's network namespace.
   */
  outside(): string {
    const path = "/run/netns/outside";
    if (existsSync(this.path(path))) return path;
    this.pod("outside");
    this.ok(["ip", "-batch", "-"], { input: outsideWorld.replace("/run/netns/", "") });
    this.ok(["ip", "-batch", "-"], { input: outsideSide, netns: path });
    // asking for one link runs the kernel's link watch now, not within a second
    this.ipJson("link show dev eth0", path);
    this.ipJson("link show dev uplink");
    return path;
  }

  /** Runs a program and waits. Any exit status is an answer. */
  run(argv: readonly string[], { netns, ...options }: RunOptions = {}): Outcome {
    return runIn(this.#place(netns), argv, options);
  }

  /** Runs a program that has to succeed. @returns its stdout. */
  ok(argv: readonly string[], options: RunOptions = {}): string {
    const { status, signal, stdout, stderr } = this.run(argv, options);
    if (status === 0) return stdout;
    const how = signal === null ? `status ${status}` : `signal ${signal}`;
    throw new Error(`${argv.join(" ")}: ${how}: ${stderr}${stdout}`);
  }

  /** Starts a program that runs beside the test, a server for instance; it ends with the sandbox. */
  start(argv: readonly string[], { netns, ...options }: RunOptions = {}): Background {
    const started = startIn(this.#place(netns), argv, options);
    this.#background.push(started);
    return started;
  }

  /** The program and what it is given, for {@link Sandbox.run} and {@link Sandbox.start}. */
  static invocation(call: CniCall): { program: string; options: Input } {
    return cniInvocation(call);
  }

  /** Executes a CNI program as a runtime does and waits. Any exit status is an answer. */
  cni(call: CniCall): CniOutcome {
    const { program, options } = cniInvocation(call);
    return cniOutcome(this.run([program], options));
  }

  /** Same as {@link Sandbox.cni} for calls at the same time. */
  async cniAtOnce(calls: readonly CniCall[]): Promise<CniOutcome[]> {
    const started = calls.map((call) => {
      const { program, options } = cniInvocation(call);
      return startIn(this.#place(), [program], options).ended;
    });
    return (await Promise.all(started)).map((done) => {
      if (done === undefined) throw new Error("cniAtOnce: a call was killed");
      return cniOutcome(done);
    });
  }

  /** Same as `ip -j ${args}`. */
  // biome-ignore lint/suspicious/noExplicitAny: iproute2's JSON has no types
  ipJson(args: string | readonly string[], netns?: string): any[] {
    const words = typeof args === "string" ? args.split(" ") : args;
    const out = this.ok(["ip", "-j", ...words], netns === undefined ? {} : { netns });
    return parsedText(out);
  }

  /** The objects of `nft -j list ruleset`, without the first, `metainfo`. */
  // biome-ignore lint/suspicious/noExplicitAny: nft's JSON has no types
  nftJson(netns?: string): any[] {
    const out = this.ok(["nft", "-j", "list", "ruleset"], netns === undefined ? {} : { netns });
    return JSON.parse(out).nftables.filter((object: Json) => !("metainfo" in object));
  }

  /** Reads a sysctl by its dotted name, or writes it. @returns the value it has then. */
  sysctl(name: string, value?: string | number, netns?: string): string {
    const file = `/proc/sys/${name.replaceAll(".", "/")}`;
    const where = netns === undefined ? {} : { netns };
    if (value !== undefined) this.ok(["tee", file], { ...where, input: String(value) });
    return this.ok(["cat", file], where).trim();
  }

  /** The host's state, to be compared with another moment's. Network namespaces of pods are not part of it. */
  snapshot(netns?: string): Snapshot {
    const skip = (path: string) => /^\/run\/(netns|mount|xtables\.lock)/.test(path);
    const files = ["/run", "/var/lib"].flatMap((top) => fileRows(this.path(top), top, skip));
    const where = netns === undefined ? {} : { netns };
    const asked = { ...where, input: snapshotQuestions };
    const lines = this.ok(["sh", "-c", snapshotScript], asked).split("\n").filter(Boolean);
    const [links = [], routes = [], rules = [], nft] = lines.map(parsedText);
    return {
      links: linkRows(links),
      addresses: addressRows(links),
      routes: routeRows(routes),
      rules: rules.map((rule: Json) => JSON.stringify(rule)),
      nft: nftRows(nft.nftables),
      files: netns === undefined ? files.sort() : [],
    };
  }

  /** Processes that are in the sandbox's namespaces or in those of its pods, `pid command` each. */
  processes(): string[] {
    const holder = this.#holder;
    const mine = namespaceOf(holder, "mnt");
    const started = new Set(this.#background.map(({ pid }) => pid));
    return readdirSync("/proc").flatMap((name) => {
      const pid = Number(name);
      if (!(pid > 0) || pid === holder || namespaceOf(pid, "mnt") !== mine) return [];
      if (started.has(pid) || started.has(parentOf(pid))) return [];
      return [`${pid} ${commandOf(pid)}`];
    });
  }

  /** Ends what was started here and takes the host away. @throws {Error} a program left a process behind. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const left = this.processes();
    for (const { stop } of this.#background) void stop();
    for (const row of left) killIfThere(Number.parseInt(row, 10));
    killIfThere(this.#holder);
    rmSync(this.scratch, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes were left in the sandbox: ${left.join(", ")}`);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Identity of a process' namespace, or `undefined` when the process is gone. */
function namespaceOf(pid: number | undefined, type: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${type}`);
  } catch {
    return undefined; // ended meanwhile, or a kernel thread
  }
}

function parentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
  } catch {
    return 0; // ended meanwhile
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "(ended)";
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself, which is what was wanted
  }
}
