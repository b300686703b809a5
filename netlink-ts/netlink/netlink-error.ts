/**
 * The error of a request that the kernel refused.
 * @module
 */

import { errnoName, errnoText } from "./errno.ts";
import type { ExtendedAck } from "./extended-ack.ts";

/** What the kernel said, and which attributes of the request it spoke of. */
export interface Refusal extends ExtendedAck {
  /** Path of the attribute at `offset`, as `link.linkInfo.data.vlanFiltering`. */
  attribute?: string | undefined;
  /** Path of the attribute that `missingType` says is not there. */
  missing?: string | undefined;
}

/**
 * A request that the kernel refused. `message` is `RTM_NEWADDR: EEXIST: ipv4: Address already assigned`: the request, the
 * errno, and the kernel's own words or, without any, what the errno means.
 */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  /** Name of the request, as "RTM_NEWADDR". */
  readonly request: string;
  /** Positive, as 17. */
  readonly errno: number;
  /** Its name, as "EEXIST". */
  readonly code: string;
  readonly extendedAck: Refusal | undefined;
  /** Which of several requests sent together it was, from 0. */
  readonly index: number;

  constructor(request: string, errno: number, extendedAck?: Refusal, index = 0) {
    const words = extendedAck?.message ?? errnoText(errno);
    super(`${request}: ${errnoName(errno)}: ${words}${about(extendedAck)}`);
    this.request = request;
    this.errno = errno;
    this.code = errnoName(errno);
    this.extendedAck = extendedAck;
    this.index = index;
  }
}

function about(refusal: Refusal | undefined): string {
  if (refusal?.attribute !== undefined) {
    return ` (${refusal.attribute})`;
  }
  return refusal?.missing === undefined ? "" : ` (${refusal.missing} is missing)`;
}
