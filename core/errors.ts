/**
 * The errors a program ends with, and how layers add to them.
 *
 * A layer that knows more adds one phrase with {@link during} and keeps the cause; nobody repeats the message below.
 * {@link explain} joins such a chain to one line, {@link cniErrorOf} makes the spec's error object of it.
 * @module
 */

/** Error codes of SPEC.md "Error"; 8 is the reference skeleton's, 999 stands for what has no code of its own. */
export const cniCode = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  badEnvironment: 4,
  io: 5,
  decode: 6,
  badConfig: 7,
  badNetns: 8,
  tryAgain: 11,
  notAvailable: 50,
  limitedConnectivity: 51,
  internal: 999,
} as const;

/** An error with a code of the spec. `message` is the error object's `msg`. */
export class CniError extends Error {
  override readonly name: string = "CniError";
  /** One of {@link cniCode}, or a plugin's own, from 100 on. */
  readonly code: number;
  /** Longer explanation; when absent, the messages of the causes take its place. */
  readonly details?: string;

  constructor(code: number, message: string, options: { details?: string; cause?: unknown } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    if (options.details !== undefined) this.details = options.details;
  }
}

/**
 * Runs `fn`; what it throws gets `phrase` in front: `add address "10.1.0.5/24" to "eth0"`.
 * @throws {CniError} with the code of the error below, and that error as its cause
 */
export function during<T>(phrase: string, fn: () => T): T {
  try {
    return fn();
  } catch (cause) {
    throw new CniError(codeOf(cause), phrase, { cause });
  }
}

/**
 * True when a failing system call or netlink request with one of `codes` ("ENOENT") is `error` or below it; without
 * `codes`, any.
 */
export function isErrno(error: unknown, ...codes: string[]): boolean {
  return causes(error).some((each) => {
    const { code } = each as { code?: unknown };
    return typeof code === "string" && (codes.length === 0 || codes.includes(code));
  });
}

/**
 * Runs what is as likely to fail as not. Errors made meanwhile have no trace of the stack: the engine takes longer to write
 * one than the kernel for the call it is of.
 */
export function untraced<T>(fn: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return fn();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** What `fn` throws, as of {@link untraced}; undefined when it does not. */
export function failureOf(fn: () => void): unknown {
  return untraced(() => {
    try {
      fn();
      return undefined;
    } catch (error) {
      return error; // thrown from here on it would get a trace after all
    }
  });
}

/** What `fn` gives; undefined when it fails with one of these codes ("ENOENT"). */
export function unlessErrno<T>(codes: readonly string[], fn: () => T): T | undefined {
  let value: T | undefined;
  const error = failureOf(() => {
    value = fn();
  });
  if (error === undefined || isErrno(error, ...codes)) return value;
  throw error;
}

/**
 * Runs every step even when some fail, then throws: the one error as it is, or several as one CniError that has the
 * first one's code and all messages.
 */
export function attemptAll(...steps: (() => void)[]): void {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 0) return;
  if (errors.length === 1) throw errors[0];
  const first = cniErrorOf(errors[0]);
  const details = [first.details, ...errors.slice(1).map((error) => `also: ${explain(error)}`)];
  throw new CniError(first.code, first.message, {
    details: details.filter((text) => text !== undefined).join("; "),
    cause: errors[0],
  });
}

/** The whole chain as one line: `phrase: phrase: message; details`. */
export function explain(error: unknown): string {
  const chain = causes(error);
  const stop = chain.findIndex((each) => detailsOf(each) !== undefined);
  const told = stop < 0 ? chain : chain.slice(0, stop + 1);
  const details = stop < 0 ? undefined : detailsOf(chain[stop]);
  const line = told.map(messageOf).join(": ");
  return details === undefined ? line : `${line}; ${details}`;
}

/**
 * Any thrown value as the error object that is printed: `message` holds the phrases down to the last CniError of the
 * chain, `details` what lies below. A delegate's error so keeps its code, msg and details under any phrases.
 */
export function cniErrorOf(error: unknown): CniError {
  const chain = causes(error);
  const own = chain.findIndex((each) => detailsOf(each) !== undefined);
  const last = own >= 0 ? own : chain.findLastIndex((each) => each instanceof CniError);
  const end = Math.max(last, 0) + 1;
  const details = detailsOf(chain[last]) ?? chain.slice(end).map(messageOf).join(": ");
  const message = chain.slice(0, end).map(messageOf).join(": ");
  return new CniError(
    codeOf(error),
    message,
    details === "" ? { cause: error } : { details, cause: error },
  );
}

/** The innermost cause: where the trouble began. */
export function rootCause(error: unknown): unknown {
  return causes(error).at(-1);
}

/** Errno names after which the same call may succeed a moment later. */
const transient = ["EAGAIN", "EBUSY", "ETIMEDOUT", "EINTR"];
/** Errno names of storage and process limits: what the spec calls an I/O failure. */
const storage = ["EIO", "ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENFILE", "EFBIG"];

/** The code of the uppermost CniError; without one, what the errno says, else 999. */
function codeOf(error: unknown): number {
  const coded = causes(error).find((each) => each instanceof CniError);
  if (coded instanceof CniError) return coded.code;
  if (isErrno(error, ...transient)) return cniCode.tryAgain;
  return isErrno(error, ...storage) ? cniCode.io : cniCode.internal;
}

/** The error and its causes, outermost first; a cycle or an endless chain is cut. */
function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let each = error; each != null && chain.length < 32; ) {
    chain.push(each);
    each = each instanceof Error ? each.cause : undefined;
  }
  return chain;
}

function detailsOf(error: unknown): string | undefined {
  return error instanceof CniError ? error.details : undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isMistake = ["TypeError", "RangeError", "ReferenceError", "SyntaxError", "InternalError"];
  if (isMistake.includes(error.name)) return `unexpected ${error.name}: ${error.message}`;
  return error.message === "" ? error.name : error.message;
}
