/**
 * Elements as the requests of a transaction.
 * @module
 */

import type { Batch } from "netlink-ts/netlink/batch.ts";
import type { Request } from "netlink-ts/netlink/request.ts";
import type { Element } from "netlink-ts/nftables/element.ts";
import {
  deleteElements,
  type elementsMessage,
  newElements,
  newElementsExclusively,
} from "netlink-ts/nftables/element.ts";
import type { MessageInput } from "netlink-ts/wire/message.ts";

import { belongsToPod } from "./ownership.ts";
import { place, type SetName } from "./sets.ts";
import { elementKey, type TableElement, wholeElement } from "./table-element.ts";

/** A message's list of elements is one attribute of 64 KiB: room for 400 with comments. */
const elementsPerMessage = 250;

/** Adds the requests that add elements: a pod's own must not be there yet, what pods share may. */
export function appendNew(batch: Batch, elements: readonly TableElement[]): void {
  const [own, shared] = [elements.filter(belongsToPod), elements.filter((e) => !belongsToPod(e))];
  appendEach(batch, newElements, shared, wholeElement);
  appendEach(batch, newElementsExclusively, own, wholeElement);
}

/** Adds the requests that delete elements by key; each must be there. */
export function appendDeletes(batch: Batch, elements: readonly TableElement[]): void {
  appendEach(batch, deleteElements, elements, elementKey);
}

type ElementsRequest = Request<MessageInput<typeof elementsMessage>>;

function appendEach(
  batch: Batch,
  request: ElementsRequest,
  elements: readonly TableElement[],
  encode: (element: TableElement) => Element,
): void {
  for (const [set, members] of bySet(elements)) {
    for (let at = 0; at < members.length; at += elementsPerMessage) {
      const some = members.slice(at, at + elementsPerMessage).map(encode);
      batch.add(request, { ...place(set), elements: some });
    }
  }
}

function bySet(elements: readonly TableElement[]): Map<SetName, TableElement[]> {
  const groups = new Map<SetName, TableElement[]>();
  for (const element of elements) {
    const group = groups.get(element.set);
    if (group === undefined) groups.set(element.set, [element]);
    else group.push(element);
  }
  return groups;
}
