/**
 * IP addresses between text and bytes. Written out here, since every program does it several times a call, and in an
 * interpreter a general parser took a tenth of a whole ADD; tests compare it with ipaddr.js.
 * @see RFC 4291 section 2.2, RFC 5952
 * @module
 */

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const LONGEST_TEXT = 45;
const dottedQuad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const hexGroup = /^[0-9a-fA-F]{1,4}$/;

/** The 4 or 16 bytes of an address as Go's `net.ParseIP` reads it; undefined for anything else. */
export function ipBytes(text: string): Uint8Array | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  return text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
}

/** Four numbers without leading zeros. */
function ipv4Bytes(text: string): Uint8Array | undefined {
  const found = dottedQuad.exec(text);
  if (found === null) return undefined;
  const bytes = new Uint8Array(4);
  for (let index = 0; index < 4; index++) {
    const digits = found[index + 1] as string;
    const number = Number(digits);
    if (number > 255 || (digits.length > 1 && digits[0] === "0")) return undefined;
    bytes[index] = number;
  }
  return bytes;
}

/** Eight groups, or fewer around one `::`, which stands for at least one. */
function ipv6Bytes(text: string): Uint8Array | undefined {
  const gap = text.indexOf("::");
  if (gap < 0) {
    const all = groupBytes(text, true);
    return all?.length === 16 ? Uint8Array.from(all) : undefined;
  }
  const front = gap === 0 ? [] : groupBytes(text.slice(0, gap), false);
  const back = gap + 2 === text.length ? [] : groupBytes(text.slice(gap + 2), true);
  if (front === undefined || back === undefined || front.length + back.length > 14) {
    return undefined;
  }
  const bytes = new Uint8Array(16);
  bytes.set(front);
  bytes.set(back, 16 - back.length);
  return bytes;
}

/** `a:b:c`; the last group may be a dotted quad where the address ends. */
function groupBytes(text: string, atEnd: boolean): number[] | undefined {
  const bytes: number[] = [];
  const groups = text.split(":");
  for (let index = 0; index < groups.length; index++) {
    const group = groups[index] as string;
    if (hexGroup.test(group)) {
      const number = Number.parseInt(group, 16);
      bytes.push(number >> 8, number & 0xff);
    } else {
      const quad = atEnd && index === groups.length - 1 ? ipv4Bytes(group) : undefined;
      if (quad === undefined) return undefined;
      bytes.push(...quad);
    }
  }
  return bytes;
}

/** Canonical text of 4 or 16 bytes. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) {
    groups.push(((bytes[at] as number) << 8) | (bytes[at + 1] as number));
  }
  const { start, length } = longestGap(groups);
  const words = groups.map((group) => group.toString(16));
  if (length < 2) return words.join(":");
  return `${words.slice(0, start).join(":")}::${words.slice(start + length).join(":")}`;
}

/** The first of the longest runs of zero groups. */
function longestGap(groups: readonly number[]): { start: number; length: number } {
  const longest = { start: 0, length: 0 };
  let run = 0;
  for (let index = 0; index < groups.length; index++) {
    run = groups[index] === 0 ? run + 1 : 0;
    if (run <= longest.length) continue;
    longest.length = run;
    longest.start = index - run + 1;
  }
  return longest;
}
