/**
 * host-device: the container has a device of the host, as its own, until DEL.
 * @see README.md beside this file
 * @module
 */

import { IFF_UP } from "netlink-ts/route/link.ts";

import {
  type AddCall,
  type CheckCall,
  definePlugin,
  type StatusCall,
} from "../../core/cni/plugin.ts";
import type { CniResult, IpamResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { askIpam } from "../../core/link/ask-ipam.ts";
import { checkBesideIpam } from "../../core/link/check-beside-ipam.ts";
import { connectLink } from "../../core/link/connect.ts";
import { requireFreeName } from "../../core/link/owned-link.ts";
import { linkRecordOf } from "../../core/link/record.ts";
import { chosenRoutes, settleRoutes } from "../../core/link/routes.ts";
import { Scene } from "../../core/link/scene.ts";
import { notAvailable } from "../../core/link/status.ts";
import { attachedResult } from "../../core/net/attached-result.ts";
import { checkInterface, interfaceEntry } from "../../core/net/check-interface.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { Rollback } from "../../core/rollback.ts";
import {
  removeRecord,
  requireRecordable,
  usableRecord,
  writeRecord,
} from "../../core/state/record.ts";
import {
  type HostDeviceConfig,
  hostDeviceConfig,
  namesDevice,
  requireSelection,
} from "./config.ts";
import { findDevice, holders, pciIdOf, type Selection, selectDevice } from "./device.ts";
import { type DeviceLink, lookUpDevice } from "./device-link.ts";
import { findInside, moveHome, moveIn } from "./move.ts";
import { deviceOf, isDevice, type MovedDevice, readMoved, recordName } from "./record.ts";
import { collect, detach } from "./restore.ts";

type Call = AddCall<HostDeviceConfig>;

/** The program: see README.md beside this file for its keys. */
export const hostDevice = definePlugin({
  type: recordName,
  config: hostDeviceConfig,
  ipam: "optional",

  add(call) {
    const selection = selectDevice(call.config);
    using scene = Scene.open(call);
    using rollback = new Rollback();
    const result = selection.inUserSpace
      ? describeProgramsDevice(call, selection, rollback)
      : attach(call, selection, scene, rollback);
    rollback.commit();
    return result;
  },

  del: detach,
  check: checkDevice,
  gc: collect,

  status(call) {
    requireDevice(call);
    requireRecordable();
    call.ipam.status();
  },
});

function attach(call: Call, selection: Selection, scene: Scene, rollback: Rollback): CniResult {
  const link = findDevice(scene.host, selection);
  const bring = call.ipam.needsLink ? takeAndAsk : askAndTake;
  const answer = bring(call, scene, link, rollback);
  const result = connectLink(call, scene, answer);
  const pciID = pciIdOf(selection, link);
  return pciID === undefined ? result : withPciId(result, pciID);
}

/** Moves the device, and tells what addresses it shall have. What it leaves goes into the rollback before. */
type Bring = (
  call: Call,
  scene: Scene,
  link: DeviceLink,
  rollback: Rollback,
) => IpamResult | undefined;

/** The device stays on the host until its addresses are there: to take it from the host and give it back would break it off. */
const askAndTake: Bring = (call, scene, link, rollback) => {
  scene.netns.lock(); // until it is closed: the answer is waited for, and default routes get their places
  requireFreeName(scene, call.ifName); // what IPAM has for an attachment that exists is not ours to release
  const answer = settleRoutes(call, scene, askIpam(call, rollback)?.answer(), rollback);
  take(call, scene, link, answer, rollback);
  return answer;
};

/** For an IPAM that needs the link, also to take addresses back: so it is asked second, and its undo comes first. */
const takeAndAsk: Bring = (call, scene, link, rollback) => {
  scene.netns.locked(() => {
    requireFreeName(scene, call.ifName);
    take(call, scene, link, undefined, rollback);
  });
  const answer = settleRoutes(call, scene, askIpam(call, rollback)?.answer(), rollback);
  writeRecord(call.attachment, recordName, movedAs(call, scene, link, answer));
  return answer;
};

/** Writes down how the device is, and moves it; a failing ADD brings it back. */
function take(
  call: Call,
  scene: Scene,
  link: DeviceLink,
  answer: IpamResult | undefined,
  rollback: Rollback,
): void {
  const { attachment, ifName } = call;
  rollback.defer(() => {
    bringBack(scene, ifName, link);
    removeRecord(attachment, recordName);
  });
  writeRecord(attachment, recordName, movedAs(call, scene, link, answer));
  moveIn(scene, link, ifName);
}

function movedAs(
  { netnsPath: path }: Call,
  scene: Scene,
  link: DeviceLink,
  answer: IpamResult | undefined,
): MovedDevice {
  const netns = scene.netns.identity();
  return { ...linkRecordOf(answer), path, netns, device: deviceOf(link) };
}

function bringBack({ host, container }: Scene, ifname: string, link: DeviceLink): void {
  const device = deviceOf(link);
  const inside = findInside(container, ifname, device);
  if (inside === undefined) return;
  moveHome(host, container, inside, device);
  if ((link.flags & IFF_UP) === 0) return;
  host.setLink({ ifname: device.name, flags: IFF_UP, change: IFF_UP });
}

function withPciId({ interfaces = [], ...result }: CniResult, pciID: string): CniResult {
  const last = interfaces.length - 1;
  const described = interfaces.map((each, index) => (index === last ? { ...each, pciID } : each));
  return { ...result, interfaces: described };
}

/** A device that a program drives has no link: there is nothing to move, but addresses are given out. */
function describeProgramsDevice(call: Call, selection: Selection, rollback: Rollback): CniResult {
  const { ifName: name, netnsPath: sandbox, prevResult, config } = call;
  const pciID = pciIdOf(selection);
  const interfaces = [{ name, sandbox, ...(pciID !== undefined && { pciID }) }];
  const answer = askIpam(call, rollback)?.answer();
  const routes = answer && chosenRoutes(config, answer);
  const ipam = routes === undefined ? answer : { ...answer, routes };
  return attachedResult({ prevResult, interfaces, container: 0, ipam, dns: config.dns });
}

function checkDevice(call: CheckCall<HostDeviceConfig>): void {
  const { attachment, ifName: ifname, netnsPath: sandbox } = call;
  const { inUserSpace } = selectDevice(call.config);
  checkBesideIpam(call, ({ container }, prevResult) => {
    if (inUserSpace) {
      interfaceEntry(prevResult, ifname, sandbox);
      return;
    }
    const own = usableRecord(attachment, recordName, readMoved);
    const up = own?.up ?? true;
    const { ifindex } = checkInterface(container, { ifname, sandbox, prevResult, own, up });
    const link = lookUpDevice(container, { ifindex });
    if (own === undefined || (link !== undefined && isDevice(link, own.device))) return;
    const message = `"${ifname}" is not the device that ADD has moved, "${own.device.name}"`;
    throw new CniError(cniCode.internal, message);
  });
}

/**
 * A device that a container has is no reason not to be ready: the network works.
 * @throws {CniError} 50 when the device is nowhere; 7 when nobody will say which is meant
 */
function requireDevice({ config }: StatusCall<HostDeviceConfig>): void {
  if (!namesDevice(config)) {
    const { deviceID } = (config.capabilities ?? {}) as { deviceID?: unknown };
    if (deviceID !== true) requireSelection(config); // else each ADD is told
    return;
  }
  using host = RouteSocket.open();
  try {
    const selection = selectDevice(config);
    if (!selection.inUserSpace && holders(selection).length === 0) findDevice(host, selection);
  } catch (cause) {
    throw notAvailable("no ADD could have its device", cause);
  }
}
