/**
 * The list of a rule's expressions. An expression that no file here describes keeps its data as bytes.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_expr_attributes
 * @module
 */

import { attributes, list, selectedBy } from "../../wire/attributes.ts";
import type { Decoded } from "../../wire/codec.ts";
import { cstring } from "../../wire/scalars.ts";
import { bitwise } from "./bitwise.ts";
import { byteorder } from "./byteorder.ts";
import { cmp } from "./cmp.ts";
import { counter } from "./counter.ts";
import { ct } from "./ct.ts";
import type { ExpressionKind, ExpressionOf } from "./expression.ts";
import { fib } from "./fib.ts";
import { immediate } from "./immediate.ts";
import { lookup } from "./lookup.ts";
import { masquerade } from "./masquerade.ts";
import { meta } from "./meta.ts";
import { nat } from "./nat.ts";
import { payload } from "./payload.ts";
import { reject } from "./reject.ts";
import { match, target } from "./xtables.ts";

const kinds = {
  bitwise: bitwise.codec,
  byteorder: byteorder.codec,
  cmp: cmp.codec,
  counter: counter.codec,
  ct: ct.codec,
  fib: fib.codec,
  immediate: immediate.codec,
  lookup: lookup.codec,
  masq: masquerade.codec,
  match: match.codec,
  meta: meta.codec,
  nat: nat.codec,
  payload: payload.codec,
  reject: reject.codec,
  target: target.codec,
};

/** NFTA_EXPR_* */
const item = attributes({
  /** NFTA_EXPR_NAME */
  name: [1, cstring],
  /** NFTA_EXPR_DATA: what `name` says. */
  data: [2, selectedBy("name", kinds)],
});
export type Expression = Decoded<typeof item>;

/** NFTA_RULE_EXPRESSIONS, NFTA_SET_ELEM_EXPRESSIONS */
export const expressions = list(item);

/** The data of an expression if it is of this kind. */
export function dataOf<N extends string, A>(
  kind: ExpressionKind<N, A>,
  expression: Expression,
): ExpressionOf<N, A>["data"] | undefined {
  return expression.name === kind.kind ? (expression.data as A | undefined) : undefined;
}
