/**
 * Finding and deleting connections by parts of their tuples.
 * @module
 */

import { Batch } from "../netlink/batch.ts";
import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { answeredBy } from "../netlink/request.ts";
import {
  type ConntrackInput,
  CTA_FILTER_F_IP_DST,
  CTA_FILTER_F_IP_SRC,
  CTA_FILTER_F_PROTO_DST_PORT,
  CTA_FILTER_F_PROTO_NUM,
  CTA_FILTER_F_PROTO_SRC_PORT,
  conntrackMessage,
  deleteConntrack,
  getConntrack,
} from "./conntrack.ts";
import { type Tuple, tupleAddresses } from "./tuple.ts";

/** What the packets that opened a connection look like, before NAT. What is left out matches anything. */
export interface ConntrackFilter {
  /** AF_INET or AF_INET6. */
  family: number;
  /** IPPROTO_*; a port needs it. */
  proto?: number | undefined;
  /** 4 or 16 bytes, by family. */
  src?: Uint8Array | undefined;
  dst?: Uint8Array | undefined;
  srcPort?: number | undefined;
  dstPort?: number | undefined;
}

const AF_INET = 2;
/** How many deletions go in one datagram: 100 bytes each, and a socket sends 200 kB. */
const DELETIONS = 500;
const listed = answeredBy(
  getConntrack,
  conntrackMessage.pick("tupleOrig", "tupleReply", "id", "zone"),
);
/** What is read of each entry. */
export type FoundConntrack = Omit<ReturnType<typeof listed.reply.read>, "resourceId" | "version">;

/**
 * Lists the connections that match any of the filters, which are of one family. Linux 5.8 and later send only those that match
 * what the filters have in common; from older ones all of the family come. What came is filtered here.
 * Same as `conntrack -L -f ipv4 -p udp --orig-port-dst 53`.
 */
export function findConntracks(
  connection: Connection,
  first: ConntrackFilter,
  ...others: ConntrackFilter[]
): FoundConntrack[] {
  const filters = [first, ...others];
  const found = connection.dump(listed, dumpRequest(others.reduce(common, first)));
  return found.filter(({ tupleOrig }) => filters.some((filter) => matches(tupleOrig, filter)));
}

/**
 * Deletes the connections that match any of the filters; those that end by themselves meanwhile are no error.
 * Same as `conntrack -D -f ipv4 -p udp --orig-port-dst 53` for each, at the price of one listing a family.
 * @returns how many matched
 */
export function deleteConntracks(connection: Connection, ...filters: ConntrackFilter[]): number {
  let count = 0;
  for (const family of new Set(filters.map((filter) => filter.family))) {
    const [first, ...others] = filters.filter((filter) => filter.family === family);
    const found = findConntracks(connection, first as ConntrackFilter, ...others);
    deleteFoundConntracks(connection, found);
    count += found.length;
  }
  return count;
}

/** Deletes what {@link findConntracks} found; those that have ended by themselves meanwhile are no error. */
export function deleteFoundConntracks(connection: Connection, found: FoundConntrack[]): void {
  for (let start = 0; start < found.length; start += DELETIONS) {
    deleteSome(connection, found.slice(start, start + DELETIONS));
  }
}

function deleteSome(connection: Connection, found: FoundConntrack[]): void {
  const batch = new Batch();
  for (const one of found) {
    batch.add(deleteConntrack, deletion(one));
  }
  try {
    connection.exchange(batch);
  } catch (error) {
    if (!isGone(error)) {
      throw error;
    }
    for (const one of found) {
      deleteOne(connection, one); // the first refusal hides later ones
    }
  }
}

function deleteOne(connection: Connection, found: FoundConntrack): void {
  try {
    connection.execute(deleteConntrack, deletion(found));
  } catch (error) {
    if (!isGone(error)) {
      throw error;
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === "ENOENT";
}

function deletion({ family, tupleOrig, id, zone }: FoundConntrack): ConntrackInput {
  return { family, tupleOrig, id, zone };
}

/** What two filters of a family have in common. */
function common(a: ConntrackFilter, b: ConntrackFilter): ConntrackFilter {
  const isProto = a.proto === b.proto;
  return {
    family: a.family,
    proto: isProto ? a.proto : undefined,
    src: isSame(a.src, b.src) ? a.src : undefined,
    dst: isSame(a.dst, b.dst) ? a.dst : undefined,
    srcPort: isProto && a.srcPort === b.srcPort ? a.srcPort : undefined,
    dstPort: isProto && a.dstPort === b.dstPort ? a.dstPort : undefined,
  };
}

function dumpRequest(filter: ConntrackFilter): ConntrackInput {
  const { family, proto, src, dst, srcPort, dstPort } = filter;
  const origFlags =
    bit(src, CTA_FILTER_F_IP_SRC) |
    bit(dst, CTA_FILTER_F_IP_DST) |
    bit(proto, CTA_FILTER_F_PROTO_NUM) |
    bit(srcPort, CTA_FILTER_F_PROTO_SRC_PORT) |
    bit(dstPort, CTA_FILTER_F_PROTO_DST_PORT);
  if (origFlags === 0) {
    return { family };
  }
  const ip = family === AF_INET ? { v4Src: src, v4Dst: dst } : { v6Src: src, v6Dst: dst };
  const tupleOrig = { ip, proto: { num: proto, srcPort, dstPort } };
  return { family, tupleOrig, filter: { origFlags, replyFlags: 0 } };
}

function bit(field: unknown, flag: number): number {
  return field === undefined ? 0 : flag;
}

function matches(tuple: Tuple | undefined, filter: ConntrackFilter): boolean {
  const proto = tuple?.proto;
  const { src, dst } = tupleAddresses(tuple ?? {});
  return (
    (filter.proto === undefined || proto?.num === filter.proto) &&
    (filter.srcPort === undefined || proto?.srcPort === filter.srcPort) &&
    (filter.dstPort === undefined || proto?.dstPort === filter.dstPort) &&
    (filter.src === undefined || isSame(src, filter.src)) &&
    (filter.dst === undefined || isSame(dst, filter.dst))
  );
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) {
    return a === b;
  }
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
