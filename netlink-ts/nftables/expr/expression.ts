/**
 * How an expression is described: its name, and the attributes that the name selects.
 * @module
 */

import type { Codec } from "../../wire/codec.ts";

/** One expression of a rule, as it is encoded. */
export interface ExpressionOf<N extends string, A> {
  name: N;
  data: A;
}

/** The description of one kind of expression; called, it makes one. */
export interface ExpressionKind<N extends string, A> {
  (data: A): ExpressionOf<N, A>;
  readonly kind: N;
  readonly codec: Codec<A>;
}

/** Describes a kind of expression by the name the kernel knows it by, and its NFTA_EXPR_DATA. */
export function expression<N extends string, A>(kind: N, codec: Codec<A>): ExpressionKind<N, A> {
  const make = (data: A): ExpressionOf<N, A> => ({ name: kind, data });
  return Object.assign(make, { kind, codec });
}
