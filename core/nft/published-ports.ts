/**
 * Elements that publish ports of a pod on the host.
 * @module
 */

import { sameBytes } from "../bytes.ts";
import { isIpv4 } from "../net/address.ts";
import type { SetName } from "./sets.ts";
import { ifnameField, portField, type TableElement, tableElement } from "./table-element.ts";

/** A port of the host, and the pod's port behind it. */
export interface PublishedPort {
  /** IPPROTO_*: tcp 6, udp 17, sctp 132. */
  readonly protocol: number;
  /** 4 or 16 bytes; all zeroes for every local address of that family, undefined for those of both. */
  readonly hostIp?: Uint8Array | undefined;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** What is published of a pod, and how its clients are treated. */
export interface Publication {
  /** `ownerText` of the attachment. */
  readonly owner: string;
  /** The pod's address, 4 or 16 bytes: ports of that family are published. */
  readonly pod: Uint8Array;
  readonly ports: readonly PublishedPort[];
  /** Clients on localhost and the pod itself are masqueraded, so that they are answered. */
  readonly snat: boolean;
  /** So is every client. */
  readonly masqAll: boolean;
}

/** Runs of at least this many ports that keep their numbers become one interval: intervals cost more to change than keys. */
export const shortestRange = 256;

/**
 * The elements of a publication; none when no port is of the pod's family.
 * @throws {PortTwice} when one port of the host is to lead to two places
 */
export function publishElements(publication: Publication): TableElement[] {
  const { pod, ports } = publication;
  const fitting = ports.filter(
    ({ hostIp }) => hostIp === undefined || hostIp.length === pod.length,
  );
  if (fitting.length === 0) return [];
  return [...portElements(publication, fitting), ...clientElements(publication, fitting)];
}

/** For a neighbour on the same bridge that asks for a published port. All pods of the bridge share it. */
export function nearElement(hostLink: string): TableElement {
  const name = ifnameField(hostLink);
  return tableElement("near", [name, name]);
}

/** Thrown by {@link publishElements}: the two ports that cannot be both. */
export class PortTwice extends Error {
  override readonly name = "PortTwice";
  readonly port: PublishedPort;

  constructor(port: PublishedPort) {
    super("one port of the host is published twice");
    this.port = port;
  }
}

function portElements(
  { owner, pod }: Publication,
  ports: readonly PublishedPort[],
): TableElement[] {
  const [ranges, single] = splitRanges(ports);
  const elements = new Map<string, TableElement>();
  for (const port of single) {
    const element = portElement(owner, pod, port);
    const place = `${element.set} ${element.key.join()}`;
    const same = elements.get(place);
    if (same !== undefined && !sameBytes(same.data, element.data)) throw new PortTwice(port);
    elements.set(place, element);
  }
  return [...ranges.map((range) => rangeElement(owner, pod, range)), ...elements.values()];
}

/** The element of one port. */
export function portElement(
  owner: string | undefined,
  pod: Uint8Array,
  port: PublishedPort,
): TableElement {
  const { protocol, hostIp, hostPort, containerPort } = port;
  const isV4 = isIpv4(pod);
  const parts = { data: [pod, portField(containerPort)], owner };
  const proto = new Uint8Array([protocol]);
  if (hostIp === undefined || isUnspecified(hostIp)) {
    return tableElement(isV4 ? "any4" : "any6", [proto, portField(hostPort)], parts);
  }
  return tableElement(isV4 ? "port4" : "port6", [proto, hostIp, portField(hostPort)], parts);
}

interface PortRange extends PublishedPort {
  readonly lastPort: number;
}

function rangeElement(owner: string, pod: Uint8Array, range: PortRange): TableElement {
  const { protocol, hostIp, hostPort, lastPort } = range;
  const isAny = hostIp === undefined || isUnspecified(hostIp);
  const first = isAny ? new Uint8Array(pod.length) : hostIp;
  const last = isAny ? new Uint8Array(pod.length).fill(0xff) : hostIp;
  const proto = new Uint8Array([protocol]);
  const set: SetName = isIpv4(pod) ? "range4" : "range6";
  return tableElement(set, [first, proto, portField(hostPort)], {
    keyEnd: [last, proto, portField(lastPort)],
    data: [pod],
    owner,
  });
}

/** Long runs of neighbouring ports that keep their numbers, and all the rest. */
function splitRanges(ports: readonly PublishedPort[]): [PortRange[], PublishedPort[]] {
  const ranges: PortRange[] = [];
  const single: PublishedPort[] = [];
  for (const run of runs(ports)) {
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) continue;
    const isRange = last.hostPort - first.hostPort + 1 >= shortestRange;
    if (isRange) ranges.push({ ...first, lastPort: last.hostPort });
    else single.push(...run);
  }
  return [ranges, single];
}

/** Ports grouped into runs; a port that changes its number is a run of its own. */
function runs(ports: readonly PublishedPort[]): PublishedPort[][] {
  if (ports.length < shortestRange) return ports.map((port) => [port]);
  const found: PublishedPort[][] = [];
  for (const port of ports.toSorted(byPlace)) {
    const previous = found.at(-1)?.at(-1);
    if (previous !== undefined && continues(previous, port)) found.at(-1)!.push(port);
    else found.push([port]);
  }
  return found;
}

function byPlace(one: PublishedPort, other: PublishedPort): number {
  return (
    one.protocol - other.protocol ||
    hostIpText(one).localeCompare(hostIpText(other)) ||
    one.hostPort - other.hostPort
  );
}

function continues(previous: PublishedPort, port: PublishedPort): boolean {
  const keeps = (each: PublishedPort) => each.hostPort === each.containerPort;
  const step = port.hostPort - previous.hostPort;
  return (
    keeps(previous) &&
    keeps(port) &&
    (step === 0 || step === 1) &&
    previous.protocol === port.protocol &&
    hostIpText(previous) === hostIpText(port)
  );
}

/** Tells host addresses apart; the two ways of saying "every address" are one. */
function hostIpText({ hostIp }: PublishedPort): string {
  return hostIp === undefined || isUnspecified(hostIp) ? "" : hostIp.join();
}

/** True for `0.0.0.0` and `::`. */
export function isUnspecified(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}

/** What masquerades clients that would not be answered otherwise. */
function clientElements(
  { owner, pod, snat, masqAll }: Publication,
  ports: readonly PublishedPort[],
): TableElement[] {
  const isV4 = isIpv4(pod);
  if (!snat) return isV4 ? [tableElement("nosnat4", [pod], { owner })] : [];
  const elements = [tableElement(isV4 ? "self4" : "self6", [pod, pod], { owner })];
  if (isV4) elements.push(tableElement("snat4", [pod], { owner }));
  if (masqAll) elements.push(...masqAllElements(owner, pod, ports));
  return elements;
}

function masqAllElements(
  owner: string,
  pod: Uint8Array,
  ports: readonly PublishedPort[],
): TableElement[] {
  const set: SetName = isIpv4(pod) ? "masqall4" : "masqall6";
  const byTarget = new Map<string, TableElement>();
  for (const { protocol, containerPort } of ports) {
    const fields = [new Uint8Array([protocol]), portField(containerPort), pod];
    byTarget.set(`${protocol} ${containerPort}`, tableElement(set, fields, { owner }));
  }
  return [...byTarget.values()];
}
