/**
 * A result in which every field is set.
 * @module
 */
import type { Reply } from "../../runner/trial.ts";

/** Everything that a result can say at that version. */
export function richResult(cniVersion: string, sandbox: string): Reply {
  const newer = cniVersion >= "1.1.0";
  const version = (text: string) => (cniVersion < "1.0.0" ? { version: text } : {});
  const route = newer ? { mtu: 1400, advmss: 1300, priority: 7, table: 99, scope: 253 } : {};
  return {
    cniVersion,
    interfaces: [
      { name: "br-test", mac: "02:00:00:00:00:01", ...(newer && { mtu: 1500 }) },
      { name: "veth0", mac: "02:00:00:00:00:02" },
      {
        name: "eth0",
        mac: "02:00:00:00:00:03",
        sandbox,
        ...(newer && { mtu: 1400, socketPath: "/run/x.sock", pciID: "0000:00:1f.6" }),
      },
    ],
    ips: [
      { ...version("4"), address: "10.1.2.2/24", gateway: "10.1.2.1", interface: 2 },
      { ...version("6"), address: "fd00::2/64" },
    ],
    routes: [
      { dst: "10.9.0.0/16", gw: "10.1.2.9", ...route },
      { dst: "0.0.0.0/0" },
      { dst: "::/0", gw: "fd00::1" },
    ],
    dns: { nameservers: ["10.1.2.1"], domain: "a.b", search: ["b", "c"], options: ["x", "y"] },
  };
}
