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
 *     netloom 1 <boot id> <bytes of the lines below when it was written>
 *     + <ip> <stamp> <container id> <ifname>
 *     = <stamp of the directory>
 * @module
 */

import { explain, isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { warn } from "../../core/log.ts";
import { readFileIfPresent, writeAll, writeFileAtomically } from "../../core/state/file.ts";
import { O_APPEND, O_NOFOLLOW, O_WRONLY } from "../../core/state/open-flags.ts";
import type { Owner } from "./owner.ts";
import { type Reservation, type Store, stampOf } from "./store.ts";

const fileName = ".netloom-ledger";
const largest = 64 << 20;
/** How much may be appended before it is written anew. */
const slack = 16 << 10;
/** Stands for a missing owner or boot id; no container id begins with it. */
const nothing = "?";

/** The ledger as it was read. */
export class Ledger {
  /** The boot it was written in; undefined when it is missing, broken or does not know. */
  readonly boot: string | undefined;
  readonly #text: string;
  /** Where the lines behind the header begin. */
  readonly #start: number;
  readonly #length: number;

  constructor(text: string) {
    const header = /^netloom 1 (\S+) (\d+)\n/.exec(text);
    this.boot = header?.[1] === nothing ? undefined : header?.[1];
    this.#text = header === null ? "" : text;
    this.#start = header?.[0].length ?? 0;
    this.#length = Number(header?.[2] ?? 0);
  }

  /** Reads the network's ledger; a missing one is empty, a broken one too, after a word on stderr. */
  static read(store: Store): Ledger {
    try {
      const bytes = readFileIfPresent(store.path(fileName), largest);
      const ledger = new Ledger(bytes === undefined ? "" : new TextDecoder().decode(bytes));
      if (bytes !== undefined && ledger.#start === 0) throw new Error("it is no ledger");
      return ledger;
    } catch (error) {
      warn(`steps over ${JSON.stringify(store.path(fileName))}: ${explain(error)}`);
      return new Ledger("");
    }
  }

  /** True when the directory is as it was at the end of the last call of ours in this boot. */
  isSealed(directory: HostStat, boot: string | undefined): boolean {
    // a clock of whole seconds cannot tell that another program was here in the same one
    if (this.boot !== boot || Number.isInteger(directory.mtime)) return false;
    if (this.#text.length - this.#start > 2 * this.#length + slack) return false;
    return this.#text.endsWith(sealLine(directory));
  }

  /** Addresses that were at some time noted for this owner; what their files say now is to be looked up. */
  notedFor(owner: Owner): string[] {
    const end = ` ${owner.containerId} ${owner.ifname ?? nothing}\n`;
    const found = new Set<string>();
    for (let at = this.#find(end, this.#start); at >= 0; at = this.#find(end, at + 1)) {
      const [, ip] = this.#text.slice(this.#text.lastIndexOf("\n", at) + 1, at).split(" ");
      if (ip !== undefined) found.add(ip);
    }
    return [...found];
  }

  #find(text: string, from: number): number {
    return this.#text.indexOf(text, from);
  }

  /** Every reservation that is noted, as its line; a later line of an address replaces an earlier one. */
  lines(): Map<string, string> {
    const lines = new Map<string, string>();
    for (const line of this.#text.slice(this.#start).split("\n")) {
      if (line.startsWith("+ ")) lines.set(line.slice(2, line.indexOf(" ", 2)), line);
    }
    return lines;
  }

  /** Writes a new ledger of these reservations and seals it. */
  static write(store: Store, boot: string | undefined, reservations: readonly Reservation[]): void {
    const lines = reservations.map((each) => `${noteLine(each)}\n`).join("");
    const text = `netloom 1 ${boot ?? nothing} ${lines.length}\n${lines}`;
    writeFileAtomically(store.path(fileName), new TextEncoder().encode(text));
    Ledger.append(store, []);
  }

  /** Notes new reservations and seals the directory as it is now. */
  static append(store: Store, reservations: readonly Reservation[]): void {
    const lines = reservations.map((each) => `${noteLine(each)}\n`).join("");
    const fd = host.open(store.path(fileName), O_WRONLY | O_APPEND | O_NOFOLLOW);
    try {
      const text = `${lines}${sealLine(host.stat(store.directory))}`;
      writeAll(fd, new TextEncoder().encode(text));
    } finally {
      host.close(fd);
    }
  }
}

/** The line that notes a reservation. */
export function noteLine({ ip, stamp, owner }: Reservation): string {
  return `+ ${ip} ${stamp} ${owner?.containerId ?? nothing} ${owner?.ifname ?? nothing}`;
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
