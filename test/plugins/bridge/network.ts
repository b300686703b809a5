/**
 * What the kernel tests of bridge have in common: configurations and calls.
 * @module
 */
import { equal } from "node:assert/strict";
import type { CniCall, CniOutcome, Sandbox } from "../../kernel/sandbox.ts";

/** A configuration as JSON. */
export type Config = Record<string, unknown>;

/** IPAM's part for one range of each subnet. */
export function hostLocal(...subnets: string[]): Config {
  return { type: "host-local", ranges: subnets.map((subnet) => [{ subnet }]) };
}

/** A network whose bridge is the default gateway. */
export function layer3(subnets: string[], keys: Config = {}): Config {
  const base = { cniVersion: "1.1.0", name: "net", type: "bridge", bridge: "bridge0" };
  return { ...base, isDefaultGateway: true, ipam: hostLocal(...subnets), ...keys };
}

/** A network without addresses. */
export function layer2(keys: Config = {}): Config {
  return { cniVersion: "1.1.0", name: "net", type: "bridge", bridge: "bridge0", ...keys };
}

/** A call that has to succeed. @returns its outcome */
export function succeed(sandbox: Sandbox, call: CniCall): CniOutcome {
  const done = sandbox.cni(call);
  equal(done.status, 0, `${call.command}: ${done.stdout}${done.stderr}`);
  return done;
}

/** ADD that has to succeed. @returns its result */
// biome-ignore lint/suspicious/noExplicitAny: results of every version
export function add(sandbox: Sandbox, config: Config, call: Partial<CniCall> = {}): any {
  return succeed(sandbox, { command: "ADD", config, ...call }).json;
}

/** A call that has to fail with a proper error object. @returns the error */
export function refused(
  sandbox: Sandbox,
  call: CniCall,
): { code: number; msg: string; details?: string } {
  const done = sandbox.cni(call);
  equal(done.signal, null);
  equal(done.status, 1, `${call.command} should have failed: ${done.stdout}`);
  equal(typeof done.json?.code, "number", done.stdout);
  return done.json;
}

/** The row of `ip -j -d link` of that name, undefined when there is no such link. */
// biome-ignore lint/suspicious/noExplicitAny: iproute2's JSON has no types
export function link(sandbox: Sandbox, name: string, netns?: string): any {
  return sandbox.ipJson("-d link", netns).find(({ ifname }) => ifname === name);
}

/** Addresses of a link as `10.1.2.1/24`, link-local ones left out. */
export function addresses(sandbox: Sandbox, name: string, netns?: string): string[] {
  const [row] = sandbox.ipJson(`address show dev ${name}`, netns);
  const global = row.addr_info.filter(({ scope }: { scope: string }) => scope === "global");
  return global.map(
    ({ local, prefixlen }: { local: string; prefixlen: number }) => `${local}/${prefixlen}`,
  );
}

/** Gateways of the default routes of both families. */
export function defaultGateways(sandbox: Sandbox, netns: string): string[] {
  const routes = ["-4", "-6"].flatMap((family) =>
    sandbox.ipJson(`${family} route show default`, netns),
  );
  return routes.map(({ gateway }) => gateway);
}

/** Whether one ping gets its answer. */
export function pings(sandbox: Sandbox, address: string, netns?: string): boolean {
  const where = netns === undefined ? {} : { netns };
  return sandbox.run(["ping", "-c1", "-W1", address], where).status === 0;
}
