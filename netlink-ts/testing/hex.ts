/**
 * Captured bytes as text.
 * @module
 */

/**
 * Bytes from hexadecimal text. White space means nothing, and `#` starts a comment that runs to the end of its line:
 * `hex("08 00 01 00  7f 00 00 01   # IFA_ADDRESS")`.
 * @throws {SyntaxError} for anything else, and for half a byte
 */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/#.*$/gm, "").replace(/\s+/g, "");
  const wrong = /[^0-9a-fA-F]/.exec(digits);
  if (wrong !== null) {
    throw new SyntaxError(`want hexadecimal digits, got "${wrong[0]}"`);
  }
  if (digits.length % 2 !== 0) {
    throw new SyntaxError(`want whole bytes, got ${digits.length} digits`);
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}

/** The reverse: four bytes a group, sixteen a line. */
export function formatHex(bytes: Uint8Array): string {
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const lines: string[] = [];
  for (let start = 0; start < pairs.length; start += 16) {
    const line = pairs.slice(start, start + 16);
    const groups = [0, 4, 8, 12].map((at) => line.slice(at, at + 4).join(" "));
    lines.push(groups.filter((group) => group !== "").join("  "));
  }
  return lines.join("\n");
}
