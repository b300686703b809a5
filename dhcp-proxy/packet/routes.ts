/**
 * Routes in options: the classless ones of RFC 3442 and the older ones of RFC 2132 section 5.8.
 * @module
 */

import { Reader } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { network, type Prefix } from "../../core/net/address.ts";

/** A route as a server says it. */
export interface PacketRoute {
  destination: Prefix;
  /** 4 bytes; all zero: the destination is on the link. */
  router: Uint8Array;
}

/**
 * Reads option 121: prefix length, as many bytes of the destination as it needs, router.
 * @throws {DecodeError} for a length over 32, and for an option that ends inside a route
 */
export function decodeClasslessRoutes(bytes: Uint8Array): PacketRoute[] {
  const reader = new Reader(bytes);
  const routes: PacketRoute[] = [];
  while (reader.left > 0) {
    try {
      routes.push(readClasslessRoute(reader));
    } catch (error) {
      const name = `option 121[${routes.length}]`;
      throw error instanceof DecodeError ? error.within(name) : error;
    }
  }
  return routes;
}

function readClasslessRoute(reader: Reader): PacketRoute {
  const at = reader.take(1);
  const length = reader.view.getUint8(at);
  if (length > 32) throw new DecodeError("length", at, `want at most 32, got ${length}`);
  const address = new Uint8Array(4);
  address.set(reader.slice(Math.ceil(length / 8)));
  return { destination: network({ address, length }), router: reader.slice(4).slice() };
}

/**
 * Reads option 33: pairs of destination and router; the destination's class says its prefix length, A 8, B 16, C 24.
 * @throws {DecodeError} when the length is no multiple of 8
 */
export function decodeStaticRoutes(bytes: Uint8Array): PacketRoute[] {
  if (bytes.length % 8 !== 0) {
    throw new DecodeError("option 33", 0, `want a multiple of 8 bytes, got ${bytes.length}`);
  }
  return Array.from({ length: bytes.length / 8 }, (_, index) => {
    const address = bytes.slice(8 * index, 8 * index + 4);
    const length = classLength(address[0] ?? 0);
    return {
      destination: network({ address, length }),
      router: bytes.slice(8 * index + 4, 8 * index + 8),
    };
  });
}

/** A host route for what has no class. */
function classLength(first: number): number {
  if (first < 128) return 8;
  if (first < 192) return 16;
  return first < 224 ? 24 : 32;
}
