/**
 * DEL and GC of host-device: the host gets its device back.
 * @module
 */

import type { Attachment } from "../../core/attachment.ts";
import { interfaceNameProblem } from "../../core/cni/interface-name.ts";
import type { DelCall, GcCall } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { AddressReturn } from "../../core/link/ask-ipam.ts";
import { formatMac } from "../../core/net/address.ts";
import { ChangeWatch, RTNLGRP_LINK } from "../../core/net/change-watch.ts";
import { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import {
  recordedAttachments,
  removeEmptyDirectories,
  removeRecord,
} from "../../core/state/record.ts";
import type { HostDeviceConfig } from "./config.ts";
import { type DeviceLink, lookUpDevice } from "./device-link.ts";
import { findInside, findReturned, moveHome, settleAtHome } from "./move.ts";
import {
  type Device,
  deviceOf,
  isDevice,
  type MovedDevice,
  movedDevices,
  readMoved,
  recordName,
} from "./record.ts";

/** The kernel takes a namespace apart some time after it has ended, and only then gives its devices back. */
const patienceMs = 2000;

type Warn = (text: string) => void;

/** DEL. The device comes first if IPAM can do without: so its addresses are out of use before IPAM hands them out again. */
export function detach(call: DelCall<HostDeviceConfig>): void {
  const addresses = new AddressReturn(call.ipam, "del");
  attemptAll(
    () => addresses.beforeLink(),
    () => giveBack(call),
    () => addresses.last(),
  );
}

function giveBack(call: DelCall<HostDeviceConfig>): void {
  const { attachment } = call;
  const moved = readMoved(attachment);
  using netns = call.openNetnsIfPresent();
  if (moved !== undefined) restore(attachment, moved, netns, call.warn);
  else {
    restoreReferences(call, netns);
    removeRecord(attachment, recordName); // one that could not be read
  }
}

/** GC: the same for stale attachments of the network. */
export function collect(call: GcCall<HostDeviceConfig>): void {
  const { network, validAttachments, isStale } = call;
  if (validAttachments === undefined) {
    call.ipam.gc();
    return;
  }
  const stale = recordedAttachments(network, recordName).filter((each) => isStale(each));
  const addresses = new AddressReturn(call.ipam, "gc");
  attemptAll(
    () => addresses.beforeLink(),
    ...stale.map((attachment) => () => {
      const moved = readMoved(attachment);
      if (moved === undefined) removeRecord(attachment, recordName);
      else restore(attachment, moved, undefined, call.warn);
    }),
    () => removeEmptyDirectories(network),
    () => addresses.last(),
  );
}

/** Ends what the record tells of, wherever the device is; the record stays when the device cannot be had. */
function restore(
  attachment: Attachment,
  moved: MovedDevice,
  given: Netns | undefined,
  warn: Warn,
): void {
  using opened = given === undefined ? Netns.openIfPresent(moved.path) : undefined;
  const netns = given ?? opened;
  // another namespace may have come to lie where the attachment's was
  const place = netns?.identity() === moved.netns ? netns : undefined;
  using host = RouteSocket.open();
  const isBack = takeFrom(place, host, attachment.ifname, moved.device);
  if (isBack || isAtHome(host, moved.device, place === undefined, warn)) {
    removeRecord(attachment, recordName);
  }
}

/** @returns whether the device was in that namespace */
function takeFrom(
  netns: Netns | undefined,
  host: RouteSocket,
  ifname: string,
  device: Device,
): boolean {
  if (netns === undefined) return false;
  using container = RouteSocket.dial(netns);
  return netns.locked(() => {
    const link = findInside(container, ifname, device);
    if (link !== undefined) moveHome(host, container, link, device);
    return link !== undefined;
  });
}

/** @param isOver whether the namespace that the device was in is gone. @returns false when it may come back yet */
function isAtHome(host: RouteSocket, device: Device, isOver: boolean, warn: Warn): boolean {
  const there = findReturned(host, device) ?? awaitReturn(host, device, isOver);
  if (there !== undefined) {
    settleAtHome(host, there, device);
    return true;
  }
  const { name, kind } = device;
  const known = lookUpDevice(host, { ifname: name });
  if (known !== undefined && isDevice(known, device)) return true;
  if (kind !== undefined) {
    warn(`"${name}" is gone: links of kind ${kind} end with the namespace that they are in`);
    return true;
  }
  warn(
    `"${name}" is neither in the container nor on the host: it will be in the kernel's initial namespace, under any name`,
  );
  return false;
}

/** Devices that are no virtual links come back when the kernel takes their namespace apart. */
function awaitReturn(host: RouteSocket, device: Device, isOver: boolean): DeviceLink | undefined {
  if (!isOver || device.kind !== undefined) return undefined;
  if (host.ifindexOf(device.name) !== undefined) return undefined;
  using watch = new ChangeWatch(RTNLGRP_LINK);
  let found: DeviceLink | undefined;
  watch.waitUntil(() => {
    found = findReturned(host, device);
    return found !== undefined;
  }, patienceMs);
  return found;
}

/**
 * The device of an attachment that the reference has made, before its binaries were replaced by ours. It is taken for that only if
 * its alias can be the name of a link, no other network of the container has moved it, and configuration or prevResult speak for it.
 */
function restoreReferences(call: DelCall<HostDeviceConfig>, netns: Netns | undefined): void {
  if (netns === undefined) return;
  using container = RouteSocket.dial(netns);
  netns.locked(() => {
    const link = lookUpDevice(container, { ifname: call.ifName });
    const name = link?.ifalias;
    if (link === undefined || name === undefined || interfaceNameProblem(name)) return;
    const device = { ...deviceOf(link), name, alias: undefined };
    if (isOthers(call, link) || !isMeant(call, device)) return;
    using host = RouteSocket.open();
    moveHome(host, container, link, device);
  });
}

function isOthers({ attachment, ifName }: DelCall<HostDeviceConfig>, link: DeviceLink): boolean {
  const { network, containerId } = attachment;
  return movedDevices().some(
    ({ attachment: other, device }) =>
      other.network !== network &&
      other.containerId === containerId &&
      other.ifname === ifName &&
      isDevice(link, device),
  );
}

function isMeant(
  { config, prevResult, ifName }: DelCall<HostDeviceConfig>,
  { name, mac, permanent, parent }: Device,
): boolean {
  const { device, hwaddr, pciBusID, runtimeConfig } = config;
  if (device === name) return true;
  if (hwaddr !== undefined && [mac, permanent].includes(formatMac(hwaddr))) return true;
  if (parent !== undefined && [pciBusID, runtimeConfig?.deviceID].includes(parent)) return true;
  const said = prevResult?.interfaces?.find((each) => each.name === ifName && each.sandbox);
  return said?.mac?.toLowerCase() === mac;
}
