/**
 * The error that a call is answered with.
 * @module
 */

/** An ERROR message: callers tell errors apart by their name. */
export class DbusError extends Error {
  override readonly name = "DbusError";
  /** As `org.freedesktop.DBus.Error.ServiceUnknown`. */
  readonly errorName: string;
  /** What it says, without the name; "" when it says nothing. */
  readonly text: string;

  constructor(errorName: string, text: string) {
    super(text === "" ? errorName : `${errorName}: ${text}`);
    this.errorName = errorName;
    this.text = text;
  }
}
