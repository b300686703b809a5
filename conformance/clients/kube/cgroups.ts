/**
 * Cgroups of a node's own: one folder in every hierarchy of the machine, the root of a cgroup namespace, so that neither
 * kubelet nor runc writes anywhere else and nothing stays behind.
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A mounted hierarchy. Version 1 has one for each few controllers, version 2 one for all; some machines have both. */
interface Hierarchy {
  point: string;
  type: "cgroup" | "cgroup2";
  /** Options that mount it once more: `cpu,cpuacct`, `none,name=systemd`. */
  options: string;
}

const prefix = "netloom-node-";

/** Rows of /proc/self/mountinfo. @see proc_pid_mountinfo(5) */
function hierarchies(): Hierarchy[] {
  const rows = readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n");
  return rows.flatMap((row): Hierarchy[] => {
    const [before = "", after = ""] = row.split(" - ");
    const point = before.split(" ")[4] ?? "";
    const [type, , superOptions = ""] = after.split(" ");
    if (type === "cgroup2") return [{ point, type, options: "" }];
    if (type !== "cgroup") return [];
    const options = superOptions.split(",").filter((option) => option !== "rw");
    const named = options.some((option) => option.startsWith("name="));
    return [{ point, type, options: [...(named ? ["none"] : []), ...options].join(",") }];
  });
}

function childrenOf(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [join(folder, entry.name)] : []));
}

function below(folder: string): string[] {
  return childrenOf(folder).flatMap((child) => [child, ...below(child)]);
}

/** A cgroup of version 1 takes no process before it has processors and memory nodes. */
function giveProcessors(folder: string, parent: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    writeFileSync(join(folder, file), readFileSync(join(parent, file)));
  }
}

/** The folders of one node. */
export class Cgroups {
  readonly #hierarchies = hierarchies();
  readonly #name = `${prefix}${process.pid}-${Date.now()}`;

  /** @throws {Error} the machine has no cgroups, or they are read-only */
  constructor() {
    removeForsaken(this.#hierarchies);
    if (this.#hierarchies.length === 0) throw new Error("cgroups: no hierarchy is mounted");
    for (const { point, options } of this.#hierarchies) {
      mkdirSync(join(point, this.#name));
      if (options.split(",").includes("cpuset")) giveProcessors(join(point, this.#name), point);
    }
  }

  /** Where a hierarchy is inside the namespace: alone it is /sys/fs/cgroup itself. */
  #inside({ point }: Hierarchy): string {
    return this.#hierarchies.length === 1 ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${basename(point)}`;
  }

  /** Shell that puts the shell into these cgroups, outside of the namespace. */
  get enter(): string {
    const files = this.#hierarchies.map(({ point }) => `${point}/${this.#name}/cgroup.procs`);
    return files.map((file) => `echo 0 > ${file}`).join("\n");
  }

  /**
   * Shell that shows them, and no others, at the usual place inside of the namespace. Version 2 lets a cgroup with
   * processes give no controllers to those below it, so there the node's own programs go into one beside the pods'.
   */
  get show(): string {
    const alone = this.#hierarchies.length === 1;
    return [
      "umount -R /sys/fs/cgroup",
      ...(alone ? [] : ["mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup"]),
      ...this.#hierarchies.map((hierarchy) => {
        const at = this.#inside(hierarchy);
        const options = hierarchy.options === "" ? "" : `-o ${hierarchy.options}`;
        return `mkdir -p ${at}; mount -t ${hierarchy.type} ${options} cgroup ${at}`;
      }),
      ...this.#hierarchies
        .filter(({ type }) => type === "cgroup2")
        .map((h) => delegate(this.#inside(h))),
    ].join("\n");
  }

  /** Shell that puts the shell into them, inside of the namespace. */
  get join(): string {
    const rows = this.#hierarchies.map((hierarchy) => {
      const leaf = hierarchy.type === "cgroup2" ? "/node" : "";
      return `echo 0 > ${this.#inside(hierarchy)}${leaf}/cgroup.procs`;
    });
    return rows.join("\n");
  }

  /** Those below the node's own, as `memory kubepods/pod…`, sorted. */
  rows(): string[] {
    const rows = this.#hierarchies.flatMap(({ point }) => {
      const own = join(point, this.#name);
      return below(own).map((folder) => `${basename(point)} ${folder.slice(own.length + 1)}`);
    });
    return rows.sort();
  }

  /** Takes everything below them away, once no process is left there. @throws {Error} EBUSY after 20 s */
  async clear(): Promise<void> {
    for (const { point } of this.#hierarchies) await removeTree(join(point, this.#name), false);
  }

  /** Takes them away. @throws {Error} EBUSY after 20 s */
  async remove(): Promise<void> {
    for (const { point } of this.#hierarchies) await removeTree(join(point, this.#name), true);
  }
}

/** Shell that makes a cgroup for the node's programs and gives all controllers to its neighbours. */
function delegate(at: string): string {
  return `mkdir -p ${at}/node; echo 0 > ${at}/node/cgroup.procs
for c in $(cat ${at}/cgroup.controllers); do echo +$c > ${at}/cgroup.subtree_control || :; done`;
}

/** The kernel lets go of a cgroup a moment after its last process. */
async function removeTree(folder: string, itself: boolean): Promise<void> {
  for (let waited = 0; ; waited++) {
    try {
      for (const child of below(folder).reverse()) rmdirSync(child);
      if (itself) rmdirSync(folder);
      return;
    } catch (error) {
      if (waited === 400) throw error;
      await sleep(50);
    }
  }
}

/** Takes away what a test run left that was killed. */
function removeForsaken(all: readonly Hierarchy[]): void {
  for (const folder of all.flatMap(({ point }) => childrenOf(point))) {
    const [, pid] = /netloom-node-(\d+)-\d+$/.exec(folder) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    for (const child of [...below(folder).reverse(), folder]) rmdirSync(child);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // ESRCH: it has ended
  }
}
