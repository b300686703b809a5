/**
 * RTA_MULTIPATH: struct rtnexthop and the attributes of each, one after another.
 * @see include/uapi/linux/rtnetlink.h
 * @module
 */

import { type AttributesValue, attributes } from "../wire/attributes.ts";
import type { Codec, Decoded } from "../wire/codec.ts";
import { align, littleEndian, type Reader, type Writer } from "../wire/cursor.ts";
import { DecodeError } from "../wire/decode-error.ts";
import { nameRange } from "../wire/range.ts";
import { bytes, i32, ip, u8, u16, u32 } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";

/** RTA_VIA: a gateway of another family, as an IPv6 next hop of an IPv4 route. */
export const via: Codec<{ family: number; address: Uint8Array }> = {
  write(writer, value) {
    u16.write(writer, value.family);
    ip.write(writer, value.address);
  },
  read: (reader) => ({ family: u16.read(reader), address: ip.read(reader) }),
};

/** Rows of a next hop, which a route without RTA_MULTIPATH has itself. */
export const nextHopRows = {
  /** RTA_GATEWAY */
  gateway: [5, ip],
  /** RTA_VIA */
  via: [18, via],
  /** RTA_NEWDST: MPLS labels. */
  newDst: [19, bytes],
  /** RTA_FLOW: realm, for classifiers. */
  flow: [11, u32],
  /** RTA_ENCAP_TYPE, RTA_ENCAP: lightweight tunnels. */
  encapType: [21, u16],
  encap: [22, bytes],
} as const;

/** struct rtnexthop, without its length. `flags` are RTNH_F_* bits (4 on-link), `hops` the weight less one. */
const header = struct({ flags: u8, hops: u8, ifindex: i32 });
const table = attributes(nextHopRows);
/** sizeof(struct rtnexthop) */
const RTNH_LENGTH = 8;

/** One next hop of several. */
export type NextHop = Decoded<typeof header> & AttributesValue<typeof nextHopRows>;

/** All that RTA_MULTIPATH holds. */
export const nextHops: Codec<NextHop[]> = {
  write(writer, values) {
    for (let index = 0; index < values.length; index++) {
      try {
        writeNextHop(writer, values[index] as NextHop);
      } catch (error) {
        throw nameRange(error, String(index));
      }
    }
  },
  read(reader) {
    const values: NextHop[] = [];
    const { end } = reader;
    try {
      while (reader.offset < end) {
        values.push(readNextHop(reader, end));
      }
    } catch (error) {
      throw error instanceof DecodeError ? error.within(String(values.length)) : error;
    }
    return values;
  },
};

function writeNextHop(writer: Writer, value: NextHop): void {
  const at = writer.take(2);
  header.write(writer, value);
  table.write(writer, value);
  writer.view.setUint16(at, writer.length - at, littleEndian);
}

function readNextHop(reader: Reader, end: number): NextHop {
  const at = reader.take(RTNH_LENGTH);
  const length = reader.view.getUint16(at, littleEndian);
  if (length < RTNH_LENGTH || at + length > end) {
    const problem = `want a next hop length of ${RTNH_LENGTH} to ${end - at}, got ${length}`;
    throw new DecodeError("", at, problem);
  }
  reader.offset = at + 2;
  reader.end = at + length;
  const value = table.readInto(reader, header.read(reader));
  reader.offset = Math.min(at + align(length), end);
  reader.end = end;
  return value;
}
