/**
 * Loaded before every test file: puts a `netloomHost` into the global scope that belongs to the test.
 *
 * Shipped code reads the host through `core/host.ts` only, and only when a function runs, so one proxy serves every
 * test: what it stands for is chosen with {@link setHost} and is nothing between tests.
 * @module
 */
import { version } from "../scripts/place.ts";

let current: Partial<Host> | undefined;

/** What the code under test takes for the host from now on; `undefined` for none. */
export function setHost(host: Partial<Host> | undefined): void {
  current = host;
}

/** The host's function of that name. @throws {Error} when the test has not faked it. */
function hostFunction(name: string): unknown {
  if (current === undefined) {
    throw new Error(`netloomHost.${name}: no fake host is set; call useHost() in this test`);
  }
  const found = (current as Record<string, unknown>)[name];
  if (typeof found !== "function") throw new Error(`netloomHost.${name}: not faked in this test`);
  return found.bind(current);
}

const host = new Proxy({} as Host, {
  get: (_, name) => (typeof name === "symbol" ? undefined : hostFunction(name)),
});

Object.defineProperty(globalThis, "netloomHost", { value: host });
Object.defineProperty(globalThis, "NETLOOM_VERSION", { value: version });

/** Mocha root hooks: no fake host outlives its test. */
export const mochaHooks = {
  afterEach(): void {
    setHost(undefined);
  },
};
