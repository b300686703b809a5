/**
 * A CNI program run inside the test process, on a fake host.
 * @module
 */

import type { Plugin } from "../core/cni/plugin.ts";
import { runOnce } from "../core/cni/skeleton.ts";
import { FakeHost, type FakeHostOptions, useHost } from "./fake-host.ts";

/** What one run left. */
export interface PluginRun {
  status: number;
  stdout: string;
  stderr: string;
  /** stdout as JSON; undefined when it is empty. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they like
  json: any;
  fake: FakeHost;
}

/** One call; `env` is added to a complete environment for that command, and `undefined` removes a variable. */
export interface PluginCall extends Omit<FakeHostOptions, "env"> {
  command?: string;
  env?: Record<string, string | undefined>;
  /** Becomes stdin. */
  config?: unknown;
  /** Runs on this host instead of a new one. */
  prepare?: (fake: FakeHost) => void;
}

/** Runs `plugin` once. */
export function callPlugin(plugin: Plugin, call: PluginCall = {}): PluginRun {
  const { command = "ADD", env = {}, config, prepare, ...options } = call;
  const variables = { ...completeEnvironment(command), ...env };
  const stdin = config === undefined ? {} : { stdin: JSON.stringify(config) };
  const fake = useHost(new FakeHost({ ...stdin, ...options, env: withoutUnset(variables) }));
  prepare?.(fake);
  const status = runOnce(plugin);
  const { stdout, stderr } = fake;
  return { status, stdout, stderr, json: stdout === "" ? undefined : JSON.parse(stdout), fake };
}

/** The environment of SPEC.md with nothing missing. */
export function completeEnvironment(command: string): Record<string, string> {
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: "cid1",
    CNI_NETNS: "/run/netns/t1",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/opt/cni/bin",
  };
}

function withoutUnset(variables: Record<string, string | undefined>): Record<string, string> {
  const set = Object.entries(variables).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as Record<string, string>;
}
