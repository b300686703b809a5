/**
 * Moving a device between host and container.
 *
 * Namespace, name and alias change in one message, under one lock of the kernel: it works on them in that order, and takes the
 * name into account already where the name that the device has is taken in the other namespace. So no third namespace is needed
 * to avoid clashes, in which a device would be lost to a kill: the kernel destroys virtual links with their namespace.
 * @see do_setlink() in net/core/rtnetlink.c, __dev_change_net_namespace() in net/core/dev.c
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { IFF_UP, type LinkInput, renameLink } from "netlink-ts/route/link.ts";

import { CniError, cniCode, during, explain, isErrno } from "../../core/errors.ts";
import { host as system } from "../../core/host.ts";
import type { Scene } from "../../core/link/scene.ts";
import { warn } from "../../core/log.ts";
import { parseMac } from "../../core/net/address.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";
import { allDevices, type DeviceLink, lookUpDevice } from "./device-link.ts";
import { type Device, deviceOf, isDevice } from "./record.ts";

/** Gives the container the device, as `ifname`; its alias says what it is called on the host. */
export function moveIn({ host, netns }: Scene, link: DeviceLink, ifname: string): void {
  const { ifindex, ifname: name = "" } = link;
  during(`failed to move link "${name}" to "${netns.path}" as "${ifname}"`, () =>
    change(host, { ifindex, netNsFd: netns.fd, ifname, ifalias: name }),
  );
}

/** The device in a container: under the name that ADD gave it, or another one. */
export function findInside(
  container: RouteSocket,
  ifname: string,
  device: Device,
): DeviceLink | undefined {
  const usual = lookUpDevice(container, { ifname });
  if (usual !== undefined && isDevice(usual, device)) return usual;
  return allDevices(container).find((link) => isDevice(link, device));
}

/** The device on the host, if it still has the alias that ADD gave it: the kernel has brought it back. */
export function findReturned(host: RouteSocket, device: Device): DeviceLink | undefined {
  const marked = host.links().filter(({ ifalias }) => ifalias === device.name);
  return marked
    .flatMap(({ ifindex }) => lookUpDevice(host, { ifindex }) ?? [])
    .find((link) => isDevice(link, device));
}

/**
 * Brings the device back to the host, down, with the name, alias, MAC address and MTU that it had there. Before the host has it, it has
 * its name again if that can be, so that udev sees no other.
 * @throws {CniError} when the host has a link of that name: then nothing is changed
 */
export function moveHome(
  host: RouteSocket,
  container: RouteSocket,
  link: DeviceLink,
  device: Device,
): void {
  const { ifindex, ifname = "" } = link;
  requireFree(host, ifname, device.name);
  container.setLink({ ifindex, flags: 0, change: IFF_UP });
  renameIfFree(container, ifindex, device.name);
  try {
    const netNsPid = system.getpid();
    change(container, { ifindex, netNsPid, ...namesOf(device) });
  } catch (cause) {
    putBack(container, link);
    throw isErrno(cause, "EEXIST") ? nameTaken(ifname, device.name, cause) : cause;
  }
  restoreSettings(host, device);
}

/** Gives a device that the kernel has brought back its name, its alias, its MAC address and its MTU. */
export function settleAtHome(host: RouteSocket, link: DeviceLink, device: Device): void {
  const { ifindex, ifname = "" } = link;
  if (ifname !== device.name) requireFree(host, ifname, device.name);
  during(`rename "${ifname}" to "${device.name}"`, () =>
    change(host, { ifindex, ...namesOf(device) }),
  );
  restoreSettings(host, device);
}

function namesOf({ name, alias = "" }: Device): LinkInput {
  return { ifname: name, ifalias: alias };
}

function change(route: RouteSocket, input: LinkInput): void {
  route.batch(call(renameLink, input));
}

function requireFree(host: RouteSocket, ifname: string, name: string): void {
  if (host.ifindexOf(name) !== undefined) throw nameTaken(ifname, name);
}

function nameTaken(ifname: string, name: string, cause?: unknown): CniError {
  const message = `failed to give "${ifname}" back as "${name}": the host has a link of that name`;
  const details = `"${ifname}" stays where it is; delete or rename the other "${name}", and it can be given back`;
  return new CniError(cniCode.internal, message, { details, cause });
}

function renameIfFree(container: RouteSocket, ifindex: number, ifname: string): void {
  try {
    change(container, { ifindex, ifname });
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error; // the container has a link of its own by that name
  }
}

/** Somebody took the name on the host in the moment between. */
function putBack(container: RouteSocket, { ifindex, ifname, flags }: DeviceLink): void {
  try {
    change(container, { ifindex, ifname });
    container.setLink({ ifindex, flags: flags & IFF_UP, change: IFF_UP });
  } catch (error) {
    warn(`"${ifname}" could not be put back: ${explain(error)}`);
  }
}

/**
 * What a plugin behind this one, or the container, has changed. What the driver refuses is said and left. An index would not do:
 * the device has another one when its own was taken.
 */
function restoreSettings(host: RouteSocket, { name: ifname, mac, mtu }: Device): void {
  const link = lookUpDevice(host, { ifname });
  if (link === undefined) return;
  const { ifindex } = link;
  const found = deviceOf(link);
  if (found.mac !== mac) tryToSet(host, { ifindex, address: parseMac(mac) }, "MAC address", mac);
  if (found.mtu !== mtu) tryToSet(host, { ifindex, mtu }, "MTU", mtu);
}

function tryToSet(host: RouteSocket, input: LinkInput, what: string, value: unknown): void {
  try {
    host.setLink(input);
  } catch (error) {
    warn(`the ${what} cannot be set back to ${value}: ${explain(error)}`);
  }
}
