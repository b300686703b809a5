/**
 * The configuration of host-device.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { dnsField, interfaceNameField, parsedText, unsetIfEmpty } from "../../core/cni/fields.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { routeKeys } from "../../core/link/routes.ts";
import { parseMac } from "../../core/net/address.ts";

/** The name of one folder of sysfs: what leads elsewhere is no device's. */
const deviceIdField = parsedText((id) => {
  if (/^\.{0,2}$|[/\0]/.test(id)) throw new Error(`want a device's id, got ${JSON.stringify(id)}`);
  return id;
});

const macField = parsedText((text) => {
  try {
    return parseMac(text);
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`failed to parse MAC address ${JSON.stringify(text)}: ${message}`);
  }
});

const kernelPathField = parsedText((path) => {
  const isInside = path.startsWith("/sys/devices/") && !/(^|\/)\.\.(\/|$)|\0/.test(path);
  if (isInside) return path.replace(/\/+$/, "");
  const text = `kernel device path ${JSON.stringify(path)} must be absolute and begin with /sys/devices/`;
  throw new Error(text);
});

/** Keys of host-device. */
export const hostDeviceConfig = z.extend(networkConfig, {
  device: unsetIfEmpty(interfaceNameField),
  hwaddr: unsetIfEmpty(macField),
  kernelpath: unsetIfEmpty(kernelPathField),
  pciBusID: unsetIfEmpty(deviceIdField),
  ...routeKeys,
  dns: z.optional(dnsField),
  runtimeConfig: z.optional(z.object({ deviceID: unsetIfEmpty(deviceIdField) })),
});
export type HostDeviceConfig = z.output<typeof hostDeviceConfig>;

/** The keys that say which device is meant, the strongest first. */
const selectors = ["device", "hwaddr", "kernelpath", "pciBusID"] as const;

/** Whether the configuration says by itself which device is meant. */
export function namesDevice(config: Partial<HostDeviceConfig>): boolean {
  return selectors.some((key) => config[key] !== undefined);
}

/** @throws {CniError} 7 when neither the configuration nor the runtime says which device is meant */
export function requireSelection(config: HostDeviceConfig): void {
  if (namesDevice(config) || config.runtimeConfig?.deviceID !== undefined) return;
  const [last, ...others] = selectors.toReversed().map((key) => `"${key}"`);
  const message = `specify either ${others.toReversed().join(", ")} or ${last}`;
  throw new CniError(cniCode.badConfig, message, {
    details: 'or let the runtime say it: "runtimeConfig.deviceID"',
  });
}
