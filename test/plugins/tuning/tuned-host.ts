/**
 * A host with containers whose links are there, for tuning.
 * @module
 */
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import type { Config } from "../bridge/network.ts";

export const arpFilter = "net.ipv4.conf.eth0.arp_filter";
export const somaxconn = "net.core.somaxconn";
/** Every key of the link, and two sysctls. */
export const all: Config = {
  sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1", [somaxconn]: "1234" },
  mac: "C2:11:22:33:44:77",
  promisc: true,
  mtu: 1400,
  allmulti: true,
  txQLen: 77,
};

/** A host with a container whose link is there. */
export class Host implements Disposable {
  readonly sandbox = Sandbox.create();
  readonly netns: string;

  constructor() {
    this.netns = this.pod("a");
  }

  pod(name: string): string {
    const netns = this.sandbox.pod(name);
    const pair =
      "ip link add eth0 type veth peer name peer0; ip link set eth0 up; ip link set peer0 up";
    this.sandbox.ok(["sh", "-ec", pair], { netns });
    return netns;
  }

  config(keys: Config, netns = this.netns): Config {
    const prevResult = {
      cniVersion: "1.1.0",
      interfaces: [
        { name: "eth0", mac: "02:00:00:00:00:01" },
        { name: "eth0", sandbox: netns },
      ],
      ips: [{ address: "10.0.0.2/24", interface: 1 }],
    };
    return { cniVersion: "1.1.0", name: "net", type: "tuning", prevResult, ...keys };
  }

  call(command: string, keys: Config = all, more: Partial<CniCall> = {}): CniCall {
    return { command, config: this.config(keys), netns: this.netns, ...more };
  }

  /** All that is looked at, of link, sysctls and files. */
  state(netns = this.netns): string[] {
    const [row] = this.sandbox.ipJson("-d link show eth0", netns);
    const { address, mtu, txqlen, promiscuity, flags } = row;
    return [
      [address, mtu, txqlen, promiscuity, flags.includes("ALLMULTI")].join(" "),
      this.sandbox.sysctl(arpFilter, undefined, netns),
      this.sandbox.sysctl(somaxconn, undefined, netns),
      this.sandbox.ok([
        "sh",
        "-c",
        "find /run/netloom /run/cni -type f 2>/dev/null | sort || true",
      ]),
    ];
  }

  [Symbol.dispose](): void {
    this.sandbox.dispose();
  }
}
