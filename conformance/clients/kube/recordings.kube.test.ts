/**
 * What kubelet and containerd send through the lives of pods, compared with what is kept in `recorded/kubelet/`, which
 * is played to the programs on machines without a node too.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nameChanceValues } from "../chance-values.ts";
import { programs } from "../programs.ts";
import { keepRecording, type RecordedCall, Recorder } from "../recording.ts";
import { type NetworkSettings, network } from "./network.ts";
import { KubeNode } from "./node.ts";
import type { PodSettings } from "./pods.ts";
import { describeKube, kubePrograms } from "./requirements.ts";
import { until } from "./waiting.ts";

const client = "kubelet 1.36.3, containerd 2.3.7";

const web: PodSettings = {
  name: "web",
  ports: [80, 53],
  publish: [
    { hostPort: 8088, containerPort: 80, hostIP: "192.0.2.1" },
    { hostPort: 5353, containerPort: 53, protocol: "UDP" },
  ],
  annotations: {
    "kubernetes.io/ingress-bandwidth": "10M",
    "kubernetes.io/egress-bandwidth": "20M",
    "example.org/note": "for the programs",
  },
};

/** Everything that containerd gives to a program that says it can take it. */
const capabilities = {
  bandwidth: true,
  dns: true,
  "io.kubernetes.cri.pod-annotations": true,
  portMappings: true,
};

/**
 * The calls without chance: a call that is repeated (STATUS every five seconds, DEL of a sandbox that is gone at every
 * sync) once, and the calls of each container together.
 */
function settled(all: readonly RecordedCall[], recorder: Recorder): RecordedCall[] {
  const calls = all.map(withoutLateFolder);
  const places = { bin: recorder.bin, kube: kubePrograms };
  const named = nameChanceValues(calls, { places, patterns: { hash: /\b[0-9a-f]{32}\b/g } });
  const seen = new Set<string>();
  const kept = named.filter((call) => {
    const text = JSON.stringify(call);
    return !seen.has(text) && seen.add(text);
  });
  const containerOf = ({ env }: RecordedCall) => env["CNI_CONTAINERID"] ?? "";
  const containers = [...new Set(kept.map(containerOf))];
  return containers.flatMap((id) => kept.filter((call) => containerOf(call) === id));
}

/** While containerd starts, one of its parts adds a folder to PATH, sooner or later. */
function withoutLateFolder(call: RecordedCall): RecordedCall {
  const path = call.env["PATH"]?.replace(":/opt/nri/bin", "") ?? "";
  return { ...call, env: { ...call.env, PATH: path } };
}

describeKube("the calls of kubelet and containerd", function () {
  this.timeout(400_000);

  async function recorded(
    settings: NetworkSettings,
    life: (node: KubeNode, recorder: Recorder) => Promise<void>,
  ): Promise<RecordedCall[]> {
    const folder = mkdtempSync(join(tmpdir(), "netloom-node-"));
    const recorder = new Recorder(join(folder, "programs"), programs);
    const list = network({ ...settings, capabilities });
    const node = await KubeNode.start({ programs: recorder.bin, network: list });
    try {
      await life(node, recorder);
      await node.stopKubelet();
      return settled(recorder.calls(), recorder);
    } finally {
      await node.dispose();
      rmSync(folder, { recursive: true });
    }
  }

  it("of a pod whose pause process is killed are those on record", async () => {
    const calls = await recorded({}, async (node, recorder) => {
      const before = await node.run(web);
      node.host.kill(/^\/bin\/answer wait$/);
      await node.restarted(before);
      node.withdraw("web");
      await lastDel(recorder, 2);
    });
    const about = "a static pod with published ports, its pause process killed, then taken away";
    keepRecording("kubelet", "static-pod", { client, about, calls });
  });

  it("of a pod on a machine that loses its power are those on record", async () => {
    const calls = await recorded({ cniVersion: "1.0.0" }, async (node, recorder) => {
      await node.run(web);
      await node.reboot();
      await node.running("web");
      node.withdraw("web");
      await lastDel(recorder, 2);
    });
    const about = "a static pod of a node that is rebooted, under CNI 1.0.0";
    keepRecording("kubelet", "reboot", { client, about, calls });
  });
});

/** Waits until the sandboxes, so many, have been deleted once more without a namespace, as each is in the end. */
async function lastDel(recorder: Recorder, sandboxes: number): Promise<void> {
  await until("DEL without a namespace", () => {
    const late = recorder.calls().filter(({ env, type, status }) => {
      return env["CNI_COMMAND"] === "DEL" && !env["CNI_NETNS"] && type === "bridge" && status === 0;
    });
    return new Set(late.map(({ env }) => env["CNI_CONTAINERID"])).size === sandboxes;
  });
}
