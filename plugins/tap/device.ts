/**
 * Making a tap.
 * @see Documentation/networking/tuntap.rst, include/uapi/linux/if_tun.h
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { setLink } from "netlink-ts/route/link.ts";
import * as z from "zod/mini";

import { CniError, cniCode, during, isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";

const path = "/dev/net/tun";
const O_RDWR = 2;
const IFNAMSIZ = 16;
/** struct ifreq, whose flags follow the name. */
const IFREQ_BYTES = 40;

const TUNSETIFF = 0x4004_54ca;
const TUNSETPERSIST = 0x4004_54cb;
const TUNSETOWNER = 0x4004_54cc;
const TUNSETGROUP = 0x4004_54ce;

const IFF_TAP = 0x0002;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** Refuse a name that is taken; else one's persistent tap would be taken over. */
const IFF_TUN_EXCL = 0x8000;

/** A tap as it shall be, as JSON can say it. */
export const wantedTap = z.object({
  ifname: z.string(),
  ifalias: z.string(),
  /** 6 bytes. */
  address: z.array(z.number()),
  multiQueue: z.boolean(),
  /** Who may attach to it; absent: anybody that may administer the network. */
  owner: z.optional(z.number()),
  group: z.optional(z.number()),
  /** Bytes; absent: the driver's default. */
  mtu: z.optional(z.number()),
  /** Index of the bridge that it is a port of. */
  master: z.optional(z.number()),
});
export type WantedTap = z.output<typeof wantedTap>;

/** @throws {CniError} 50 when there is no driver to ask; else what open(2) says */
export function openDriver(): number {
  try {
    return host.open(path, O_RDWR);
  } catch (cause) {
    if (!isErrno(cause, "ENOENT", "ENODEV", "ENXIO", "ENOTDIR")) throw cause;
    throw new CniError(cniCode.notAvailable, "cannot make a tap: the kernel's tun is missing", {
      details: `"${path}" cannot be opened; load the module "tun" (modprobe tun)`,
      cause,
    });
  }
}

/**
 * Makes the tap in the namespace that the process is in. It lasts only when it has its mark: until then it ends with the
 * descriptor, and so with a process that is killed.
 * @throws {CniError} when the name is taken, or the kernel refuses anything that is wanted
 */
export function makeTap(wanted: WantedTap): void {
  const fd = openDriver();
  try {
    claimName(fd, wanted);
    const { owner, group } = wanted;
    if (owner !== undefined) {
      during(`set "owner" to ${owner}`, () => host.ioctl(fd, TUNSETOWNER, owner));
    }
    if (group !== undefined) {
      during(`set "group" to ${group}`, () => host.ioctl(fd, TUNSETGROUP, group));
    }
    during(`set up tap "${wanted.ifname}"`, () => setUp(wanted));
    during(`keep tap "${wanted.ifname}"`, () => host.ioctl(fd, TUNSETPERSIST, 1));
  } finally {
    host.close(fd);
  }
}

function claimName(fd: number, { ifname, multiQueue }: WantedTap): void {
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode(ifname).subarray(0, IFNAMSIZ - 1));
  const queues = multiQueue ? IFF_MULTI_QUEUE : 0;
  const flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL | queues;
  new Uint16Array(request.buffer, IFNAMSIZ, 1)[0] = flags;
  try {
    host.ioctl(fd, TUNSETIFF, request);
  } catch (cause) {
    const isTaken = isErrno(cause, "EBUSY", "EEXIST");
    const message = isTaken ? `"${ifname}" already exists` : `failed to create tap "${ifname}"`;
    throw new CniError(cniCode.internal, message, { cause });
  }
}

function setUp({ ifname, ifalias, address, mtu, master }: WantedTap): void {
  using route = RouteSocket.open();
  const settings = { ifname, ifalias, address: Uint8Array.from(address), mtu, master };
  route.batch(call(setLink, settings));
}
