/**
 * Elements that name the bridges pods hang on.
 * @module
 */

import { type Attachment, ownerText } from "../attachment.ts";
import { ifnameField, type TableElement, tableElement } from "./table-element.ts";

/**
 * Makes a bridge known: to isolation, and for published ports that a neighbour on the same bridge asks for. All its pods
 * share these, so they have no owner and stay.
 */
export function bridgeElements(bridge: string): TableElement[] {
  const name = ifnameField(bridge);
  return [
    tableElement("bridges", [name]),
    tableElement("same", [name, name]),
    tableElement("near", [name, name]),
  ];
}

/** What a bridge's network wants of its traffic to elsewhere. */
export interface BridgePolicy {
  /** Nothing gets in or out. */
  readonly internal: boolean;
  /** No traffic with other bridges that say so too; `strict`: with no other bridge. */
  readonly isolate: boolean | "strict";
}

/**
 * Makes a bridge known to the isolation of others, and says what its own is: {@link policyElements} are among them. Without an
 * owner, as all attachments of the bridge share them.
 */
export function routedBridgeElements(bridge: string, policy: BridgePolicy): TableElement[] {
  const name = ifnameField(bridge);
  return [
    tableElement("bridges", [name]),
    tableElement("same", [name, name]),
    ...policyElements(bridge, policy),
  ];
}

/** What goes with the last attachment of the bridge. */
export function policyElements(
  bridge: string,
  { internal, isolate }: BridgePolicy,
): TableElement[] {
  const name = ifnameField(bridge);
  return [
    ...(internal ? [tableElement("internal", [name])] : []),
    ...(isolate === true ? [tableElement("isolated", [name])] : []),
    ...(isolate === "strict" ? [tableElement("strict", [name])] : []),
  ];
}

/**
 * Lets nothing into a bridge from other bridges that are closed; `apart` keeps its own pods from each other too, as far as
 * their packets come to the forward hook of IP (br_netfilter). They have no owner and stay: other pods may hang on the bridge.
 */
export function closedBridgeElements(
  bridge: string,
  { apart }: { apart: boolean },
): TableElement[] {
  const name = ifnameField(bridge);
  const both = [name, name];
  return [
    tableElement("closed", [name]),
    tableElement("same", both),
    ...(apart ? [tableElement("apart", both)] : []),
  ];
}

/** Keeps a pod's port from all other ports that are kept so, whatever comes to the forward hook of IP. */
export function apartPortElement(attachment: Attachment, port: string): TableElement {
  return tableElement("apart_ports", [ifnameField(port)], { owner: ownerText(attachment) });
}
