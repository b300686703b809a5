/**
 * What the configuration decides between containerd and the programs: the version that is spoken, and who brings up lo.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { programs } from "../programs.ts";
import { Recorder } from "../recording.ts";
import { answerOf } from "./asking.ts";
import { network } from "./network.ts";
import { type KubeNode, nodeAddresses } from "./node.ts";
import { describeNode } from "./suite.ts";
import { until } from "./waiting.ts";

let recorder: Recorder;

/** Versions that programs were called with since the pod of that name was placed, without repetition. */
function versionsOf(pod: string): unknown[] {
  const calls = recorder.calls().filter(({ env }) => env["CNI_ARGS"]?.includes(`POD_NAME=${pod}-`));
  return [...new Set(calls.map(({ stdin }) => (stdin as { cniVersion: string }).cniVersion))];
}

/** A pod's life under that list, which containerd reads when it starts. */
async function servesOnce(node: KubeNode, name: string, list: object): Promise<void> {
  await node.stopContainerd();
  node.configureNetwork(list);
  await node.startContainerd();
  await node.run({ name, publish: [{ hostPort: 8088, containerPort: 80 }] });
  match(await answerOf(node, { address: nodeAddresses.ipv4, port: 8088 }), new RegExp(`^${name} `));
  node.withdraw(name);
  await until("node without namespaces", () => node.host.namespaces().length === 0);
}

describeNode(
  "a node with containerd's own loopback",
  (folder) => {
    recorder = new Recorder(join(folder, "programs"), programs);
    return { programs: recorder.bin, network: network() };
  },
  (test) => {
    test("speaks the version of the configuration list", async (node) => {
      for (const cniVersion of ["1.1.0", "1.0.0", "0.4.0"]) {
        const pod = `v${cniVersion.replaceAll(".", "-")}`;
        await servesOnce(node, pod, network({ cniVersion }));
        deepEqual(versionsOf(pod), [cniVersion]);
      }
    });

    test("speaks the highest of cniVersions", async (node) => {
      const cniVersions = ["0.4.0", "1.0.0", "1.1.0"];
      await servesOnce(node, "highest", network({ cniVersion: "0.4.0", cniVersions }));
      deepEqual(versionsOf("highest"), ["1.1.0"]);
    });
  },
);

describeNode(
  "a node whose lo the loopback program brings up",
  (folder) => {
    recorder = new Recorder(join(folder, "programs"), programs);
    return { programs: recorder.bin, network: network(), loopback: "program" };
  },
  (test) => {
    test("has lo up in its pods, with both addresses", async (node) => {
      await node.run({ name: "web" });
      const [namespace = ""] = node.host.namespaces();
      const show = ["ip", "-j", "address", "show", "dev", "lo"];
      const [lo] = JSON.parse(node.host.inNamespace(namespace, show));
      equal(lo.flags.includes("UP"), true);
      deepEqual(
        lo.addr_info.map(({ local }: { local: string }) => local),
        ["127.0.0.1", "::1"],
      );
      equal(
        recorder.calls().some(({ type }) => type === "loopback"),
        true,
      );
      node.withdraw("web");
    });
  },
);
