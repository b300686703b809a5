/**
 * What the guest tests of bridge look at: the VLANs of links.
 * @module
 */
import type { Sandbox } from "../../kernel/sandbox.ts";
import { link } from "./network.ts";

interface VlanRow {
  vlan: number;
  vlanEnd?: number;
  flags?: string[];
}

/** VLANs of a link, as `100 PVID Egress Untagged` or `200-210` each. */
export function vlansOf(sandbox: Sandbox, ifname: string): string[] {
  const text = sandbox.ok(["bridge", "-j", "-compressvlans", "vlan", "show", "dev", ifname]);
  const [row] = JSON.parse(text || "[]") as { vlans: VlanRow[] }[];
  return (row?.vlans ?? []).map(({ vlan, vlanEnd, flags = [] }) =>
    [vlanEnd === undefined ? `${vlan}` : `${vlan}-${vlanEnd}`, ...flags].join(" "),
  );
}

/** How `bridge` calls the VLAN of packets without a tag. */
export const native = "PVID Egress Untagged";

/** Whether the bridge tells VLANs apart. */
export function isFiltering(sandbox: Sandbox): boolean {
  return link(sandbox, "bridge0").linkinfo.info_data.vlan_filtering === 1;
}
