/**
 * Ports that one network of a container took from another of the same container, which gets them back.
 * @module
 */

import { CniError, explain } from "../../core/errors.ts";
import { addElements, portTaken } from "../../core/nft/add-elements.ts";
import type { NftSocket } from "../../core/nft/nft-socket.ts";
import { readPublished } from "./record.ts";

/**
 * Publishes again what those attachments had, the one before first. What is somebody else's by now stays so; nothing here is
 * reason enough to fail.
 * @param owners owner texts, as `readPublished` tells them
 */
export function handBack(
  nft: NftSocket,
  owners: readonly string[],
  warn: (text: string) => void,
): void {
  for (const owner of owners) {
    const published = readPublished(owner);
    if (published === undefined) continue; // it went first
    try {
      addElements(nft, published.elements);
    } catch (error) {
      if (error instanceof CniError && error.code === portTaken) continue;
      warn(`ports of "${owner}" are not published again: ${explain(error)}`);
    }
  }
}
