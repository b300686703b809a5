/**
 * A host with a device to give away, for the kernel tests of host-device.
 * @module
 */
import { Sandbox } from "../../kernel/sandbox.ts";
import { type Config, hostLocal, link } from "../bridge/network.ts";

/** Gives `nic0` away, with addresses of both families. */
export const config: Config = {
  cniVersion: "1.1.0",
  name: "lan",
  type: "host-device",
  device: "nic0",
  ipam: hostLocal("10.8.0.0/24", "fd08::/64"),
};
export const layer2: Config = { ...config, ipam: {} };

/** Built in, as a test may call it: what `nic0` has of its own. */
export const mac = "02:00:00:00:00:53";
export const mtu = 1450;
export const alias = "to the switch";

/** A host whose link `nic0` is up and leads outside. */
export function world(): Sandbox {
  const sandbox = Sandbox.create();
  sandbox.pod("outside");
  for (const command of [
    "link add nic0 type veth peer name switch netns outside",
    `link set nic0 address ${mac} mtu ${mtu} up`,
  ]) {
    sandbox.ok(["ip", ...command.split(" ")]);
  }
  sandbox.ok(["ip", "link", "set", "nic0", "alias", alias]);
  sandbox.ok(["ip", "link", "set", "switch", "up"], { netns: "/run/netns/outside" });
  return sandbox;
}

/** What DEL has to give back: name, MAC address, MTU, alias, and whether it is up. */
export function atHome(sandbox: Sandbox, name = "nic0"): unknown[] | undefined {
  const found = link(sandbox, name);
  if (found === undefined) return undefined;
  return [found.ifname, found.address, found.mtu, found.ifalias, found.flags.includes("UP")];
}

/** `nic0` as it was, but down. */
export const givenBack = ["nic0", mac, mtu, alias, false];

/** Records and reservations. */
export function traces(sandbox: Sandbox): string[] {
  const own = /netloom\/\w|lan\/(\d+\.|fd08)/;
  return sandbox.snapshot().files.filter((row) => own.test(row));
}
