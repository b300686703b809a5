/**
 * What tests with a Kubernetes node need, and the reason they give when it is missing.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Suite } from "mocha";
import { root } from "../../../scripts/place.ts";
import { describeKernel, type SkippedSuite, usual } from "../../../test/kernel/requirements.ts";

/** Where `scripts/kube/build.mjs` leaves kubelet, containerd and the rest. */
export const kubePrograms = join(root, ".cache", "kube");

const built = ["containerd", "containerd-shim-runc-v2", "ctr", "etcd", "kube-apiserver", "kubelet"];
const tools = ["bash", "busybox", "curl", "nsenter", "ps", "python3", "runc", "tar", "unshare"];

/** Why there is no node: what the build wrote down, or the first program it has not made. */
function whyNot(): string | undefined {
  const lacking = built.find((name) => !existsSync(join(kubePrograms, name)));
  if (lacking === undefined) return undefined;
  const note = join(kubePrograms, "missing");
  if (existsSync(note)) return `no Kubernetes node: ${readFileSync(note, "utf8").trim()}`;
  return `no Kubernetes node: ${lacking} is not built (npm run test:kube)`;
}

/** A `describe` of tests that need a kubelet and what it runs on. Without, they are skipped and the report says why. */
export function describeKube(title: string, body: (this: Suite) => void): Suite {
  const reason = whyNot();
  if (reason === undefined) return describeKernel(title, body, [...usual, ...tools]);
  // biome-ignore lint/suspicious/noSkippedTests: this is where the machine, not the author, decides
  const suite = describe.skip(title, body) as Suite & SkippedSuite;
  suite.skipReason = reason;
  return suite;
}
