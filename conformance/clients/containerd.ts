/**
 * Debian's containerd 1.6, all of its files inside a sandbox.
 * @module
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Background, Outcome } from "../../test/kernel/enter.ts";
import type { Sandbox } from "../../test/kernel/sandbox.ts";
import type { Conflist } from "./chain.ts";
import { Cri } from "./cri.ts";
import { removeCgroups } from "./host-state.ts";
import { makeImage, serveWeb } from "./root-file-system.ts";

/** Name of the only image there is. */
const image = "test.invalid/web:1";

/** What containerd, and so every program it starts, has in its environment. */
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

/** Its files lie where a sandbox's snapshot does not look; sockets are where ctr looks. */
const configuration = (folder: string) => `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${image}"
disable_apparmor = true
restrict_oom_score_adj = true
`;

/** A containerd of a sandbox's own, with the sockets and folders it has by default. */
export class Containerd {
  readonly sandbox: Sandbox;
  /** The cgroup of all its containers, as `/name`. */
  readonly cgroup: string;
  #daemon: Background | undefined;
  #cri: Cri | undefined;

  /** @param programs its folder of CNI programs */
  constructor(sandbox: Sandbox, programs: string, conflist: Conflist) {
    this.sandbox = sandbox;
    this.cgroup = `/${basename(sandbox.scratch)}`;
    // ctr knows no other folders than these two
    for (const folder of ["/opt", "/etc/cni"])
      sandbox.ok(["mount", "-t", "tmpfs", "tmpfs", folder]);
    mkdirSync(sandbox.path("/etc/cni/net.d"));
    mkdirSync(sandbox.path("/opt/cni"));
    symlinkSync(programs, sandbox.path("/opt/cni/bin"));
    const path = `/etc/cni/net.d/10-${conflist.name}.conflist`;
    writeFileSync(sandbox.path(path), JSON.stringify(conflist));
    const folder = join(sandbox.scratch, "containerd");
    mkdirSync(folder);
    sandbox.ok(["mount", "-t", "tmpfs", "tmpfs", folder]);
    writeFileSync(join(sandbox.scratch, "containerd.toml"), configuration(folder));
  }

  /** Starts the daemon and waits until it serves; the first time, brings in the image. */
  async start(): Promise<void> {
    const isFirst = this.#daemon === undefined;
    const argv = ["containerd", "--config", join(this.sandbox.scratch, "containerd.toml")];
    this.#daemon = this.sandbox.start(argv, { env });
    for (let waited = 0; this.ctr("version").status !== 0; waited++) {
      if (waited > 200) throw new Error(`containerd does not serve: ${this.#daemon.output()}`);
      await sleep(50);
    }
    this.#cri = new Cri(this.sandbox.path("/run/containerd/containerd.sock"));
    if (!isFirst) return;
    const archive = makeImage(join(this.sandbox.scratch, "image"), image);
    for (const namespace of ["default", "k8s.io"]) {
      this.sandbox.ok(["ctr", "-n", namespace, "image", "import", archive], { env });
    }
  }

  /** Ends the daemon with SIGKILL; what it started goes on. */
  async kill(): Promise<void> {
    this.#cri?.[Symbol.dispose]();
    this.#cri = undefined;
    await this.#daemon?.stop();
  }

  /** The interface that a kubelet uses. */
  get cri(): Cri {
    if (this.#cri === undefined) throw new Error("containerd is not started");
    return this.#cri;
  }

  /** Runs ctr. Any exit status is an answer. */
  ctr(...args: string[]): Outcome {
    return this.sandbox.run(["ctr", ...args], { env });
  }

  /** Starts `ctr run --rm --cni`, which ends, and has its network removed, when the container does. */
  runContainer(name: string, command: readonly string[] = serveWeb): Background {
    const options = ["--rm", "--cni", "--cgroup", `${this.cgroup}/${name}`];
    return this.sandbox.start(["ctr", "run", ...options, image, name, ...command], { env });
  }

  /** Ends everything and takes the sandbox away. */
  async dispose(): Promise<void> {
    await this.kill();
    this.sandbox.dispose();
    removeCgroups(this.cgroup.slice(1));
  }
}
