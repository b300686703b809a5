/**
 * etcd and kube-apiserver beside a node, and a client of theirs. There is no scheduler and there are no controllers: a
 * pod names its node, and who wants it gone deletes it.
 * @module
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { CoreV1Api, KubeConfig, type V1NodeCondition, type V1Pod } from "@kubernetes/client-node";
import type { Background } from "../../../test/kernel/enter.ts";
import type { Sandbox } from "../../../test/kernel/sandbox.ts";
import type { NodeHost } from "./node-host.ts";
import { type PodSettings, podManifest, runs } from "./pods.ts";
import { kubePrograms } from "./requirements.ts";
import { kubeconfig } from "./settings.ts";
import { until } from "./waiting.ts";

const tokens = { admin: "admin-token", kubelet: "kubelet-token" };
const nodeName = "node1";
const namespace = "default";
const inside = "https://127.0.0.1:6443";

/** A control plane for one node, `node1`. It ends with its sandbox, its way out with {@link ControlPlane.close}. */
export class ControlPlane {
  readonly #sandbox: Sandbox;
  readonly #programs: Record<string, Background> = {};
  readonly #wayIn: Server;
  #core!: CoreV1Api;

  private constructor(host: NodeHost) {
    this.#sandbox = host.sandbox;
    this.#wayIn = host.tunnel("127.0.0.1", 6443);
  }

  /** Starts both programs and waits until the API server says that it is ready. */
  static async start(host: NodeHost): Promise<ControlPlane> {
    const plane = new ControlPlane(host);
    plane.#startPrograms();
    await plane.#connect();
    return plane;
  }

  /** What kubelet finds its API server with. */
  get kubeconfig(): string {
    return kubeconfig(inside, tokens.kubelet);
  }

  #startPrograms(): void {
    const folder = join(this.#sandbox.scratch, "control-plane");
    mkdirSync(folder);
    const at = (name: string) => join(folder, name);
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(at("sa.key"), privateKey.export({ type: "pkcs1", format: "pem" }));
    writeFileSync(at("sa.pub"), publicKey.export({ type: "spki", format: "pem" }));
    const users = [
      `${tokens.admin},admin,admin,"system:masters"`,
      `${tokens.kubelet},system:node:${nodeName},${nodeName},"system:nodes"`,
    ];
    writeFileSync(at("tokens.csv"), users.join("\n"));
    this.#start("etcd", ["--data-dir", at("etcd"), "--unsafe-no-fsync", "--log-level", "warn"]);
    this.#start("kube-apiserver", [
      "--etcd-servers=http://127.0.0.1:2379",
      ...["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=6443"],
      ...["--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24"],
      ...[`--cert-dir=${at("certs")}`, `--token-auth-file=${at("tokens.csv")}`],
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${at("sa.pub")}`,
      `--service-account-signing-key-file=${at("sa.key")}`,
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--disable-admission-plugins=ServiceAccount",
    ]);
  }

  #start(name: string, args: readonly string[]): void {
    this.#programs[name] = this.#sandbox.start([join(kubePrograms, name), ...args]);
  }

  async #connect(): Promise<void> {
    await new Promise<void>((resolve) => this.#wayIn.listen(0, "127.0.0.1", resolve));
    const { port } = this.#wayIn.address() as AddressInfo;
    const config = new KubeConfig();
    config.loadFromString(kubeconfig(`https://127.0.0.1:${port}`, tokens.admin));
    this.#core = config.makeApiClient(CoreV1Api);
    const ask = ["curl", "-sSk", "--max-time", "5", "-H", `Authorization: Bearer ${tokens.admin}`];
    await until("API server that is ready", () => {
      const said = this.#sandbox.run([...ask, `${inside}/readyz`]).stdout;
      return said === "ok" ? said : undefined;
    });
    await until("default namespace", () => this.#core.readNamespace({ name: namespace }));
  }

  /** The node's condition `Ready`, once kubelet has written it. */
  async ready(): Promise<V1NodeCondition | undefined> {
    const { status } = await this.#core.readNode({ name: nodeName });
    return status?.conditions?.find(({ type }) => type === "Ready");
  }

  /** The node's condition `Ready` once it has that status. */
  async untilReadyIs(status: "True" | "False"): Promise<V1NodeCondition> {
    return until(`node whose Ready is ${status}`, async () => {
      const condition = await this.ready();
      return condition?.status === status ? condition : undefined;
    });
  }

  /** Creates a pod on the node. */
  async createPod(settings: PodSettings): Promise<void> {
    const { spec, ...manifest } = podManifest(settings);
    const body: V1Pod = { ...manifest, spec: { ...spec!, nodeName } };
    await this.#core.createNamespacedPod({ namespace, body });
  }

  /** Deletes a pod; its node takes it away then. */
  async deletePod(name: string): Promise<void> {
    await this.#core.deleteNamespacedPod({ namespace, name });
  }

  async pods(): Promise<V1Pod[]> {
    return (await this.#core.listNamespacedPod({ namespace })).items;
  }

  /** A pod once all its containers run. */
  async running(name: string): Promise<V1Pod> {
    return until(`running pod ${name}`, async () =>
      (await this.pods()).find((pod) => runs(pod, name)),
    );
  }

  /** What both programs wrote last, for a test that fails. */
  logs(): string {
    return Object.entries(this.#programs)
      .map(([name, program]) => `--- ${name}\n${program.output().slice(-4000)}`)
      .join("\n");
  }

  /** Closes the way in. */
  close(): void {
    this.#wayIn.close();
  }
}
