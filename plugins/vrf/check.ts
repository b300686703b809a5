/**
 * CHECK of vrf.
 * @module
 */

import type { CheckCall } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { formatCidr } from "../../core/net/address.ts";
import type { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { missingRoutes, routeText, wholeRoutes } from "../../core/net/whole-route.ts";
import { usableRecord } from "../../core/state/record.ts";
import { requireTable } from "./attach.ts";
import { addressKey, globalAddresses } from "./belongings.ts";
import { tableOf, type VrfConfig, vrfNameOf } from "./config.ts";
import { allLinks, findVrf } from "./device.ts";
import { readAttached, recordName, type VrfRecord } from "./record.ts";

/** @throws {CniError} that names what is not as ADD has made it */
export function checkAttached(call: CheckCall<VrfConfig>, netns: Netns): void {
  const { attachment, config, ifName } = call;
  const name = vrfNameOf(config);
  using route = RouteSocket.dial(netns);
  const links = allLinks(route);
  const vrf = findVrf(links, name);
  if (vrf === undefined) throw failed(`VRF ${name} not found in "${netns.path}"`);
  const found = usableRecord(attachment, recordName, readAttached);
  const record = found?.netns === netns.identity() ? found : undefined;
  requireTable(vrf.table, name, tableOf(config) ?? record?.table);
  const port = links.find(({ ifname, master }) => ifname === ifName && master === vrf.ifindex);
  if (port === undefined) throw failed(`failed to find ${ifName} associated to vrf ${name}`);
  if (!vrf.isUp) throw failed(`VRF ${name} is down`);
  if (record !== undefined) requireBelongings(route, port.ifindex, record);
}

function requireBelongings(route: RouteSocket, ifindex: number, record: VrfRecord): void {
  const addresses = globalAddresses(route, ifindex).map(addressKey);
  const [first, ...others] = [
    ...record.addresses
      .map(formatCidr)
      .filter((each) => !addresses.includes(each))
      .map((each) => `address ${each} is missing`),
    ...missingRoutes(record.routes, wholeRoutes(route, ifindex), ifindex).map(
      (each) => `the route to ${routeText(each)} is missing`,
    ),
  ];
  if (first === undefined) return;
  const details = others.slice(0, 8).join("; ");
  throw new CniError(cniCode.internal, first, details === "" ? {} : { details });
}

function failed(message: string): CniError {
  return new CniError(cniCode.internal, message);
}
