/**
 * The keys of plugins whose containers may reach the world under the host's address.
 * @module
 */

import * as z from "zod/mini";

/** `ipMasq` and `ipMasqBackend`; both back ends' names mean our table. */
export const masqueradeKeys = {
  ipMasq: z._default(z.boolean(), false),
  ipMasqBackend: z.optional(
    z.string().check(
      z.refine((name: string) => ["", "iptables", "nftables"].includes(name), {
        error: ({ input }) => `unknown ipmasq backend "${input}"`,
      }),
    ),
  ),
};
