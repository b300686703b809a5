/**
 * `vlanTrunk`: which tagged VLANs a port lets through.
 * @module
 */

import * as z from "zod/mini";

const FIRST_VLAN = 1;
const LAST_VLAN = 4094;

/** One entry as it stands in the configuration: a range, a single VLAN, or both. */
const trunkEntry = z.object({
  minID: z.nullish(z.int()),
  maxID: z.nullish(z.int()),
  id: z.nullish(z.int()),
});
type TrunkEntry = z.output<typeof trunkEntry>;

/** `vlanTrunk` as an ascending list of VLANs, each once. An entry without any key stands for none. */
export const vlanTrunkField = z.pipe(
  z.array(trunkEntry),
  z.transform((entries: TrunkEntry[], payload): number[] => {
    const ids = new Set<number>();
    for (const entry of entries) {
      const message = trunkProblem(entry);
      if (message === undefined) addVlans(ids, entry);
      else payload.issues.push({ code: "custom", message, input: entries });
    }
    return [...ids].sort((a, b) => a - b);
  }),
);

/** The first thing wrong with an entry. The texts are upstream's, which its users' tests look for. */
function trunkProblem({ minID, maxID, id }: TrunkEntry): string | undefined {
  if (minID != null && !isVlan(minID)) return "incorrect trunk minID parameter";
  if (maxID != null && !isVlan(maxID)) return "incorrect trunk maxID parameter";
  if (minID == null && maxID != null) return `${notTogether}, minID is missing`;
  if (minID != null && maxID == null) return `${notTogether}, maxID is missing`;
  if ((minID ?? 0) > (maxID ?? 0)) return "minID is greater than maxID in trunk parameter";
  if (id != null && !isVlan(id)) return "incorrect trunk id parameter";
  return undefined;
}
const notTogether = "minID and maxID should be configured simultaneously";

function isVlan(id: number): boolean {
  return id >= FIRST_VLAN && id <= LAST_VLAN;
}

function addVlans(ids: Set<number>, { minID, maxID, id }: TrunkEntry): void {
  if (minID != null && maxID != null) {
    for (let vlan = minID; vlan <= maxID; vlan++) ids.add(vlan);
  }
  if (id != null) ids.add(id);
}
