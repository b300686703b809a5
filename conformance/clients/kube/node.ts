/**
 * A Kubernetes node: kubelet and containerd on a machine of their own.
 * @module
 */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import type { Sandbox } from "../../../test/kernel/sandbox.ts";
import { ControlPlane } from "./control-plane.ts";
import { makeImage } from "./image.ts";
import { NodeHost, type Service } from "./node-host.ts";
import { type PodSettings, podManifest, runs } from "./pods.ts";
import { containerdConfig, kubeletConfig, type RuntimeSettings } from "./settings.ts";
import { Futile, until } from "./waiting.ts";

/** What the node is made with. */
export interface NodeSettings {
  /** Folder of CNI programs. */
  programs: string;
  /** The configuration list. */
  network: object;
  /** Default `containerd`. */
  loopback?: RuntimeSettings["loopback"];
  /** With an API server that knows the node. Default: without, and then there are static pods only. */
  registered?: boolean;
}

/** The addresses of the node. */
export const nodeAddresses = { ipv4: "192.0.2.1", ipv6: "2001:db8::1" };

/** A node with the image of {@link makeImage}; it ends with {@link KubeNode.dispose}. */
export class KubeNode {
  readonly host: NodeHost;
  /** What the node is registered with. */
  readonly controlPlane: ControlPlane | undefined;
  #containerd!: Service;
  #kubelet!: Service;

  private constructor(host: NodeHost, controlPlane: ControlPlane | undefined) {
    this.host = host;
    this.controlPlane = controlPlane;
  }

  /** Starts everything and waits until kubelet is healthy. */
  static async start(settings: NodeSettings): Promise<KubeNode> {
    const host = await NodeHost.boot();
    try {
      const plane = settings.registered === true ? await ControlPlane.start(host) : undefined;
      const node = new KubeNode(host, plane);
      node.#configure(settings);
      await node.startContainerd();
      await node.#importImage();
      await node.startKubelet();
      return node;
    } catch (error) {
      await host.dispose();
      throw error;
    }
  }

  get sandbox(): Sandbox {
    return this.host.sandbox;
  }

  #path(name: string): string {
    return join(this.sandbox.scratch, name);
  }

  #configure({ programs, network, loopback = "containerd" }: NodeSettings): void {
    for (const folder of ["networks", "manifests", "image"]) mkdirSync(this.#path(folder));
    const runtime = { programs, loopback, networks: this.#path("networks") };
    writeFileSync(this.#path("containerd.toml"), containerdConfig(runtime));
    writeFileSync(this.#path("kubelet.json"), kubeletConfig(this.#path("manifests")));
    if (this.controlPlane !== undefined) {
      writeFileSync(this.#path("kubeconfig"), this.controlPlane.kubeconfig);
    }
    this.configureNetwork(network);
  }

  /** Puts another configuration list in the place of the one there is; containerd sees it at once. */
  configureNetwork(network: object): void {
    this.#put(this.#path("networks"), "10-test.conflist", network);
  }

  /** Those who watch the folder never see half a file. */
  #put(folder: string, name: string, content: object): void {
    writeFileSync(join(folder, `.${name}`), JSON.stringify(content));
    renameSync(join(folder, `.${name}`), join(folder, name));
  }

  async startContainerd(): Promise<void> {
    const argv = ["containerd", "--config", this.#path("containerd.toml")];
    this.#containerd = this.host.start("containerd", argv);
    await until("answer of containerd", () => {
      demandRunning(this.#containerd);
      return this.host.ok(["ctr", "version"]);
    });
  }

  async #importImage(): Promise<void> {
    const archive = makeImage(this.#path("image"));
    this.host.ok(["ctr", "-n", "k8s.io", "image", "import", "--local", archive]);
  }

  async startKubelet(): Promise<void> {
    const { ipv4, ipv6 } = nodeAddresses;
    const argv = [
      "kubelet",
      "--config",
      this.#path("kubelet.json"),
      "--hostname-override",
      "node1",
    ];
    if (this.controlPlane !== undefined) argv.push("--kubeconfig", this.#path("kubeconfig"));
    this.#kubelet = this.host.start("kubelet", [...argv, "--node-ip", `${ipv4},${ipv6}`]);
    await until("healthy kubelet", () => {
      demandRunning(this.#kubelet);
      return this.#get("http://127.0.0.1:10248/healthz") === "ok";
    });
  }

  #get(url: string): string {
    return this.sandbox.ok(["curl", "-sS", "--max-time", "5", url]);
  }

  async stopContainerd(signal?: string): Promise<void> {
    await this.#containerd.stop(signal);
  }

  async stopKubelet(signal?: string): Promise<void> {
    await this.#kubelet.stop(signal);
  }

  /** The power goes and comes back; what was on disk is there, and the daemons start. */
  async reboot(): Promise<void> {
    await Promise.all([this.#kubelet.stop("KILL"), this.#containerd.stop("KILL")]);
    await this.host.reboot();
    await this.startContainerd();
    await this.startKubelet();
  }

  /** Puts a static pod's manifest where kubelet sees it. */
  place(settings: PodSettings): void {
    this.#put(this.#path("manifests"), `${settings.name}.json`, podManifest(settings));
  }

  /** Takes a static pod's manifest away. */
  withdraw(name: string): void {
    rmSync(this.#path(`manifests/${name}.json`));
  }

  /** Takes the manifests of all static pods away. */
  withdrawAll(): void {
    const manifests = this.#path("manifests");
    for (const name of readdirSync(manifests)) rmSync(join(manifests, name));
  }

  /** The pods that kubelet knows, with their status. */
  pods(): V1Pod[] {
    const { items } = JSON.parse(this.#get("http://127.0.0.1:10255/pods")) as {
      items: V1Pod[] | null;
    };
    return items ?? [];
  }

  /** A static pod once all its containers run. */
  async running(name: string): Promise<V1Pod> {
    return until(`running pod ${name}`, () => this.pods().find((pod) => runs(pod, name)));
  }

  /** Places a static pod. @returns it once all its containers run */
  async run(settings: PodSettings): Promise<V1Pod> {
    this.place(settings);
    return this.running(settings.name);
  }

  /** A pod once all its containers run that have been started again. @param before as it was then */
  async restarted(before: V1Pod): Promise<V1Pod> {
    const old = new Set(before.status?.containerStatuses?.map(({ containerID }) => containerID));
    return until(`new containers of ${before.metadata?.name}`, () =>
      this.pods().find(
        (pod) =>
          pod.metadata?.uid === before.metadata?.uid &&
          runs(pod, before.metadata?.name ?? "") &&
          pod.status?.containerStatuses?.every(({ containerID }) => !old.has(containerID)),
      ),
    );
  }

  /** The last lines of both logs, for a test that fails. */
  logs(): string {
    const parts = { containerd: this.#containerd, kubelet: this.#kubelet };
    return Object.entries(parts)
      .map(([name, service]) => `--- ${name}\n${lastOf(service.log(), 60)}`)
      .join("\n");
  }

  async dispose(): Promise<void> {
    this.controlPlane?.close();
    await this.host.dispose();
  }
}

/** @throws {Futile} it has ended */
function demandRunning(service: Service): void {
  if (!service.isRunning()) throw new Futile(`it has ended: ${lastOf(service.log())}`);
}

function lastOf(log: string, lines = 5): string {
  return log.trimEnd().split("\n").slice(-lines).join("\n");
}
