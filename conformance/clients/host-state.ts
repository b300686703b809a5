/**
 * What a host looks like to those who share it with a client's containers.
 * @module
 */
import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sandbox } from "../../test/kernel/sandbox.ts";

/** Files below /run and /var/lib that CNI programs and libcni write; the client's own are its own affair. */
const written = /^\/(run|var\/lib)\/(netloom|cni)(\/|\s|$)/;
/** What host-local remembers for the next ADD, whose content outlives every container by design. */
const remembered = /\/(last_reserved_ip\.\d+|\.netloom-ledger) /;
/** Sets that tell of networks and their bridges, which stay as upstream's bridges do. */
const ofNetworks = /"name":"(near|bridges|same|direct[46])"/;

/** libcni keeps its last call there, for itself. */
function withoutCached(row: string): string {
  return row.replace(/^(\/var\/lib\/cni\/results\/\S+) .*/, "$1");
}

/** One row each: links, addresses, routes, rules, nft objects and the files of CNI programs. */
export function hostState(sandbox: Sandbox): string[] {
  const { links, addresses, routes, rules, nft, files } = sandbox.snapshot();
  return [
    ...links.map((row) => `link ${row}`),
    ...addresses.map((row) => `address ${row}`),
    ...routes.map((row) => `route ${row}`),
    ...rules.map((row) => `rule ${row}`),
    ...nft.filter((row) => !ofNetworks.test(row)).map((row) => `nft ${row}`),
    ...files.filter((row) => written.test(row) && !remembered.test(row)).map(withoutCached),
  ];
}

/** What two moments do not have in common: `- row` was there before, `+ row` is there now. */
export function differences(before: readonly string[], now: readonly string[]): string[] {
  const gone = before.filter((row) => !now.includes(row)).map((row) => `- ${row}`);
  const come = now.filter((row) => !before.includes(row)).map((row) => `+ ${row}`);
  return [...gone, ...come];
}

/** Waits until a client's processes have ended that end by themselves. @returns those that stay for 10 s. */
export async function processesLeft(sandbox: Sandbox): Promise<string[]> {
  for (let waited = 0; waited < 200 && sandbox.processes().length > 0; waited++) await sleep(50);
  return sandbox.processes();
}

const hierarchies = "/sys/fs/cgroup";

/** Takes away the cgroups of that name, which the kernel allows once they are empty. */
export function removeCgroups(name: string): void {
  for (const hierarchy of readdirSync(hierarchies)) {
    const path = join(hierarchies, hierarchy, name);
    if (existsSync(path)) removeCgroup(path);
  }
}

function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  rmdirSync(path);
}
