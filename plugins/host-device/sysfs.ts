/**
 * Devices as sysfs shows them.
 * @see Documentation/ABI/testing/sysfs-bus-pci, Documentation/driver-api/auxiliary_bus.rst
 * @module
 */

import { statIfReachable } from "../../core/cni/file-stat.ts";
import { CniError, cniCode, isErrno } from "../../core/errors.ts";
import { host } from "../../core/host.ts";

const pciDevices = "/sys/bus/pci/devices";
const auxiliaryDevices = "/sys/bus/auxiliary/devices";

/** Drivers that hand a device to a program: it has no link then. */
const userSpaceDrivers = ["vfio-pci", "uio_pci_generic", "igb_uio"];

/** Which bus has a device of that id; undefined when none has. */
export function busOf(id: string): "pci" | "auxiliary" | undefined {
  if (isThere(`${pciDevices}/${id}`)) return "pci";
  return isThere(`${auxiliaryDevices}/${id}`) ? "auxiliary" : undefined;
}

function isThere(path: string): boolean {
  return statIfReachable(path) !== undefined;
}

/**
 * Whether a device of the PCI bus belongs to a program, by DPDK for instance.
 * @throws {CniError} when it has no driver at all
 */
export function isInUserSpace(id: string): boolean {
  let driver: string;
  try {
    driver = host.readlink(`${pciDevices}/${id}/driver`);
  } catch (cause) {
    if (!isErrno(cause, "ENOENT", "ENOTDIR")) throw cause;
    const message = `error with host device: PCI device "${id}" has no driver`;
    throw new CniError(cniCode.internal, message, { cause });
  }
  return userSpaceDrivers.includes(driver.slice(driver.lastIndexOf("/") + 1));
}

/** Name of the link of a device that `kernelpath` leads to. @throws {CniError} */
export function linkOfPath(path: string): string {
  return firstLink(`${path}/net`);
}

/** Name of the link of a device of the auxiliary bus. @throws {CniError} */
export function linkOfAuxiliary(id: string): string {
  return firstLink(`${auxiliaryDevices}/${id}/net`);
}

/** Name of the link of a device of the PCI bus, or of the virtio device on it. @throws {CniError} */
export function linkOfPci(id: string): string {
  const path = `${pciDevices}/${id}`;
  const folders = [path, ...virtioDevices(path)].map((device) => `${device}/net`);
  const folder = folders.find(isThere);
  if (folder !== undefined) return firstLink(folder);
  throw notFound(`no net directory under pci device ${id}`);
}

function virtioDevices(path: string): string[] {
  try {
    const names = host.readdir(path).filter((name) => name.startsWith("virtio"));
    return names.sort().map((name) => `${path}/${name}`);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

function firstLink(folder: string): string {
  let names: string[];
  try {
    names = host.readdir(folder);
  } catch (cause) {
    throw notFound(`failed to read directory ${folder}`, cause);
  }
  const [first] = names.sort();
  if (first !== undefined) return first;
  throw notFound(`failed to find network device in path ${folder}`);
}

function notFound(message: string, cause?: unknown): CniError {
  return new CniError(cniCode.internal, message, cause === undefined ? {} : { cause });
}
