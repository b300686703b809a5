/**
 * The door to the system: the native host's functions, one a system call. Nothing else in the repository names the
 * global object behind it.
 * @see runtime/host.d.ts
 * @module
 */

/// <reference path="../runtime/host.d.ts" />

// `using` is lowered by the bundler and looks this symbol up while it runs
if (typeof Symbol.dispose !== "symbol") {
  Object.defineProperty(Symbol, "dispose", { value: Symbol.for("Symbol.dispose") });
}

/** Every system call a program may make. Throws {@link HostError}; while a program is built each function throws. */
export const host: Host = (globalThis as unknown as { netloomHost: Host }).netloomHost;
