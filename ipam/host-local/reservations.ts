/**
 * All reservations of a network, as one call sees and changes them under the lock.
 * @module
 */

import { CniError, cniCode, explain, isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { warn } from "../../core/log.ts";
import { bootId } from "../../core/state/boot.ts";
import type { Owner } from "../../core/state/reservation-owner.ts";
import { isShared, isWithoutOwner, Ledger, noteLine } from "./ledger.ts";
import { type Reservation, type Store, unreadable } from "./store.ts";

/**
 * What is reserved. Who changes something declares it with `using` under the lock, calls {@link dropEarlierBoot}
 * first, and so leaves the ledger up to date. Who only looks needs neither.
 */
export class Reservations {
  readonly store: Store;
  /** True once nothing from an earlier boot is left to find, so that a new ledger may be written. */
  #settled = false;
  readonly #boot: string | undefined;
  readonly #ledger: Ledger;
  /** True when the ledger can be trusted to list all there is. */
  readonly #sealed: boolean;
  /** Every reservation by address, once the directory has been read. */
  #all: Map<string, Reservation> | undefined;
  #added: Reservation[] = [];
  #changed = false;

  /** The network's directory has to be there. */
  constructor(store: Store) {
    this.store = store;
    this.#boot = bootId();
    this.#ledger = Ledger.read(store);
    this.#sealed = this.#ledger.isSealed(host.stat(store.directory), this.#boot);
  }

  /** Every reservation there is, by address. Reads all files the first time. */
  all(): ReadonlyMap<string, Reservation> {
    this.#all ??= this.#scan();
    return this.#all;
  }

  #scan(): Map<string, Reservation> {
    const found = new Map<string, Reservation>();
    for (const ip of this.store.reservedIps()) {
      const reservation = this.store.reservation(ip);
      if (reservation !== undefined) found.set(ip, reservation);
    }
    return found;
  }

  /** Every address that is taken; reads the directory but no file. */
  takenIps(): ReadonlySet<string> {
    return new Set(this.#all?.keys() ?? this.store.reservedIps());
  }

  /**
   * Those of an owner: the files that name it with its interface; only when there are none, those that name its id
   * alone. Before the answer is "none", the directory is compared with the ledger: neither a clock too coarse to break
   * the seal, nor a file that could not be read when it was noted, may make an address stay for ever.
   */
  heldBy(owner: Required<Owner>): Reservation[] {
    const held = this.heldInAnyForm(owner);
    if (held.length === 0 && this.#all === undefined && this.#hasUnnoted()) {
      this.all();
      return this.heldBy(owner);
    }
    const exact = held.filter((each) => each.owner?.ifname !== undefined);
    return exact.length > 0 ? exact : held;
  }

  /** Those that name the owner's id, with its interface or without any. */
  heldInAnyForm({ containerId, ifname }: Required<Owner>): Reservation[] {
    return this.#possible({ containerId, ifname }).filter(({ owner }) => {
      if (owner?.containerId !== containerId) return false;
      return owner.ifname === undefined || owner.ifname === ifname;
    });
  }

  #possible(owner: Required<Owner>): Reservation[] {
    if (!this.#sealed || this.#all !== undefined) return [...this.all().values()];
    return this.#ledger.notedFor(owner).flatMap((ip) => this.#readNoted(ip) ?? []);
  }

  /** @throws {CniError} 5 when the file cannot be read: to say the attachment has nothing would lose the address */
  #readNoted(ip: string): Reservation | undefined {
    const reservation = this.store.reservation(ip);
    if (reservation?.stamp !== unreadable) return reservation;
    throw new CniError(cniCode.io, `read ${JSON.stringify(this.store.path(ip))}`, {
      details: reservation.problem ?? "",
    });
  }

  #hasUnnoted(): boolean {
    const noted = this.#ledger.lines();
    return this.store.reservedIps().some((ip) => {
      const line = noted.get(ip);
      return line === undefined || isWithoutOwner(line);
    });
  }

  /**
   * Those that were seen in an earlier boot: their containers are gone. None where several hosts may share the
   * directory, and none that this program has not seen in that boot, since another one may have made them after it.
   */
  fromEarlierBoot(): Reservation[] {
    const { boot } = this.#ledger;
    if (boot === undefined || this.#boot === undefined || boot === this.#boot) return [];
    if (isShared(this.store)) return [];
    const lines = this.#ledger.lines();
    return [...this.all().values()].filter((each) => lines.get(each.ip) === noteLine(each));
  }

  /** Reserves an address. @returns false when it is taken */
  add(ip: string, owner: Required<Owner>): boolean {
    const stamp = this.store.reserve(ip, owner);
    if (stamp === undefined) return false;
    const reservation = { ip, stamp, owner, mtime: 0 };
    this.#changed = true;
    this.#added.push(reservation);
    this.#all?.set(ip, reservation);
    return true;
  }

  /** Frees an address. */
  remove(ip: string): void {
    this.store.release(ip);
    this.#changed = true;
    this.#added = this.#added.filter((each) => each.ip !== ip);
    this.#all?.delete(ip);
  }

  /**
   * Frees what is left from an earlier boot, but for the addresses to keep. Every call that changes something does it,
   * since the ledger it leaves behind speaks of this boot. What cannot be removed is said and stays taken.
   */
  dropEarlierBoot(except: readonly string[] = []): void {
    for (const { ip } of this.fromEarlierBoot()) {
      if (!except.includes(ip)) this.#drop(ip);
    }
    this.#settled = true;
  }

  #drop(ip: string): void {
    try {
      this.remove(ip);
    } catch (error) {
      warn(`cannot free what an earlier boot left: ${explain(error)}`);
    }
  }

  /** Brings the ledger up to date. Failing costs the next call some time and nothing else, so it is only said. */
  [Symbol.dispose](): void {
    try {
      if (this.#sealed) this.#append();
      else if (this.#settled) this.#rewrite();
    } catch (error) {
      if (!isErrno(error, "EROFS")) warn(`cannot write the ledger: ${explain(error)}`);
    }
  }

  #append(): void {
    if (this.#changed) Ledger.append(this.store, this.#added);
  }

  #rewrite(): void {
    this.store.removeLeftovers();
    Ledger.write(this.store, this.#boot, [...this.all().values()]);
  }
}
