/**
 * ptp: a veth pair between container and host, and the host is the container's next hop.
 * @see README.md beside this file
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { dnsField } from "../../core/cni/fields.ts";
import { definePlugin } from "../../core/cni/plugin.ts";
import { masqueradeKeys } from "../../core/link/masquerade-keys.ts";
import { hostMtu, mtuKey } from "../../core/link/mtu.ts";
import { routeKeys, settleRoutes } from "../../core/link/routes.ts";
import { Scene } from "../../core/link/scene.ts";
import { requireLinkKind } from "../../core/link/status.ts";
import {
  keepVeth,
  masqueradeOf,
  type VethPlugin,
  type VethRecord,
  vethRecord,
  vethRecordOf,
} from "../../core/link/veth-record.ts";
import { beginVeth, collectVethGarbage, deleteVethAttachment } from "../../core/link/veth-verbs.ts";
import { Rollback } from "../../core/rollback.ts";
import { checkAttachment } from "./check.ts";
import { connect } from "./connect.ts";
import { nextHops } from "./next-hop.ts";
import { isReferencePair } from "./reference-pair.ts";

/** Keys of ptp. */
const ptpConfig = z.extend(networkConfig, {
  ...masqueradeKeys,
  mtu: mtuKey,
  dns: z.optional(dnsField),
  ...routeKeys,
});

/** Ptp's part of the verbs that plugins of veth pairs share. */
const ptpVeth: VethPlugin<VethRecord> = {
  name: "ptp",
  record: vethRecord,
  sets: ["masq4", "masq6"],
  elements: masqueradeOf,
};

/** The program: see README.md beside this file for its keys. */
export const ptp = definePlugin({
  type: "ptp",
  config: ptpConfig,
  ipam: "required",

  add(call) {
    const { config, attachment } = call;
    using scene = Scene.open(call);
    using rollback = new Rollback();

    const { asked, veth } = beginVeth(call, scene, rollback, () => ({
      mtu: hostMtu(scene.host, config.mtu),
    }));
    const answer = settleRoutes(call, scene, asked?.answer() ?? { ips: [] }, rollback);
    const hops = nextHops(answer.ips);
    keepVeth(ptpVeth, attachment, vethRecordOf(veth, answer, config), rollback);

    const result = connect(call, { scene, veth, answer, hops });
    rollback.commit();
    return result;
  },

  del: (call) => deleteVethAttachment(call, ptpVeth, isReferencePair),
  check: (call) => checkAttachment(call, ptpVeth),
  gc: (call) => collectVethGarbage(call, ptpVeth),

  status({ ipam }) {
    requireLinkKind("veth");
    ipam.status();
  },
});
