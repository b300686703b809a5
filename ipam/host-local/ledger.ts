/**
 * The ledger: one file beside the reservations that says which of them have been seen, and in which boot.
 *
 * It answers two questions. *Is a reservation left from an earlier boot?* It is if the ledger, written in an earlier
 * boot, lists this very file (inode, time and owner). Clocks do not count. What the ledger does not list, another
 * program made, nobody knows when, so it stays. *What does an attachment hold?* Its lines are found without reading
 * every file, as long as the seal is whole: the ledger's last line repeats the directory's inode and time, and any
 * program that adds or removes a file there breaks it. Then all files are read, once, and the ledger is written anew.
 *
 * Upstream's host-local reads each file in the directory and compares its content with `<id>\r\n<ifname>`: a ledger
 * never looks like that, so it is neither found nor removed.
 *
 *     netloom 2 <boot id> <length of the lines below when it was written> <check of both>
 *     <mark> <ip> <stamp> <container id> <ifname>
 *     = <stamp of the directory>
 *
 * The check is there because a boot id with one wrong digit would be that of an earlier boot, and free all that live.
 *
 * The mark, one of 64 letters from U+00C0 on, is chosen by the container id. Its second byte occurs nowhere else in
 * most ledgers, and the engine finds a byte fifty times faster than a text: so thousands of lines cost microseconds.
 * @module
 */

