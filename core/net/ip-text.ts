/**
 * IP addresses between text and bytes: IPv6 by ipaddr.js, held to what Go's `net.ParseIP` reads.
 *
 * Octal, hexadecimal and short IPv4 forms are refused, and so are zones, which ipaddr.js takes, and `::10.0.0.1`, which it
 * takes for a mapped address: other programs that share our configurations refuse those or read another address.
 * @see RFC 4291 section 2.2, RFC 5952
 * @module
 */
import ipaddr from "ipaddr.js";

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const LONGEST_TEXT = 45;
const DOTTED_TAIL = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/;
const NATIVE_IPV6 = /^[0-9a-f:]+$/i;

/** The 4 or 16 bytes of an address as Go's `net.ParseIP` reads it; undefined for anything else. */
export function ipBytes(text: string): Uint8Array | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  return text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
}

/** Four decimal numbers: what a number is not, too large, or written in another form is not what its byte is written as. */
function ipv4Bytes(text: string): Uint8Array | undefined {
  const bytes = Uint8Array.from(text.split("."), Number);
  return bytes.length === 4 && bytes.join(".") === text ? bytes : undefined;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const native = withoutDottedTail(text);
  if (native === undefined || !NATIVE_IPV6.test(native)) return undefined;
  const bytes = parsed(() => ipaddr.IPv6.parse(native).toByteArray());
  return bytes && Uint8Array.from(bytes);
}

/** `::ffff:10.0.0.1` as `::ffff:a00:1`; undefined if the tail is no IPv4 address. */
function withoutDottedTail(text: string): string | undefined {
  const tail = text.includes(".") ? DOTTED_TAIL.exec(text) : null;
  if (tail === null) return text;
  const bytes = ipv4Bytes(tail[2] as string);
  if (bytes === undefined) return undefined;
  const [a, b, c, d] = bytes as unknown as [number, number, number, number];
  return `${tail[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** ipaddr.js says that a text is no address by throwing. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined; // it throws nothing else, and the caller names the text
  }
}

/** Canonical text of 4 or 16 bytes. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  return new ipaddr.IPv6(Array.from(bytes)).toRFC5952String();
}
