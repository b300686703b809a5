/**
 * Lease files: what a daemon that is started anew has to know.
 *
 * A file is written before the address is used and ends with the lease, or with the boot. They lie beside the records of
 * attachments, in a folder that cannot be a network's, since no network's name begins with a dot.
 * @module
 */

import "../core/cni/zod-settings.ts";
import * as z from "zod/mini";
import { sha256Hex } from "../core/attachment.ts";
import { explain, isErrno } from "../core/errors.ts";
import { host } from "../core/host.ts";
import { bootId } from "../core/state/boot.ts";
import {
  ensureDirectory,
  isTemporaryName,
  readFileIfPresent,
  unlinkIfPresent,
  writeFileAtomically,
} from "../core/state/file.ts";
import { type LeaseRequest, leaseKey, leaseRequest } from "./lease-request.ts";

const folder = "/run/netloom/.dhcp";
const LARGEST_FILE = 1 << 20;
/** A name of 200 bytes leaves room for what is put before it while the file is written. */
const LONGEST_NAME = 200;

const route = z.object({
  dst: z.string(),
  gw: z.optional(z.string()),
  scope: z.optional(z.number()),
});
const texts = z.optional(z.array(z.string()));
const moment = z.nullable(z.number());
const dns = z.optional(
  z.object({
    nameservers: texts,
    domain: z.optional(z.string()),
    search: texts,
    options: texts,
  }),
);
const times = {
  acquiredAtMs: z.number(),
  renewAtMs: moment,
  rebindAtMs: moment,
  expiresAtMs: moment,
};

/** A lease as the state machine has it. */
const lease = z.object({
  address: z.string(),
  serverId: z.string(),
  gateway: z.optional(z.string()),
  routes: z.array(route),
  dns,
  mtu: z.optional(z.number()),
  ...times,
});

/** A DHCPv6 lease as its state machine has it. */
const lease6 = z.object({
  addresses: z.array(
    z.object({ address: z.string(), preferredUntilMs: moment, validUntilMs: moment }),
  ),
  serverId: z.string(),
  dns,
  ...times,
});

/** What the pod made of router advertisements. */
const slaac = z.object({
  /** With their prefix lengths. */
  addresses: z.array(z.string()),
  /** The router, when it is one to send to. */
  gateway: z.optional(z.string()),
  dns,
});

const leaseFile = z.object({
  /** Times are of this boot. */
  bootId: z.string(),
  request: leaseRequest,
  namespace: z.object({ path: z.string(), file: z.string(), cookie: z.string() }),
  ipv4: z.object({
    /** The pod's, 6 bytes. */
    mac: z.array(z.number()),
    lease,
    /** Where the server's last answer came from: its own MAC address, or that of a relay. */
    serverMac: z.optional(z.array(z.number())),
    /** For people. */
    expires: z.optional(z.string()),
  }),
  ipv6: z.optional(z.object({ lease: lease6 })),
  slaac: z.optional(slaac),
});
/** What a file holds. */
export type LeaseFile = Omit<z.output<typeof leaseFile>, "bootId">;

/** The files of one daemon. */
export class LeaseStore {
  readonly #folder: string;
  readonly #bootId = bootId() ?? "";

  /** @param prefix put before the folder */
  constructor(prefix: string) {
    this.#folder = prefix + folder;
  }

  /** Writes the file of a lease, in the place of one that is there. @throws HostError ENOSPC, EROFS… */
  write(file: LeaseFile): void {
    ensureDirectory(this.#folder, 0o700);
    const text = JSON.stringify({ bootId: this.#bootId, ...file });
    writeFileAtomically(this.#pathOf(file.request), new TextEncoder().encode(text));
  }

  /** Removes the file; that there is none is fine. */
  remove(request: LeaseRequest): void {
    unlinkIfPresent(this.#pathOf(request));
  }

  /** All leases of this boot. What cannot be used is told to `skipped` and stays; what another boot left is removed. */
  read(skipped: (path: string, why: string) => void): LeaseFile[] {
    return this.#names().flatMap((name) => {
      const path = `${this.#folder}/${name}`;
      try {
        return this.#readOne(path, name);
      } catch (error) {
        skipped(path, explain(error));
        return [];
      }
    });
  }

  #names(): string[] {
    try {
      return host.readdir(this.#folder).sort();
    } catch (error) {
      if (isErrno(error, "ENOENT")) return [];
      throw error;
    }
  }

  #readOne(path: string, name: string): LeaseFile[] {
    if (isTemporaryName(name)) {
      unlinkIfPresent(path); // of a daemon that was killed while it wrote
      return [];
    }
    const bytes = readFileIfPresent(path, LARGEST_FILE);
    if (bytes === undefined) return [];
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const parsed = z.safeParse(leaseFile, JSON.parse(text));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new Error(`it is no lease: bad value at "${issue?.path.join(".")}"`);
    }
    const { bootId: boot, ...file } = parsed.data;
    if (this.#pathOf(file.request) !== path) throw new Error("it belongs to another attachment");
    if (boot === this.#bootId) return [file];
    unlinkIfPresent(path);
    return [];
  }

  #pathOf(request: LeaseRequest): string {
    const { network, containerId, ifname } = request;
    const name = `${network}:${containerId}:${ifname}`;
    const isShort = new TextEncoder().encode(name).length <= LONGEST_NAME;
    const stem = isShort ? name : `${name.slice(0, 100)}~${sha256Hex(leaseKey(request))}`;
    return `${this.#folder}/${stem}.json`;
  }
}
