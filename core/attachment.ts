/**
 * The identity of an attachment, and its short form for names that the kernel keeps.
 * @see SPEC.md "Container Network Interface (CNI) Specification", parameters
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";

/** What every piece of host-side state is found by: one interface of one container on one network. */
export interface Attachment {
  /** The network's name: `name` of the configuration. */
  network: string;
  /** CNI_CONTAINERID. */
  containerId: string;
  /** CNI_IFNAME. */
  ifname: string;
}

/**
 * The owner mark of nft element comments and link aliases: `<network>/<containerId>:<ifname>`, at most 126 printable
 * characters without quotes or backslashes. Parts that do not fit are cut, and a hash of the whole part follows "~",
 * which names cannot contain: two attachments never share a mark.
 */
export function ownerText({ network, containerId, ifname }: Attachment): string {
  return `${ownerNetworkText(network)}/${fitting(containerId, 64, 48, 15)}:${ifnameText(ifname)}`;
}

/** The part of {@link ownerText} before the "/": at most 45 characters. */
export function ownerNetworkText(network: string): string {
  return fitting(network, 45, 28, 16);
}

/** Interface names may hold any byte but "/", ":" and blanks; those that cannot stand in a quoted comment are hashed. */
function ifnameText(ifname: string): string {
  return /^[!#-[\]-~]{1,15}$/.test(ifname) ? ifname : fitting(ifname, 0, 0, 14);
}

function fitting(text: string, limit: number, kept: number, hashDigits: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, kept)}~${sha256Hex(text).slice(0, hashDigits)}`;
}

/** The SHA-256 of the text's UTF-8 bytes, as 64 hexadecimal digits. */
export function sha256Hex(text: string): string {
  const digest = sha256(new TextEncoder().encode(text));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
