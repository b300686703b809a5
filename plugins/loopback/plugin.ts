/**
 * The loopback interface of a container.
 * @module
 */

import { IFF_UP } from "netlink-ts/route/link.ts";

import { networkConfig } from "../../core/cni/config.ts";
import { definePlugin } from "../../core/cni/plugin.ts";
import type { CniIp, CniResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { formatMac } from "../../core/net/address.ts";
import type { Netns } from "../../core/net/netns.ts";
import { type Link, RouteSocket } from "../../core/net/route-socket.ts";
import { Rollback } from "../../core/rollback.ts";
import { loopbackAddresses } from "./addresses.ts";

const name = "lo";

/** loopback: brings `lo` up, with the addresses the kernel gives it. CNI_IFNAME is not looked at. */
export const loopback = definePlugin({
  type: "loopback",
  config: networkConfig,

  add({ openNetns, prevResult }) {
    using netns = openNetns();
    using route = RouteSocket.dial(netns);
    using rollback = new Rollback();

    const link = requireLink(route);
    if (!isUp(link)) {
      rollback.defer(() => setUp(route, link, false)); // before: the answer may be all that fails
      setUp(route, link, true);
    }
    const addresses = loopbackAddresses(route, link.ifindex);
    rollback.commit();
    return prevResult ?? result(netns, link, addresses);
  },

  check({ openNetns, netnsPath, prevResult }) {
    using netns = openNetns();
    using route = RouteSocket.dial(netns);
    const link = requireLink(route);
    if (!isUp(link)) throw new CniError(cniCode.internal, "loopback interface is down");
    const present = loopbackAddresses(route, link.ifindex).map(({ address }) => address);
    for (const address of promisedAddresses(prevResult, netnsPath)) {
      if (present.includes(address)) continue;
      throw new CniError(cniCode.internal, `loopback interface has lost address "${address}"`);
    }
  },

  del({ openNetnsIfPresent }) {
    using netns = openNetnsIfPresent(); // the runtime may have removed it already
    using route = RouteSocket.dial(netns);
    const link = route?.linkByName(name);
    if (route && link && isUp(link)) setUp(route, link, false);
  },

  gc() {
    // everything lies in the container's namespace, and goes with it
  },

  status() {
    // every kernel has the interface
  },
});

function requireLink(route: RouteSocket): Link {
  const link = route.linkByName(name);
  if (link !== undefined) return link;
  throw new CniError(cniCode.internal, `the network namespace has no link "${name}"`);
}

function isUp({ flags }: Link): boolean {
  return (flags & IFF_UP) !== 0;
}

function setUp(route: RouteSocket, { ifindex }: Link, up: boolean): void {
  route.setLink({ ifindex, flags: up ? IFF_UP : 0, change: IFF_UP });
}

function result({ path }: Netns, { address, mtu }: Link, addresses: readonly CniIp[]): CniResult {
  const mac = address === undefined ? {} : { mac: formatMac(address) };
  return {
    interfaces: [{ name, ...mac, ...(mtu === undefined ? {} : { mtu }), sandbox: path }],
    ips: addresses.map((ip) => ({ ...ip, interface: 0 })),
  };
}

/** What an ADD of ours told the runtime, if the result still has it. */
function promisedAddresses(
  { interfaces = [], ips = [] }: CniResult = {},
  sandbox: string,
): string[] {
  const own = interfaces.findIndex((each) => each.name === name && each.sandbox === sandbox);
  return ips.filter((ip) => own >= 0 && ip.interface === own).map(({ address }) => address);
}
