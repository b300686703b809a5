/**
 * vlan: the container has one VLAN of a link of the host.
 * @see README.md beside this file
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";
import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { dnsField, interfaceNameField } from "../../core/cni/fields.ts";
import { type AddCall, type CheckCall, definePlugin } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { addLink, type PlannedLink } from "../../core/link/add.ts";
import { checkOwnLink } from "../../core/link/check.ts";
import { findMaster, mtuOn } from "../../core/link/master.ts";
import { mtuOnMasterKey } from "../../core/link/mtu.ts";
import { routeKeys } from "../../core/link/routes.ts";
import type { Scene } from "../../core/link/scene.ts";
import { requireLinkOn } from "../../core/link/status.ts";
import { collectRecords, deleteAttachment } from "../../core/link/verbs.ts";
import type { DetailedLink } from "../../core/net/route-socket.ts";

const kind = "vlan";
const LAST_VLAN = 4094;

/** Keys of vlan. */
const vlanConfig = z.extend(networkConfig, {
  master: interfaceNameField,
  vlanId: z._default(
    z.int().check(
      z.refine((id: number) => id >= 0 && id <= LAST_VLAN, {
        error: ({ input }) => `invalid VLAN ID ${input} (must be between 0 and ${LAST_VLAN})`,
      }),
    ),
    0,
  ),
  mtu: mtuOnMasterKey,
  linkInContainer: z._default(z.boolean(), false),
  dns: z.optional(dnsField),
  ...routeKeys,
});
type VlanConfig = z.output<typeof vlanConfig>;

/** The program: see README.md beside this file for its keys. */
export const vlan = definePlugin({
  type: kind,
  config: vlanConfig,
  ipam: "required",

  add: (call) => addLink(call, kind, (scene) => planLink(call, scene)),
  del: (call) => deleteAttachment(call, kind),
  check: (call) => checkOwnLink(call, kind, (link, scene) => checkVlan(call, link, scene)),
  gc: (call) => collectRecords(call, kind),

  status({ config, ipam }) {
    requireLinkOn(kind, config);
    ipam.status();
  },
});

function planLink({ config }: AddCall<VlanConfig>, scene: Scene): PlannedLink {
  const side = scene.side(config.linkInContainer);
  const master = findMaster(side, config.master);
  const mtu = mtuOn(master, config.mtu) ?? master.mtu;
  const linkInfo = { kind, data: { id: config.vlanId } };
  return { side, link: { link: master.ifindex, mtu, linkInfo } };
}

function checkVlan({ config }: CheckCall<VlanConfig>, link: DetailedLink, scene: Scene): void {
  findMaster(scene.side(config.linkInContainer), config.master);
  const id = linkData(link, kind)?.id;
  if (id === config.vlanId) return;
  const message = `"${link.ifname}" is in VLAN ${id}, not in ${config.vlanId}`;
  throw new CniError(cniCode.internal, message);
}
