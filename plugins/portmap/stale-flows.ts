/**
 * Connections that were made before a port led where it leads now: connection tracking translates every packet of a flow as
 * it did the first, and a UDP flow never ends while its client keeps sending.
 * @module
 */

import {
  deleteFoundConntracks,
  type FoundConntrack,
  findConntracks,
} from "netlink-ts/conntrack/filter.ts";
import { IPPROTO_UDP, tupleAddresses } from "netlink-ts/conntrack/tuple.ts";
import type { Connection } from "netlink-ts/netlink/connection.ts";
import { sameBytes } from "../../core/bytes.ts";
import { explain } from "../../core/errors.ts";
import { isIpv4 } from "../../core/net/address.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { readSysctlIfPresent } from "../../core/net/sysctl.ts";
import { isPublishedPort } from "../../core/nft/ownership.ts";
import { type PortClaim, portClaim } from "../../core/nft/port-claim.ts";
import type { TableElement } from "../../core/nft/table-element.ts";
import { isLocal } from "./host-link.ts";

const AF_INET = 2;
const AF_INET6 = 10;

/** A published UDP port, and the pod it leads to. */
interface UdpPort {
  readonly claim: PortClaim;
  readonly pod: Uint8Array;
}

/**
 * Ends UDP flows to the published ports of `elements` that lead anywhere but to their pods: to the port's last owner, or to
 * the host itself. Flows that the host only forwards are left alone.
 */
export function endFlowsElsewhere(
  connection: Connection,
  elements: readonly TableElement[],
  warn: (text: string) => void,
): void {
  endFlows(connection, elements, warn, (answers, pod) => !sameBytes(answers, pod));
}

/** Ends UDP flows that the published ports of `elements` led to their pods. */
export function endFlowsToPod(
  connection: Connection,
  elements: readonly TableElement[],
  warn: (text: string) => void,
): void {
  endFlows(connection, elements, warn, sameBytes);
}

/** @param isStale is told who answers the client, before its answers are translated back, and the pod */
function endFlows(
  connection: Connection,
  elements: readonly TableElement[],
  warn: (text: string) => void,
  isStale: (answers: Uint8Array | undefined, pod: Uint8Array) => boolean,
): void {
  const udpPorts = elements.filter(isPublishedPort).map(udpPort);
  const ports = udpPorts.filter(({ claim }) => claim.protocol === IPPROTO_UDP);
  if (ports.length === 0 || !hasFlows()) return;
  try {
    for (const length of [4, 16]) {
      const ofFamily = ports.filter(({ pod }) => pod.length === length);
      if (ofFamily.length === 0) continue;
      const stale = flowsTo(connection, ofFamily).filter((flow) => {
        const answers = flow.tupleReply && tupleAddresses(flow.tupleReply).src;
        return ofFamily.some((port) => goesTo(flow, port) && isStale(answers, port.pod));
      });
      deleteFoundConntracks(connection, ofThisHost(stale));
    }
  } catch (error) {
    warn(`leaves UDP flows of earlier owners as they are: ${explain(error)}`); // as upstream, no reason to fail
  }
}

/** A listing walks the whole hash table, 12 ms for 262144 buckets: not for a namespace that has no connections. */
function hasFlows(): boolean {
  return (readSysctlIfPresent("net/netfilter/nf_conntrack_count") ?? "0") !== "0";
}

function udpPort(element: TableElement): UdpPort {
  const { data = new Uint8Array(), set } = element;
  return { claim: portClaim(element), pod: data.subarray(0, set.endsWith("4") ? 4 : 16) };
}

function flowsTo(connection: Connection, ports: readonly UdpPort[]): FoundConntrack[] {
  const [first] = ports;
  const isOne = first !== undefined && ports.length === 1;
  const { firstPort, lastPort } = first!.claim;
  return findConntracks(connection, {
    family: isIpv4(first!.pod) ? AF_INET : AF_INET6,
    proto: IPPROTO_UDP,
    dstPort: isOne && firstPort === lastPort ? firstPort : undefined,
  });
}

function goesTo({ tupleOrig }: FoundConntrack, { claim }: UdpPort): boolean {
  const { firstPort, lastPort, hostIp } = claim;
  const port = tupleOrig?.proto?.dstPort;
  if (tupleOrig === undefined || port === undefined) return false;
  if (port < firstPort || port > lastPort) return false;
  return hostIp === undefined || sameBytes(tupleAddresses(tupleOrig).dst, hostIp);
}

/** Flows to addresses of this host: what it forwards to that port elsewhere is none of ours. */
function ofThisHost(flows: FoundConntrack[]): FoundConntrack[] {
  if (flows.length === 0) return [];
  using route = RouteSocket.open();
  const known = new Map<string, boolean>();
  return flows.filter(({ tupleOrig }) => {
    const dst = tupleOrig && tupleAddresses(tupleOrig).dst;
    if (dst === undefined) return false;
    const text = dst.join();
    if (!known.has(text)) known.set(text, isLocal(route, dst));
    return known.get(text);
  });
}
