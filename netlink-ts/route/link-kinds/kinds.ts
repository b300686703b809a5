/**
 * The kinds of links whose data is described. A kind that is not here works too: its data stays bytes, and dummy and ifb
 * have none.
 * @module
 */

import { bridge } from "./bridge.ts";
import { bridgePort } from "./bridge-port.ts";
import { ipvlan } from "./ipvlan.ts";
import { macvlan } from "./macvlan.ts";
import { tun } from "./tun.ts";
import { veth } from "./veth.ts";
import { vlan } from "./vlan.ts";
import { vrf } from "./vrf.ts";

/** IFLA_INFO_DATA by IFLA_INFO_KIND. */
export const linkKinds = {
  bridge,
  ipvlan,
  ipvtap: ipvlan,
  macvlan,
  macvtap: macvlan,
  tun,
  veth,
  vlan,
  vrf,
} as const;

/** IFLA_INFO_SLAVE_DATA by IFLA_INFO_SLAVE_KIND, the kind of the master. */
export const slaveKinds = { bridge: bridgePort, vrf } as const;
