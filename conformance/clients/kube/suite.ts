/**
 * Suites of tests that share one node, each of which ends when the node is again as it was.
 * @module
 */
import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { KubeNode, type NodeSettings } from "./node.ts";
import { type Remains, remains } from "./remains.ts";
import { describeKube } from "./requirements.ts";
import { until } from "./waiting.ts";

/** What a test of {@link describeNode} gets. */
export type NodeTest = (node: KubeNode) => Promise<void>;

const limitMs = 400_000;

/**
 * A suite with a node of its own. A first pod has come and gone before the tests: a network's bridge and rules may
 * stay after the last pod, but nothing may be left by each.
 * @param make what the node is made with; the folder is empty and goes with the node
 * @param body calls `test` as it would `it`. After each test its static pods are
 *   withdrawn, and the node has to become as it was before
 */
export function describeNode(
  title: string,
  make: (folder: string) => NodeSettings,
  body: (test: (title: string, run: NodeTest) => void) => void,
): void {
  describeKube(title, function () {
    this.timeout(limitMs);
    let folder: string | undefined;
    let node: KubeNode | undefined;
    let before: Remains | undefined;

    this.beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "netloom-node-"));
      node = await KubeNode.start(make(folder));
      before = await stateAfterFirstPod(node);
    });
    this.afterAll(async () => {
      await node?.dispose();
      if (folder !== undefined) rmSync(folder, { recursive: true });
    });
    body((name, run) => {
      it(name, async () => {
        try {
          await run(node!);
          node!.withdrawAll();
          await becomes(node!, before!);
        } catch (error) {
          console.error(node?.logs());
          throw error;
        } finally {
          node?.withdrawAll();
        }
      });
    });
  });
}

async function stateAfterFirstPod(node: KubeNode): Promise<Remains> {
  const { mounts, namespaces } = remains(node);
  await node.run({ name: "first", publish: [{ hostPort: 7999, containerPort: 80 }] });
  node.withdraw("first");
  return until("node without the first pod", () => {
    const now = remains(node);
    deepEqual(now, { ...now, mounts, namespaces, processes: [] });
    const ofPods = now.cgroups.filter((row) => row.includes("/pod"));
    deepEqual(ofPods, []); // kubelet makes the cgroups above them when it needs them
    return now;
  });
}

/** Waits for what kubelet does in its own time. @throws {AssertionError} what stays different */
async function becomes(node: KubeNode, before: Remains): Promise<void> {
  await until("node as it was before", () => {
    deepEqual(remains(node), before);
    return true;
  });
}

/** The address of that family that a pod has been given. */
export function addressOf({ status }: V1Pod, family: "ipv4" | "ipv6" = "ipv4"): string {
  const all = (status?.podIPs ?? []).map(({ ip }) => ip);
  return all.find((ip) => ip?.includes(":") === (family === "ipv6")) ?? "";
}
