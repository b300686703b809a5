/**
 * Frames for frames.py, as hexadecimal.
 * @module
 */

const hex = (bytes: Iterable<number>): string => Buffer.from([...bytes]).toString("hex");
const u16 = (number: number): string => number.toString(16).padStart(4, "0");

/** `10.71.0.3` as hexadecimal. */
export function ip4(text: string): string {
  return hex(text.split(".").map(Number));
}

/** `fd71::3` as hexadecimal. */
export function ip6(text: string): string {
  const [head = "", tail] = text.split("::");
  const groups = (part: string) =>
    part
      .split(":")
      .filter(Boolean)
      .map((group) => group.padStart(4, "0"));
  const [first, last] = [groups(head), groups(tail ?? "")];
  return [...first, ...Array(8 - first.length - last.length).fill("0000"), ...last].join("");
}

/** `02:00:00:00:00:01` as hexadecimal. */
export function mac(text: string): string {
  return text.replaceAll(":", "");
}

/** An Ethernet frame; addresses as hexadecimal. */
export function frame(to: string, from: string, type: number, payload: string): string {
  return to + from + u16(type) + payload;
}

/** An IPv4 packet with UDP from and to those ports. */
export function udp4(src: string, dst: string, sport = 9, dport = 9): string {
  const length = 28;
  const header = (checksum: string) =>
    `4500${u16(length)}000100004011${checksum}${ip4(src)}${ip4(dst)}`;
  return `${header(checksumOf(header("0000")))}${u16(sport)}${u16(dport)}00080000`;
}

function checksumOf(header: string): string {
  const sum = header.match(/.{4}/g)!.reduce((total, word) => total + Number.parseInt(word, 16), 0);
  return u16(~((sum & 0xffff) + (sum >> 16)) & 0xffff);
}

/** An IPv6 packet. @param nextHeader 17 UDP, 58 ICMPv6 */
export function packet6(src: string, dst: string, nextHeader: number, payload: string): string {
  const length = payload.length / 2;
  return `60000000${u16(length)}${nextHeader.toString(16).padStart(2, "0")}ff${ip6(src)}${ip6(dst)}${payload}`;
}

/** An ARP request with those sender addresses. */
export function arp(
  senderMac: string,
  senderIp: string,
  targetMac: string,
  targetIp: string,
): string {
  return `00010800060400 02${senderMac}${ip4(senderIp)}${targetMac}${ip4(targetIp)}`.replace(
    " ",
    "",
  );
}
