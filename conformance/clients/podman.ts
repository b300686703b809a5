/**
 * podman with its CNI back end, every path of its own inside a sandbox.
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../scripts/place.ts";
import type { Background, Outcome } from "../../test/kernel/enter.ts";
import type { Sandbox } from "../../test/kernel/sandbox.ts";
import { available, bridgeChain, type Conflist } from "./chain.ts";
import { processesLeft, removeCgroups } from "./host-state.ts";
import { makeRoot, serveWeb } from "./root-file-system.ts";

const echo = ["python3", join(root, "conformance", "clients", "echo.py")];

/** A podman of a sandbox's own. Containers run busybox from a folder, so there is no image but the one of pods. */
export class Podman {
  readonly sandbox: Sandbox;
  readonly #programs: string;
  readonly #rootfs: string;
  readonly #cgroup: string;
  #hasPods = false;

  /** @param programs its folder of CNI programs */
  constructor(sandbox: Sandbox, programs: string) {
    this.sandbox = sandbox;
    this.#programs = programs;
    this.#rootfs = makeRoot(this.#at("rootfs"));
    this.#cgroup = sandbox.scratch.slice(sandbox.scratch.lastIndexOf("/") + 1);
    // its locks are one file there, whatever its folders are
    sandbox.ok(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"]);
    mkdirSync(this.#at("networks"));
    writeFileSync(this.#at("containers.conf"), this.#configuration());
    const storage = `driver="vfs"\nrunroot="${this.#at("runroot")}"\ngraphroot="${this.#at("graph")}"`;
    writeFileSync(this.#at("storage.conf"), `[storage]\n${storage}\n`);
    // podman looks for its default network first
    this.addNetwork(bridgeChain({ ...this.#network("podman", 0), subnets: ["10.88.0.0/24"] }));
    const subnets = ["10.88.1.0/24", "fd88:1::/64"];
    this.addNetwork(bridgeChain({ ...this.#network("second", 1), subnets }));
  }

  #at(name: string): string {
    return join(this.sandbox.scratch, name);
  }

  #network(name: string, number: number) {
    return { name, bridge: `cni-podman${number}`, programs: this.#programs };
  }

  #configuration(): string {
    return `[containers]
default_ulimits=["nofile=1024:1024", "nproc=4096:4096"]
[network]
network_backend="cni"
cni_plugin_dirs=["${this.#programs}"]
network_config_dir="${this.#at("networks")}"
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
`;
  }

  /** Puts a network where podman looks for it. */
  addNetwork(conflist: Conflist): void {
    writeFileSync(this.#at(`networks/${conflist.name}.conflist`), JSON.stringify(conflist));
  }

  /** `podman network create`, less the programs that are not in the folder: podman would not use the network. */
  createNetwork(name: string, ...options: string[]): Conflist {
    this.ok("network", "create", ...options, name);
    const path = this.#at(`networks/${name}.conflist`);
    const written: Conflist = JSON.parse(readFileSync(path, "utf8"));
    const conflist = { ...written, plugins: available(written.plugins, this.#programs) };
    writeFileSync(path, JSON.stringify(conflist));
    return conflist;
  }

  /** `podman network rm` with the containers on it, and what host-local remembers of it. */
  removeNetwork(name: string): void {
    this.ok("network", "rm", "--force", "--time", "0", name);
    this.sandbox.ok(["rm", "-r", `/var/lib/cni/networks/${name}`]);
  }

  /** Runs podman. Any exit status is an answer. */
  run(...args: string[]): Outcome {
    const env = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: this.sandbox.scratch,
      CONTAINERS_CONF: this.#at("containers.conf"),
      CONTAINERS_STORAGE_CONF: this.#at("storage.conf"),
    };
    const argv = ["podman", "--runtime", "runc", "--tmpdir", this.#at("tmp"), ...args];
    return this.sandbox.run(argv, { env, timeoutMs: 60_000 });
  }

  /** Runs podman, which has to succeed. @returns its stdout without the last line's end. */
  ok(...args: string[]): string {
    const { status, stdout, stderr } = this.run(...args);
    if (status === 0) return stdout.trim();
    throw new Error(`podman ${args.join(" ")}: status ${status}: ${stderr}${stdout}`);
  }

  /** Same as {@link Podman.run} for `podman run -d` of a web server on port 80. */
  runWeb(name: string, ...options: string[]): Outcome {
    const own = ["run", "-d", "--name", name, "--cgroup-parent", `/${this.#cgroup}`, ...options];
    return this.run(...own, "--rootfs", this.#rootfs, ...serveWeb);
  }

  /** Starts a container with a web server on port 80. */
  web(name: string, ...options: string[]): void {
    const { status, stderr } = this.runWeb(name, ...options);
    if (status !== 0)
      throw new Error(`run ${name} ${options.join(" ")}: status ${status}: ${stderr}`);
  }

  /** Makes a pod whose first process is busybox' `sleep` from an image made of the same folder. */
  createPod(name: string, ...options: string[]): void {
    this.#hasPods = true;
    const image = "test.invalid/base";
    this.sandbox.ok(["tar", "-C", this.#rootfs, "-cf", this.#at("base.tar"), "."]);
    this.ok("import", this.#at("base.tar"), image);
    const infra = ["--infra-image", image, "--infra-command", "/bin/sleep 1000"];
    this.ok(
      "pod",
      "create",
      "--name",
      name,
      "--cgroup-parent",
      `/${this.#cgroup}`,
      ...infra,
      ...options,
    );
  }

  /** `podman inspect --format` of a container. */
  inspect(name: string, format: string): string {
    return this.ok("inspect", "--type", "container", "--format", format, name);
  }

  /** The path of a container's network namespace. */
  netns(name: string): string {
    return this.inspect(name, "{{.NetworkSettings.SandboxKey}}");
  }

  /** Addresses in a container, sorted text like `10.88.0.2/24`; neither loopback nor link-local ones. */
  addresses(name: string): string[] {
    const rows = this.sandbox.snapshot(this.netns(name)).addresses;
    const words = rows.map((row) => row.split(" ") as [string, string]);
    return words.flatMap(([link, address]) => (link === "lo" ? [] : [address])).sort();
  }

  /** Starts a server in a container's network that answers on ranges of ports, `udp:5300-5309` each. */
  async serve(name: string, ...ranges: string[]): Promise<Background> {
    const server = this.sandbox.start([...echo, "serve", ...ranges], { netns: this.netns(name) });
    for (let waited = 0; waited < 500 && !server.output().includes("ready"); waited++)
      await sleep(20);
    return server;
  }

  /** Asks such a server from the host, or from another network. @returns the answer, or the name of an error. */
  ask(protocol: "tcp" | "udp", address: string, port: number, netns?: string): string {
    return this.askAll([[protocol, address, port]], netns)[0] ?? "";
  }

  /** Same as {@link Podman.ask} for several at once. */
  askAll(asked: readonly ["tcp" | "udp", string, number][], netns?: string): string[] {
    const argv = [...echo, "ask", ...asked.flat().map(String)];
    return this.sandbox
      .ok(argv, netns === undefined ? {} : { netns })
      .trim()
      .split("\n");
  }

  /** The page at an address, once the server in the container listens. @throws {Error} nobody answers. */
  fetch(url: string, netns?: string): string {
    const argv = ["curl", "-sS", "--max-time", "3", "--retry", "5", "--retry-connrefused", url];
    return this.sandbox.ok(argv, netns === undefined ? {} : { netns });
  }

  /** Lets the next container have the first address of its network again. */
  forgetAddresses(): void {
    this.sandbox.ok(["sh", "-c", "rm -f /var/lib/cni/networks/*/last_reserved_ip.*"]);
  }

  /** Removes every pod and container, and waits until their monitors have ended. */
  async removeAll(): Promise<void> {
    if (this.#hasPods) this.ok("pod", "rm", "--all", "--force", "--time", "0");
    this.#hasPods = false;
    this.ok("rm", "--all", "--force", "--time", "0");
    await processesLeft(this.sandbox);
  }

  /** Takes the sandbox away, and the cgroups that its containers had. */
  dispose(): void {
    this.sandbox.dispose();
    removeCgroups(this.#cgroup);
  }
}
