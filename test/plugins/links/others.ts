/**
 * What every link in a container owes to links that are not its own.
 * @module
 */
import { deepEqual, match } from "node:assert/strict";
import type { Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, refused, succeed } from "../bridge/network.ts";

/** A second ADD harms nothing of the first; a link that has the name already stays as it is, at ADD and at DEL. */
export function leavesOthersAlone(sandbox: Sandbox, config: Config): void {
  const [netns, other] = [sandbox.pod("a"), sandbox.pod("b")];
  const prevResult = add(sandbox, config, { netns });
  match(refused(sandbox, { command: "ADD", config, netns }).msg, /"eth0" already exists/);
  succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  sandbox.ok(["ip", "link", "add", "eth0", "type", "veth"], { netns: other });
  const before = sandbox.snapshot(other);
  refused(sandbox, { command: "ADD", config, netns: other, containerId: "c2" });
  succeed(sandbox, { command: "DEL", config, netns: other, containerId: "c2" });
  deepEqual(sandbox.snapshot(other), before);
}
