/**
 * Elements that name the bridges pods hang on.
 * @module
 */

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