import { explain, isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { warn } from "../../core/log.ts";
import { readFileIfPresent, writeAll, writeFileAtomically } from "../../core/state/file.ts";
import { O_APPEND, O_NOFOLLOW, O_WRONLY } from "../../core/state/open-flags.ts";
import type { Owner } from "../../core/state/reservation-owner.ts";
import { type Reservation, type Store, stampOf, unreadable } from "./store.ts";

const fileName = ".netloom-ledger";
const largest = 64 << 20;
/** How much may be appended before it is written anew. */
const slack = 16 << 10;
const firstMark = 0xc0;
const lineFeed = 10;
const headerForm = /^netloom 2 (\S+) (\d+) ([0-9a-f]{8})\n/;
const decoder = new TextDecoder();
const encoder = new TextEncoder();
/** Stands for a missing owner or boot id; no container id begins with it. */
const nothing = "?";

/** The ledger as it was read. */
export class Ledger {
  /** The boot it was written in; undefined when it is missing, broken or does not know. */
  readonly boot: string | undefined;
  readonly #bytes: Uint8Array;
  /** Where the lines behind the header begin; 0 when there is no ledger. */
  readonly #start: number;
  readonly #length: number;

  constructor(bytes: Uint8Array) {
    const found = headerForm.exec(decoder.decode(bytes.subarray(0, 128)));
    const [header = "", boot = nothing, length = "0", check] = found ?? [];
    const isWhole = check === checkOf(boot, length);
    this.boot = isWhole && boot !== nothing ? boot : undefined;
    this.#bytes = bytes;
    this.#start = isWhole ? header.length : 0;
    this.#length = Number(length);
  }

  /** Reads the network's ledger; a missing one is empty, a broken one too, after a word on stderr. */
  static read(store: Store): Ledger {
    try {
      const bytes = readFileIfPresent(store.path(fileName), largest);
      const ledger = new Ledger(bytes ?? new Uint8Array());
      if (bytes !== undefined && ledger.#start === 0) throw new Error("it is no ledger");
      return ledger;
    } catch (error) {
      warn(`steps over ${JSON.stringify(store.path(fileName))}: ${explain(error)}`);
      return new Ledger(new Uint8Array());
    }
  }

  /** True when the directory is as it was at the end of the last call of ours in this boot. */
  isSealed(directory: HostStat, boot: string | undefined): boolean {
    // a clock of whole seconds cannot tell that another program was here in the same one
    if (this.#start === 0 || this.boot !== boot || Number.isInteger(directory.mtime)) return false;
    if (this.#bytes.length - this.#start > 2 * this.#length + slack) return false;
    const seal = `\n${sealLine(directory)}`;
    return decoder.decode(this.#bytes.subarray(-seal.length)) === seal;
  }

  /**
   * Addresses that were at some time noted for a container, with this interface or without any; what their files say
   * now is to be looked up.
   */
  notedFor({ containerId, ifname }: Required<Owner>): string[] {
    const found = new Set<string>();
    const mark = markOf(containerId).charCodeAt(0) - firstMark + 0x80;
    const bytes = this.#bytes;
    for (let at = bytes.indexOf(mark, this.#start); at >= 0; at = bytes.indexOf(mark, at + 1)) {
      const line = decoder.decode(bytes.subarray(at + 2, bytes.indexOf(lineFeed, at)));
      const [ip, , id, link] = line.split(" ");
      if (ip !== undefined && id === containerId && (link === ifname || link === nothing)) {
        found.add(ip);
      }
    }
    return [...found];
  }

  /** Every reservation that is noted, as its line; a later line of an address replaces an earlier one. */
  lines(): Map<string, string> {
    const lines = new Map<string, string>();
    for (const line of decoder.decode(this.#bytes.subarray(this.#start)).split("\n")) {
      if (line.charCodeAt(0) >= firstMark) lines.set(line.slice(2, line.indexOf(" ", 2)), line);
    }
    return lines;
  }

  /** Writes a new ledger of these reservations and seals it, unless there is one whose owner is to be found out yet. */
  static write(store: Store, boot: string | undefined, reservations: readonly Reservation[]): void {
    const lines = reservations.map((each) => `${noteLine(each)}\n`).join("");
    const [id, length] = [boot ?? nothing, String(lines.length)];
    const header = `netloom 2 ${id} ${length} ${checkOf(id, length)}\n`;
    writeFileAtomically(store.path(fileName), encoder.encode(header + lines));
    if (reservations.every(({ stamp }) => stamp !== unreadable)) Ledger.append(store, []);
  }

  /** Notes new reservations and seals the directory as it is now. */
  static append(store: Store, reservations: readonly Reservation[]): void {
    const lines = reservations.map((each) => `${noteLine(each)}\n`).join("");
    const fd = host.open(store.path(fileName), O_WRONLY | O_APPEND | O_NOFOLLOW);
    try {
      const text = `${lines}${sealLine(host.stat(store.directory))}`;
      writeAll(fd, encoder.encode(text));
    } finally {
      host.close(fd);
    }
  }
}

/** FNV-1a of what a header says, as 8 hexadecimal digits. */
function checkOf(boot: string, length: string): string {
  const text = `${boot} ${length}`;
  let value = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  }
  return (value >>> 0).toString(16).padStart(8, "0");
}

/** The line that notes a reservation. */
export function noteLine({ ip, stamp, owner }: Reservation): string {
  const id = owner?.containerId ?? nothing;
  return `${markOf(id)} ${ip} ${stamp} ${id} ${owner?.ifname ?? nothing}`;
}

/** True for the line of a reservation whose file named nobody, or could not be read. */
export function isWithoutOwner(line: string): boolean {
  return line.endsWith(` ${nothing} ${nothing}`);
}

/** One of 64 letters for a container id: the last characters vary most. */
function markOf(containerId: string): string {
  let sum = 0;
  for (let back = 1; back <= 8; back++) {
    sum = (sum * 31 + (containerId.charCodeAt(containerId.length - back) || 0)) | 0;
  }
  return String.fromCharCode(firstMark + (sum & 63));
}

function sealLine(directory: HostStat): string {
  return `= ${stampOf(directory)}\n`;
}

/** File systems that several hosts may share: a boot of this host says nothing about what lies there. */
const sharedFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x00c36400, "Ceph"],
  [0x01021997, "9p"],
  [0x65735546, "FUSE"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
  [0x0bd00bd0, "Lustre"],
  [0x5346414f, "AFS"],
  [0x47504653, "GPFS"],
]);

/** True when the reservations may be another host's. */
export function isShared(store: Store): boolean {
  try {
    return sharedFileSystems.has(host.statfs(store.directory).type >>> 0);
  } catch (error) {
    if (isErrno(error, "ENOSYS", "ENOENT")) return true; // nothing is known, so nothing is freed
    throw error;
  }
}
