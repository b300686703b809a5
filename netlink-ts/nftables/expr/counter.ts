/**
 * counter: counts what reaches it.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_counter_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u64be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

/** Starts from 0 where nothing is given. */
export const counter = expression(
  "counter",
  attributes({ bytes: [1, u64be], packets: [2, u64be] }),
);
