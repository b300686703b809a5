/**
 * Calls of bridge's verbs in Node, against a fake network and an IPAM that the test plays.
 * @module
 */
import { parseConfig } from "../../../core/cni/config.ts";
import type { AddCall, AskedIpam, DelCall, GcCall, Ipam } from "../../../core/cni/plugin.ts";
import type { CniResult, IpamResult } from "../../../core/cni/result.ts";
import { Netns } from "../../../core/net/netns.ts";
import { type BridgeConfig, bridgeConfig } from "../../../plugins/bridge/config.ts";

/** CNI_NETNS of the calls. */
export const netnsPath = "/run/netns/a";
/** Whose the calls are. */
export const attachment = { network: "net", containerId: "c1", ifname: "eth0" };

/** IPAM that answers `answer` and keeps what it was asked. */
export class PlayedIpam implements Ipam {
  readonly log: string[] = [];
  readonly configured: boolean;
  needsLink = false;
  readonly #answer: IpamResult | undefined;
  /** Makes a verb throw. */
  failing: string | undefined;

  constructor(answer?: IpamResult) {
    this.configured = answer !== undefined;
    this.#answer = answer;
  }

  ask(): AskedIpam {
    this.log.push("ADD");
    let isOver = this.failing === "ADD";
    const isFailing = isOver;
    return {
      answer: () => {
        if (isFailing) throw new Error("IPAM ADD fails");
        return this.#answer ?? { ips: [] };
      },
      release: () => {
        if (isOver) return;
        isOver = true;
        this.del();
      },
    };
  }

  del(): void {
    if (this.configured) this.#note("DEL");
  }

  startCheck(): () => void {
    return () => {
      if (this.configured) this.#note("CHECK");
    };
  }

  status(): void {
    if (this.configured) this.#note("STATUS");
  }

  gc(): void {
    if (this.configured) this.#note("GC");
  }

  #note(verb: string): void {
    this.log.push(verb);
    if (this.failing === verb) throw new Error(`IPAM ${verb} fails`);
  }
}

/** A call of ADD, DEL or CHECK. */
export function callOf(
  keys: Record<string, unknown>,
  ipam: PlayedIpam,
  more: { prevResult?: CniResult; args?: Record<string, string>; netnsGone?: boolean } = {},
): AddCall<BridgeConfig> & DelCall<BridgeConfig> {
  const config = parseConfig(bridgeConfig, { name: "net", bridge: "br0", ...keys });
  return {
    config,
    network: "net",
    cniVersion: "1.1.0",
    args: more.args ?? {},
    ipam,
    warn: () => {},
    containerId: attachment.containerId,
    ifName: attachment.ifname,
    attachment,
    netnsPath,
    ...(more.prevResult && { prevResult: more.prevResult }),
    openNetns: () => Netns.open(netnsPath),
    openNetnsIfPresent: () => (more.netnsGone ? undefined : Netns.openIfPresent(netnsPath)),
  };
}

/** A call of GC with these containers as the valid ones. */
export function gcCallOf(ipam: PlayedIpam, valid: string[] | undefined): GcCall<BridgeConfig> {
  const validAttachments = valid?.map((containerId) => ({ ...attachment, containerId }));
  return {
    config: {},
    network: "net",
    cniVersion: "1.1.0",
    args: {},
    ipam,
    warn: () => {},
    validAttachments,
    isStale: ({ containerId }) => valid !== undefined && !valid.includes(containerId),
  };
}
