/**
 * Values that do not fit their bytes.
 * @module
 */

/** The error of a value that cannot be encoded. {@link nameRange} puts the field's path before it. */
export function rangeError(problem: string): RangeError {
  return new RangeError(`encode: ${problem}`);
}

/**
 * Puts the name of the enclosing field into the message of a {@link rangeError}, as
 * `encode link.mtu: want 0 to 4294967295, got -1`; encoders call it on the way out. Other errors pass unchanged.
 */
export function nameRange(error: unknown, name: string): unknown {
  if (error instanceof RangeError && name !== "" && error.message.startsWith("encode")) {
    const rest = error.message.slice("encode".length);
    error.message = rest.startsWith(":")
      ? `encode ${name}${rest}`
      : `encode ${name}.${rest.slice(1)}`;
  }
  return error;
}
