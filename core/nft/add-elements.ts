/**
 * Adding elements: one transaction, which sets our tables up where they are missing.
 * @module
 */

import { openTransaction } from "netlink-ts/nftables/batch.ts";

import { CniError, during, isErrno } from "../errors.ts";
import { isCovered, overlappedIntervals } from "./covered-interval.ts";
import { describePlace } from "./describe-element.ts";
import type { NftSocket } from "./nft-socket.ts";
import { belongsToPod, isPublishedPort } from "./ownership.ts";
import { meetingPorts, portText } from "./port-claim.ts";
import { rebuildTables } from "./rebuild-tables.ts";
import { untilNotOvertaken } from "./retry.ts";
import { setUp } from "./set-up.ts";
import { sets } from "./sets.ts";
import { samePlace, type TableElement } from "./table-element.ts";
import { tableComment } from "./table-name.ts";
import { appendDeletes, appendNew } from "./transaction.ts";

/** Code of the error for a published port that another pod has: {@link addElements}. */
export const portTaken = 100;

/** What {@link addElements} is told about others. */
export interface AddOptions {
  /** Whether the pod of that owner text is gone, so that its published ports may be taken over. Without it nobody is. */
  readonly isGone?: (owner: string) => boolean;
}

/**
 * Adds elements, all or none. Both tables are set up where they are missing, and rebuilt where they are of another version.
 * What an element's place holds of the same owner, or of a pod that is gone, is replaced; so is another owner's, except a
 * published port.
 * @throws {CniError} 100 when a published port belongs to another pod, which it names
 */
export function addElements(
  nft: NftSocket,
  elements: readonly TableElement[],
  options: AddOptions = {},
): void {
  if (elements.length === 0) return;
  const round: Round = { isIncomplete: false, looks: false };
  untilNotOvertaken(
    () => addOnce(nft, elements, options, round),
    (error) => learn(round, error),
  );
}

/** What earlier rounds have found. */
interface Round {
  /** Something that set-up makes is not there. */
  isIncomplete: boolean;
  /** A place is taken: look at all of them. */
  looks: boolean;
}

/** False when the error says nothing new: nobody overtook us, the kernel cannot do it. */
function learn(round: Round, error: unknown): boolean {
  const { isIncomplete, looks } = round;
  round.isIncomplete ||= isErrno(error, "ENOENT");
  round.looks ||= isErrno(error, "EEXIST");
  return round.isIncomplete !== isIncomplete || round.looks !== looks;
}

function addOnce(
  nft: NftSocket,
  elements: readonly TableElement[],
  options: AddOptions,
  round: Round,
): void {
  const { looks } = round;
  const isBound = looks || elements.some(isPublishedPort);
  const { generation, isThere } = standOf(nft, elements, isBound);
  const transaction = openTransaction(generation);
  round.isIncomplete ||= !isThere;
  if (round.isIncomplete) transaction.append(setUp);
  const inTheWay = isThere ? standing(nft, elements, looks) : [];
  refuseTaken(elements, inTheWay, options);
  appendDeletes(transaction, inTheWay);
  appendNew(transaction, looks ? elements.filter((each) => !isCovered(nft, each)) : elements);
  const deletes = inTheWay.length > 0;
  during("add elements to nf_tables", () => nft.commit(transaction, { deletes }));
}

/**
 * The generation if it is wanted, and whether the tables that elements go to are there. Tables of another version are rebuilt first, which
 * makes another generation.
 */
function standOf(
  nft: NftSocket,
  elements: readonly TableElement[],
  isBound: boolean,
): { generation: number | undefined; isThere: boolean } {
  const families = [...new Set(elements.map(({ set }) => sets[set].family))];
  const { generation, comments } = nft.lookUp({ generation: isBound, families });
  if (comments.some((comment) => comment !== undefined && comment !== tableComment)) {
    rebuildTables(nft);
    return { generation: isBound ? nft.generation() : undefined, isThere: true };
  }
  return { generation, isThere: !comments.includes(undefined) };
}

/** What stands where elements are to be added, each once. */
function standing(
  nft: NftSocket,
  elements: readonly TableElement[],
  looks: boolean,
): TableElement[] {
  const found = meetingPorts(nft, elements);
  if (looks) {
    found.push(...elements.filter(belongsToPod).flatMap((each) => nft.find(each) ?? []));
    found.push(...overlappedIntervals(nft, elements));
  }
  return found.filter((each, at) => found.findIndex((other) => samePlace(each, other)) === at);
}

function refuseTaken(
  elements: readonly TableElement[],
  inTheWay: readonly TableElement[],
  { isGone }: AddOptions,
): void {
  const ours = new Set(elements.filter(belongsToPod).map(({ owner }) => owner));
  for (const other of inTheWay.filter(isPublishedPort)) {
    if (ours.has(other.owner)) continue;
    if (other.owner !== undefined && isGone?.(other.owner)) continue;
    throw new CniError(portTaken, `${portText(other)} is already published by ${ownerOf(other)}`, {
      details: describePlace(other),
    });
  }
}

function ownerOf({ owner }: TableElement): string {
  return owner === undefined ? "somebody who left no name" : `"${owner}"`;
}
