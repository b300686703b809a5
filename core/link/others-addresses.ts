/**
 * Whose addresses are, for rules of others that name addresses and not interfaces.
 * @module
 */

import type { AttachmentCall } from "../cni/plugin.ts";
import { interfaceAddresses } from "../cni/result-addresses.ts";
import { compareIp } from "../net/address.ts";
import { RouteSocket } from "../net/route-socket.ts";

/**
 * Tells addresses of the container's other attachments: those of its other links or, when the namespace is gone, those that
 * prevResult does not give to this attachment. Without either none is. The container is looked into at the first question.
 */
export function othersAddresses(call: AttachmentCall): (address: Uint8Array) => boolean {
  const { prevResult = {}, ifName } = call;
  const own = interfaceAddresses(prevResult, ifName).map(({ address }) => address);
  let others: Uint8Array[] | "unknown" | undefined;
  return (address) => {
    if (isAmong(own, address)) return false;
    others ??= addressesOfOtherLinks(call) ?? "unknown";
    return others === "unknown" ? own.length > 0 : isAmong(others, address);
  };
}

function isAmong(addresses: readonly Uint8Array[], address: Uint8Array): boolean {
  return addresses.some((each) => compareIp(each, address) === 0);
}

/** Undefined when the namespace is gone. */
function addressesOfOtherLinks(call: AttachmentCall): Uint8Array[] | undefined {
  using netns = call.openNetnsIfPresent();
  using container = RouteSocket.dial(netns);
  return container
    ?.links()
    .filter(({ ifname }) => ifname !== call.ifName)
    .flatMap(({ ifindex }) => container.addresses(ifindex))
    .flatMap(({ local, address }) => local ?? address ?? []);
}
