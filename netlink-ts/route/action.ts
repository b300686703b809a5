/**
 * What filters do with packets.
 * @see include/uapi/linux/pkt_cls.h, enum TCA_ACT_*; include/uapi/linux/tc_act/tc_mirred.h
 * @module
 */

import { attributes, list, selectedBy, unflagged } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { bytes, cstring, i32, u32 } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";

/** In `action`: the packet goes on as if there was no filter. */
export const TC_ACT_OK = 0;
/** In `action`: the filter has taken the packet. */
export const TC_ACT_STOLEN = 4;

/** In `eaction`: the packet itself leaves by that link. */
export const TCA_EGRESS_REDIR = 1;
/** In `eaction`: a copy of it. */
export const TCA_EGRESS_MIRROR = 2;

/**
 * struct tc_mirred: packets leave by another link. `action` is TC_ACT_*, what becomes of the packet here; `eaction`
 * TCA_EGRESS_*; `ifindex` the other link.
 */
const mirredParms = struct({
  index: u32,
  capabilities: u32,
  action: i32,
  refcnt: i32,
  bindcnt: i32,
  eaction: i32,
  ifindex: i32,
});

/** TCA_ACT_OPTIONS of mirred. */
const mirred = attributes({
  /** TCA_MIRRED_PARMS */
  parms: [2, mirredParms],
  /** TCA_MIRRED_TM: when it was made and used. */
  times: [1, bytes],
  blockId: [4, u32],
});

/** One action. */
const action = attributes({
  /** TCA_ACT_KIND: as "mirred". */
  kind: [1, cstring],
  /** TCA_ACT_STATS: counters. */
  stats: [4, bytes],
  cookie: [6, bytes],
  flags: [7, bytes],
  hwStats: [8, bytes],
  usedHwStats: [9, bytes],
  inHwCount: [10, u32],
  /** TCA_ACT_OPTIONS: by kind; bytes for a kind that is not described here. */
  options: [2, unflagged(selectedBy("kind", { mirred }))],
});
export type Action = Decoded<typeof action>;

/** Actions, done one after another until one takes the packet. */
export const actions = unflagged(list(unflagged(action), "place"));

/** What mirred does, if the action is that. */
export function mirredOf({ kind, options }: Action) {
  return kind === "mirred" ? (options as Decoded<typeof mirred> | undefined)?.parms : undefined;
}
