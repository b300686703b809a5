/**
 * Programs by which the kernel chooses what a socket hears.
 * @see Documentation/networking/filter.rst, include/uapi/linux/filter.h
 * @module
 */

/** Code, jumps by which to go on when a comparison is true and when it is false, and the operand: struct sock_filter. */
export type Instruction = readonly [
  code: number,
  jumpTrue: number,
  jumpFalse: number,
  operand: number,
];

/** The bytes that SO_ATTACH_FILTER takes. */
export function socketFilter(...program: readonly Instruction[]): Uint8Array {
  return Uint8Array.from(
    program.flatMap(([code, jumpTrue, jumpFalse, operand]) => [
      ...[code, 0, jumpTrue, jumpFalse],
      ...[0, 8, 16, 24].map((shift) => (operand >>> shift) & 0xff),
    ]),
  );
}
