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
 *
 * Most refusals are expected and nobody reads them, so the words are put together when they are asked for.
 */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  /** Name of the request, as "RTM_NEWADDR". */
  readonly request: string;
  /** Positive, as 17. */
  readonly errno: number;
  /** Its name, as "EEXIST". */
  readonly code: string;
  /** Which of several requests sent together it was, from 0. */
  readonly index: number;
  private refusal: Refusal | (() => Refusal) | undefined;

  /** @param refusal or what finds it out, called at most once */
  constructor(request: string, errno: number, refusal?: Refusal | (() => Refusal), index = 0) {
    super();
    this.request = request;
    this.errno = errno;
    this.code = errnoName(errno);
    this.refusal = refusal;
    this.index = index;
  }

  get extendedAck(): Refusal | undefined {
    if (typeof this.refusal === "function") this.refusal = this.refusal();
    return this.refusal;
  }

  override get message(): string {
    const { request, errno, code, extendedAck } = this;
    return `${request}: ${code}: ${extendedAck?.message ?? errnoText(errno)}${about(extendedAck)}`;
  }
}

function about(refusal: Refusal | undefined): string {
  if (refusal?.attribute !== undefined) {
    return ` (${refusal.attribute})`;
  }
  return refusal?.missing === undefined ? "" : ` (${refusal.missing} is missing)`;
}
