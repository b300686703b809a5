/**
 * host-device (checklist 6.9). The device is a veth where the reference's tests take a dummy.
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import type { BridgeNetwork } from "./bridge-network.ts";
import {
  attachesIn,
  inNewVersions,
  isReady,
  type LinkProgram,
  linkCase,
  pool,
  refuses,
  tellsOfLink,
  versions,
} from "./link-network.ts";

const mac = "02:00:00:00:00:88";

const hostDevice: LinkProgram = {
  program: "host-device",
  needs: [],
  keys: { device: "dummy0" },
  prepare({ trial }) {
    trial.run("ip link add dummy0 type veth peer name other0");
    trial.run(`ip link set dummy0 address ${mac} up`);
  },
};

/** The container has the device, up and with its MAC address, and the host has it not. */
function hasDevice(net: BridgeNetwork): void {
  const { address, flags } = net.link("eth0", net.netns);
  deepEqual([address, flags.includes("UP")], [mac, true]);
  equal(net.link("dummy0"), undefined);
}

/** The host has the device, and the container has it not. */
function isBack(net: BridgeNetwork): void {
  equal(net.link("dummy0").address, mac);
  equal(net.link("eth0", net.netns), undefined);
}

/** The device comes and goes. */
function isLent(net: BridgeNetwork): void {
  const result = net.add();
  hasDevice(net);
  net.trial.ok(del(net, result));
  isBack(net);
}

function del(net: BridgeNetwork, prevResult: Reply) {
  return net.call("DEL", { prevResult });
}

const inEachVersion = inNewVersions(
  hostDevice,
  ["U-088", "U-089"],
  "gives the device away and takes it back",
  {},
  (net, result, del) => {
    equal(tellsOfLink(net, result).address, mac);
    hasDevice(net);
    del();
    isBack(net);
  },
);

const names: Case[] = [
  {
    ...linkCase(
      hostDevice,
      ["U-090"],
      "DEL fails over a link of that name on the host, and leaves the container its link",
      {},
      (net) => {
        const result = net.add();
        net.trial.run("ip link add dummy0 type veth peer name other1");
        net.trial.fails(del(net, result));
        const { address, flags } = net.link("eth0", net.netns);
        deepEqual([address, flags.includes("UP")], [mac, true]);
        net.trial.run("ip link delete dummy0");
        net.trial.ok(del(net, result));
        isBack(net);
      },
    ),
    version: "0.3.0",
  },
  {
    ...linkCase(
      hostDevice,
      ["U-091"],
      "moves it past a link by its name in the container",
      {},
      (net) => {
        net.trial.run("ip link add dummy0 type veth peer name other0", { netns: net.netns });
        const result = net.add();
        hasDevice(net);
        ok(net.link("dummy0", net.netns));
        net.trial.ok(del(net, result));
        isBack(net);
        ok(net.link("dummy0", net.netns));
      },
    ),
    version: "0.3.0",
  },
];

const fixed = { type: "static", addresses: [{ address: "10.10.0.1/24", gateway: "10.10.0.254" }] };

const addresses: Case[] = [
  {
    ...linkCase(hostDevice, ["U-092"], "has a fixed address", { ipam: fixed }, (net) => {
      const result = net.add();
      hasDevice(net);
      deepEqual(net.addresses("eth0", net.netns), ["10.10.0.1/24"]);
      net.trial.ok(del(net, result));
      isBack(net);
    }),
    beside: ["static"],
    version: "0.3.0",
  },
  ...versions.map((each) => attachesIn(hostDevice, ["U-093"], each, false)),
  {
    ...linkCase(hostDevice, ["U-093"], "is checked without addresses", {}, (net) => {
      const prevResult = net.add();
      net.trial.ok(net.call("CHECK", { prevResult }));
    }),
    version: "0.4.0",
  },
];

const pciDevice = "/sys/bus/pci/devices/0000:00:00.1";
const auxiliaryDevice = "/sys/bus/auxiliary/devices/mlx5_core.sf.4";

/** The busses of a machine that have this folder alone. */
function showInSysfs(trial: Trial, folder: string): void {
  trial.run("mount -t tmpfs tmpfs /sys/bus");
  trial.run(`mkdir -p ${folder}`);
}

const inUserSpace = ["vfio-pci", "uio_pci_generic", "igb_uio"].map((driver) => ({
  ...linkCase(
    hostDevice,
    ["U-094"],
    `moves nothing that ${driver} has`,
    { device: undefined, pciBusID: "0000:00:00.1", ipam: pool },
    (net) => {
      const folder = `/sys/bus/pci/drivers/${driver}`;
      showInSysfs(net.trial, folder);
      net.trial.run(`mkdir -p ${pciDevice}`);
      net.trial.run(`ln -s ${folder} ${pciDevice}/driver`);
      const result = net.add();
      const [{ name, mac: told = "", sandbox }] = result.interfaces;
      deepEqual([name, told, sandbox], ["eth0", "", net.netns]);
      equal(result.ips[0].address, "10.1.2.2/24");
      equal(net.link("eth0", net.netns), undefined);
      net.trial.ok(del(net, result));
    },
  ),
  version: "0.3.0",
}));

const found: Case[] = [
  ...inUserSpace,
  {
    ...linkCase(
      hostDevice,
      ["U-095"],
      "moves the link of an auxiliary device",
      { device: undefined, runtimeConfig: { deviceID: "mlx5_core.sf.4" } },
      (net) => {
        showInSysfs(net.trial, `${auxiliaryDevice}/net/dummy0`);
        isLent(net);
      },
    ),
    version: "0.3.0",
  },
  refuses(
    hostDevice,
    "U-096",
    "a device id that nobody has",
    { device: undefined, runtimeConfig: { deviceID: "0000:09:09.9" } },
    /runtime config DeviceID 0000:09:09.9 not found or unsupported/,
  ),
  refuses(
    hostDevice,
    "U-097",
    "a configuration that names no device",
    { device: undefined },
    /specify either "device", "hwaddr", "kernelpath" or "pciBusID"/,
  ),
  {
    ...linkCase(
      hostDevice,
      ["U-098"],
      "finds the device by its MAC address",
      { device: undefined, hwaddr: mac.toUpperCase() },
      isLent,
    ),
    version: "0.3.0",
  },
  refuses(
    hostDevice,
    "U-098",
    "a MAC address that is none",
    { device: undefined, hwaddr: "x" },
    /failed to parse MAC address/,
  ),
  ...["/sys/class/net/dummy0", "sys/devices/x"].map((kernelpath) =>
    refuses(
      hostDevice,
      "U-098",
      `the kernel path ${kernelpath}`,
      { device: undefined, kernelpath },
      /must be absolute and begin with \/sys\/devices\//,
    ),
  ),
];

const ready: Case[] = [
  isReady(hostDevice, "U-099"),
  {
    ...linkCase(hostDevice, ["U-099"], "says that its device is gone", {}, (net) => {
      net.trial.run("ip link delete dummy0");
      match(net.trial.fails(net.call("STATUS"), 50).msg, /./);
    }),
    version: "1.1.0",
  },
];

export const cases: readonly Case[] = [
  ...inEachVersion,
  ...names,
  ...addresses,
  ...found,
  ...ready,
];
