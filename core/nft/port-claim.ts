/**
 * Published ports compared across the three kinds of map: one host address, all of them, ranges.
 * @module
 */

import { formatIp } from "../net/address.ts";
import { protocolName } from "./describe-element.ts";
import type { NftSocket } from "./nft-socket.ts";
import { isPublishedPort } from "./ownership.ts";
import type { SetName } from "./sets.ts";
import type { TableElement } from "./table-element.ts";

/** What an element of a port map takes of the host. */
export interface PortClaim {
  readonly protocol: number;
  /** 4 or 16 bytes; undefined for every local address. */
  readonly hostIp: Uint8Array | undefined;
  readonly firstPort: number;
  /** Inclusive. */
  readonly lastPort: number;
}

/** Reads an element of port4, any4, range4 or their IPv6 twins. */
export function portClaim({ set, key, keyEnd = key }: TableElement): PortClaim {
  const address = set.endsWith("4") ? 4 : 16;
  if (set.startsWith("any")) return claim(key, keyEnd, 0, undefined, 4);
  if (set.startsWith("port")) return claim(key, keyEnd, 0, key.slice(4, 4 + address), 4 + address);
  const isAny = key.subarray(0, address).every((byte, at) => byte === 0 && keyEnd[at] === 0xff);
  return claim(key, keyEnd, address, isAny ? undefined : key.slice(0, address), address + 4);
}

function claim(
  key: Uint8Array,
  keyEnd: Uint8Array,
  protocolAt: number,
  hostIp: Uint8Array | undefined,
  portAt: number,
): PortClaim {
  return {
    protocol: key[protocolAt]!,
    hostIp,
    firstPort: (key[portAt]! << 8) | key[portAt + 1]!,
    lastPort: (keyEnd[portAt]! << 8) | keyEnd[portAt + 1]!,
  };
}

/** A published port in words: `host port 8080/tcp of 192.0.2.1`. */
export function portText(element: TableElement): string {
  const { protocol, hostIp, firstPort, lastPort } = portClaim(element);
  const ports = firstPort === lastPort ? firstPort : `${firstPort}-${lastPort}`;
  const where = hostIp === undefined ? "" : ` of ${formatIp(hostIp)}`;
  return `host port ${ports}/${protocolName(protocol)}${where}`;
}

/** True when some packet would belong to both. */
export function claimsMeet(one: PortClaim, other: PortClaim): boolean {
  return (
    one.protocol === other.protocol &&
    one.firstPort <= other.lastPort &&
    other.firstPort <= one.lastPort &&
    (one.hostIp === undefined ||
      other.hostIp === undefined ||
      one.hostIp.every((byte, at) => byte === other.hostIp?.[at]))
  );
}

/** Above this many, one dump is cheaper than as many questions. */
const questionsAtMost = 16;

/**
 * Published ports in the kernel that meet one of `elements` without standing in its very place: the kernel itself refuses
 * a second value of one key, but knows nothing of a host address being one of all.
 */
export function meetingPorts(nft: NftSocket, elements: readonly TableElement[]): TableElement[] {
  const found: TableElement[] = [];
  for (const maps of portMaps) {
    const ports = elements.filter((e) => isPublishedPort(e) && maps.includes(e.set));
    if (ports.length > 0) found.push(...meetingIn(nft, maps, ports));
  }
  return found;
}

const portMaps: readonly (readonly [any: SetName, port: SetName, range: SetName])[] = [
  ["any4", "port4", "range4"],
  ["any6", "port6", "range6"],
];

function meetingIn(
  nft: NftSocket,
  [any, port, range]: readonly [SetName, SetName, SetName],
  ports: TableElement[],
): TableElement[] {
  const wanted = new Set<SetName>();
  for (const { set } of ports) {
    wanted.add(range); // two ranges may hold each other, which the kernel takes
    if (set !== port) wanted.add(port);
    if (set !== any) wanted.add(any);
  }
  const onlyAsksForAny = ports.length <= questionsAtMost && ports.every(({ set }) => set === port);
  if (onlyAsksForAny) wanted.delete(any);
  const there = [...wanted].flatMap((set) => nft.elements(set));
  if (onlyAsksForAny) there.push(...askAny(nft, any, ports));
  const claims = ports.map(portClaim);
  return there.filter((other) => {
    const theirs = portClaim(other);
    return ports.some(({ set }, at) => {
      return (set !== other.set || set === range) && claimsMeet(claims[at]!, theirs);
    });
  });
}

/** Asks for the every-address twins of ports of one address, key by key. */
function askAny(nft: NftSocket, any: SetName, ports: TableElement[]): TableElement[] {
  return ports.flatMap(({ key }) => {
    const twin = new Uint8Array(8);
    twin.set(key.subarray(0, 4));
    twin.set(key.subarray(-4), 4);
    return nft.find({ set: any, key: twin }) ?? [];
  });
}
