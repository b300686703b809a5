/**
 * What ADD of host-device keeps of a device, so that DEL knows it again wherever it is then, and gives it back as it was.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { linkRecordFields } from "../../core/link/record.ts";
import { formatMac } from "../../core/net/address.ts";
import {
  readRecord,
  recordedAttachments,
  recordedNetworks,
  recordSchema,
} from "../../core/state/record.ts";
import type { DeviceLink } from "./device-link.ts";

/** Name of the record among those of an attachment. */
export const recordName = "host-device";

const text = z.optional(z.string());

const device = z.object({
  /** Its name on the host; its alias while it is in a container, as with the reference. */
  name: z.string(),
  /** The alias that it had on the host. */
  alias: text,
  mac: z.string(),
  mtu: z.optional(z.number()),
  /** Kind of a virtual link; absent: the kernel gives the device back when its namespace ends. */
  kind: text,
  /** The MAC address that was built in. */
  permanent: text,
  /** What it is on its bus: `0000:00:1f.6`. */
  parent: text,
});
export type Device = z.output<typeof device>;

const movedDevice = recordSchema({
  ...linkRecordFields,
  /** CNI_NETNS. */
  path: z.string(),
  /** As of `Netns.identity`. */
  netns: z.string(),
  device,
});
export type MovedDevice = z.output<typeof movedDevice>;

/** The record; undefined without one that can be used. */
export function readMoved(attachment: Attachment): MovedDevice | undefined {
  return readRecord(attachment, recordName, movedDevice);
}

/** A link of the host as a record tells of it. */
export function deviceOf(link: DeviceLink): Device {
  const { ifname = "", ifalias, mtu, address, permAddress, linkInfo, parentDevName } = link;
  return {
    name: ifname,
    alias: ifalias,
    mac: formatMac(address ?? new Uint8Array()),
    mtu,
    kind: linkInfo?.kind,
    permanent: permAddress && formatMac(permAddress),
    parent: parentDevName,
  };
}

/**
 * Whether that link is the device, whatever it is called now: by the MAC address that was built in, or where there is none, as
 * with virtual links, by the alias that ADD gave it or by its MAC address.
 */
export function isDevice(link: DeviceLink, { name, mac, ...known }: Device): boolean {
  const found = deviceOf(link);
  if (found.kind !== known.kind || found.parent !== known.parent) return false;
  if (known.permanent !== undefined) return found.permanent === known.permanent;
  return found.alias === name || (/[1-9a-f]/.test(mac) && found.mac === mac);
}

/** Every attachment that has a device now, of any network. */
export function movedDevices(): { attachment: Attachment; device: Device }[] {
  return recordedNetworks().flatMap((network) =>
    recordedAttachments(network, recordName).flatMap((attachment) => {
      const moved = readMoved(attachment);
      return moved === undefined ? [] : [{ attachment, device: moved.device }];
    }),
  );
}
