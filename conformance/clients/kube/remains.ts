/**
 * What a node looks like to those who share it with its pods, to be compared with another moment's.
 * @module
 */
import { existsSync } from "node:fs";
import {
  addressRows,
  fileRows,
  linkRows,
  nftRows,
  routeRows,
  type Snapshot,
} from "../../../test/kernel/snapshot.ts";
import type { KubeNode } from "./node.ts";

/** One moment of a node. */
export interface Remains extends Snapshot {
  /** Network namespaces in /run/netns. */
  namespaces: string[];
  /** Commands of pods' processes and of shims, sorted. */
  processes: string[];
  /** `hierarchy path`, sorted. */
  cgroups: string[];
  /** `type place`, sorted. */
  mounts: string[];
}

/** Files below these are CNI programs' and libcni's; what kubelet and containerd write is their own affair. */
const written = ["/run/netloom", "/run/cni", "/var/lib/cni", "/var/lib/netloom"];
/** What host-local remembers for the next ADD, which outlives every pod by design. */
const remembered = /\/(last_reserved_ip\.\d+|\.netloom-ledger) /;
/** What runs on a node without pods. */
const daemons = /^(containerd|kubelet) /;

function files(node: KubeNode): string[] {
  const rows = written.flatMap((folder) => {
    const path = node.sandbox.path(folder);
    return existsSync(path) ? [`${folder}/`, ...fileRows(path, folder, () => false)] : [];
  });
  return rows.filter((row) => !remembered.test(row)).sort();
}

/** Everything of a node that a pod may change. */
export function remains(node: KubeNode): Remains {
  const { sandbox, host } = node;
  const commands = host.processes().map(({ command }) => command);
  return {
    links: linkRows(sandbox.ipJson("-d link")),
    addresses: addressRows(sandbox.ipJson("address")),
    routes: routeRows([
      ...sandbox.ipJson("-4 route show table all"),
      ...sandbox.ipJson("-6 route show table all"),
    ]),
    rules: sandbox.ipJson("rule").map((rule) => JSON.stringify(rule)),
    nft: nftRows(sandbox.nftJson()),
    files: files(node),
    namespaces: host.namespaces(),
    processes: commands.filter((command) => !daemons.test(command)).sort(),
    cgroups: host.cgroups(),
    mounts: host.mounts(),
  };
}
