/**
 * dummy: the container has a link that leads nowhere, for addresses that are its own.
 * @see README.md beside this file
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { dnsField } from "../../core/cni/fields.ts";
import { definePlugin } from "../../core/cni/plugin.ts";
import { addLink } from "../../core/link/add.ts";
import { checkOwnLink } from "../../core/link/check.ts";
import { routeKeys } from "../../core/link/routes.ts";
import { requireLinkKind } from "../../core/link/status.ts";
import { collectRecords, deleteAttachment } from "../../core/link/verbs.ts";
import { randomMac } from "../../core/net/mac.ts";

const kind = "dummy";

/** Keys of dummy. */
const dummyConfig = z.extend(networkConfig, { dns: z.optional(dnsField), ...routeKeys });

/** The program: see README.md beside this file for its keys. */
export const dummy = definePlugin({
  type: kind,
  config: dummyConfig,
  ipam: "required",

  add: (call) =>
    addLink(call, kind, ({ container: side }) => ({
      side,
      link: { address: randomMac(), linkInfo: { kind } },
    })),
  del: (call) => deleteAttachment(call, kind),
  check: (call) => checkOwnLink(call, kind, () => {}),
  gc: (call) => collectRecords(call, kind),

  status({ ipam }) {
    requireLinkKind(kind);
    ipam.status();
  },
});
