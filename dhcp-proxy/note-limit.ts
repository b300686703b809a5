/**
 * Which notes are written to the log: anybody on the link can send what is worth one, as often as the link allows.
 * @module
 */

/** Notes of one exchange. */
const MOST_NOTES = 8;

/** Notes of one lease, exchange after exchange. */
export class NoteLimit {
  #xid: number | undefined;
  readonly #texts = new Set<string>();

  /** Whether a note of the exchange with that transaction id is to be written: each text once, and not many of them. */
  admits(xid: number, text: string): boolean {
    if (this.#xid !== xid) this.#texts.clear();
    this.#xid = xid;
    if (this.#texts.has(text) || this.#texts.size >= MOST_NOTES) return false;
    this.#texts.add(text);
    return true;
  }
}
