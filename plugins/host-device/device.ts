/**
 * Which device is meant, and which link of the host that is.
 * @module
 */

import { CniError, cniCode, during } from "../../core/errors.ts";
import { formatMac } from "../../core/net/address.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";
import { type HostDeviceConfig, requireSelection } from "./config.ts";
import { type DeviceLink, lookUpDevice } from "./device-link.ts";
import { movedDevices } from "./record.ts";
import { busOf, isInUserSpace, linkOfAuxiliary, linkOfPath, linkOfPci } from "./sysfs.ts";

/** The device that is meant. */
export interface Selection {
  readonly config: HostDeviceConfig;
  /** Its id on the PCI bus, if that is known. */
  readonly pci: string | undefined;
  /** Its id on the auxiliary bus; then it has none on the PCI bus. */
  readonly auxiliary: string | undefined;
  /** It belongs to a program, and has no link. */
  readonly inUserSpace: boolean;
}

/** @throws {CniError} 7 when nothing is said, or a device that does not exist; 999 for a PCI device without a driver */
export function selectDevice(config: HostDeviceConfig): Selection {
  requireSelection(config);
  const { pci, auxiliary } = idsOf(config);
  return { config, pci, auxiliary, inUserSpace: pci !== undefined && isInUserSpace(pci) };
}

function idsOf({
  pciBusID,
  runtimeConfig,
}: HostDeviceConfig): Pick<Selection, "pci" | "auxiliary"> {
  const id = runtimeConfig?.deviceID;
  if (id === undefined) return { pci: pciBusID, auxiliary: undefined };
  const bus = busOf(id);
  if (bus === "pci") return { pci: id, auxiliary: undefined };
  if (bus === "auxiliary") return { pci: undefined, auxiliary: id };
  const message = `runtime config DeviceID ${id} not found or unsupported`;
  throw new CniError(cniCode.badConfig, message);
}

/** The link of the device on the host. @throws {CniError} when there is none */
export function findDevice(route: RouteSocket, selection: Selection): DeviceLink {
  return during("failed to find host device", () => {
    const ifname = linkNameOf(route, selection);
    const link = ifname === undefined ? undefined : lookUpDevice(route, { ifname });
    if (link !== undefined) return link;
    throw new CniError(cniCode.internal, "failed to find physical interface", {
      details: [`the host has no link ${describe(selection)}`, ...holders(selection)].join("; "),
    });
  });
}

function linkNameOf(route: RouteSocket, { config, pci, auxiliary }: Selection) {
  const { device, hwaddr, kernelpath } = config;
  if (device !== undefined) return device;
  if (hwaddr !== undefined) return linkOfMac(route, hwaddr);
  if (kernelpath !== undefined) return linkOfPath(kernelpath);
  if (pci !== undefined) return linkOfPci(pci);
  return auxiliary === undefined ? undefined : linkOfAuxiliary(auxiliary);
}

function linkOfMac(route: RouteSocket, mac: Uint8Array): string | undefined {
  const text = formatMac(mac);
  return route.links().find(({ address }) => address && formatMac(address) === text)?.ifname;
}

function describe({ config: { device, hwaddr, kernelpath }, pci, auxiliary }: Selection): string {
  if (device !== undefined) return `"${device}"`;
  if (hwaddr !== undefined) return `with MAC address ${formatMac(hwaddr)}`;
  return `of "${kernelpath ?? pci ?? auxiliary}"`;
}

/** Who has the device, of those that this program has given it to, as texts. */
export function holders({ config: { device, hwaddr }, pci }: Selection): string[] {
  const mac = hwaddr && formatMac(hwaddr);
  const holding = movedDevices().filter(
    ({ device: { name, mac: own, permanent, parent } }) =>
      name === device ||
      (mac !== undefined && [own, permanent].includes(mac)) ||
      (pci !== undefined && parent === pci),
  );
  return holding.map(
    ({ attachment: { network, containerId }, device: { name } }) =>
      `container "${containerId}" of network "${network}" has "${name}"`,
  );
}

/** The id on the PCI bus that a result tells of. */
export function pciIdOf(
  { pci }: Selection,
  { parentDevName, parentDevBusName }: Partial<DeviceLink> = {},
): string | undefined {
  return pci ?? (parentDevBusName === "pci" ? parentDevName : undefined);
}
