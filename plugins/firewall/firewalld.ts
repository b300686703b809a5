/**
 * firewalld, as far as sources of its zones go.
 * @see firewalld.dbus(5), interface org.fedoraproject.FirewallD1.zone
 * @module
 */

import { DbusError } from "../../core/dbus/dbus-error.ts";
import { isNoBus, SystemBus } from "../../core/dbus/system-bus.ts";
import { CniError, cniCode, rootCause } from "../../core/errors.ts";

/** The name it has on the bus. */
const name = "org.fedoraproject.FirewallD1";
const zones = {
  destination: name,
  path: "/org/fedoraproject/FirewallD1",
  interface: `${name}.zone`,
};
/** It writes its rules anew before it answers, and does one thing at a time; other clients wait as long. */
const timeoutMs = 25_000;
const isMissing = 'start firewalld, or leave "backend" out';

/** What firewalld is asked; a zone's sources are text, as `10.0.0.2/32`. Dispose it. */
export class Firewalld implements Disposable {
  readonly #bus: SystemBus;

  private constructor(bus: SystemBus) {
    this.#bus = bus;
  }

  /** Connects. @throws {CniError} 11 where there is no bus, or no firewalld on it */
  static open(): Firewalld {
    const bus = openBus();
    const firewalld = withOwner(bus, (owned) => new Firewalld(owned));
    if (firewalld !== undefined) return firewalld;
    const where = `nobody on "${bus.address}" has the name "${name}": ${isMissing}`;
    throw new CniError(cniCode.tryAgain, `firewalld does not run: ${where}`);
  }

  /** Connects; undefined when firewalld does not run. @throws {CniError} there is a bus that cannot be asked */
  static openIfRunning(): Firewalld | undefined {
    try {
      return withOwner(SystemBus.open(), (owned) => new Firewalld(owned));
    } catch (error) {
      if (isNoBus(error)) return undefined;
      throw error;
    }
  }

  /** Puts a source into a zone. @returns false when it was there */
  addSource(zone: string, source: string): boolean {
    try {
      this.#call("addSource", zone, source);
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (code === "ZONE_ALREADY_SET" || code === "ALREADY_ENABLED") return false;
      if (code === "ZONE_CONFLICT") throw this.#conflict(source, error);
      throw error;
    }
  }

  /** Takes a source out of a zone, if it is there. */
  removeSource(zone: string, source: string): void {
    try {
      this.#call("removeSource", zone, source);
    } catch (error) {
      // not there: forgotten with a reload, or in a zone that somebody else put it into, or where there is no such zone
      if (!gone.has(codeOf(error) ?? "")) throw error;
    }
  }

  /** Whether a zone has that source. @throws {CniError} 7 when there is no such zone */
  hasSource(zone: string, source: string): boolean {
    return this.#call("querySource", zone, source)[0] === true;
  }

  [Symbol.dispose](): void {
    this.#bus[Symbol.dispose]();
  }

  #call(member: string, zone: string, source: string) {
    try {
      return this.#bus.call({ ...zones, member, signature: "ss", body: [zone, source], timeoutMs });
    } catch (cause) {
      if (codeOf(cause) !== "INVALID_ZONE") throw cause;
      const details = "firewall-cmd --get-zones names those that there are";
      const message = `"firewalldZone": firewalld has no zone ${JSON.stringify(zone)}`;
      throw new CniError(cniCode.badConfig, message, { details, cause });
    }
  }

  #conflict(source: string, cause: unknown): CniError {
    const asked = {
      ...zones,
      member: "getZoneOfSource",
      signature: "s",
      body: [source],
      timeoutMs,
    };
    const [zone] = this.#bus.call(asked);
    const details = `it takes: firewall-cmd --zone=${zone} --remove-source=${source}`;
    const message = `firewalld has it in zone ${JSON.stringify(zone)}`;
    return new CniError(cniCode.internal, message, { details, cause });
  }
}

const gone = new Set(["UNKNOWN_SOURCE", "NOT_ENABLED", "ZONE_CONFLICT", "INVALID_ZONE"]);

function openBus(): SystemBus {
  try {
    return SystemBus.open();
  } catch (cause) {
    if (!isNoBus(cause)) throw cause;
    const message = `firewalld cannot be asked, there is no system bus: ${isMissing}`;
    throw new CniError(cniCode.tryAgain, message, { cause });
  }
}

/** Closes the bus again where nobody has the name. */
function withOwner<T>(bus: SystemBus, use: (bus: SystemBus) => T): T | undefined {
  let isUsed = false;
  try {
    isUsed = bus.hasOwner(name);
    return isUsed ? use(bus) : undefined;
  } finally {
    if (!isUsed) bus[Symbol.dispose]();
  }
}

/** firewalld's code of an error, `UNKNOWN_SOURCE: '10.0.0.2/32' is not in any zone`; undefined for errors of others. */
function codeOf(error: unknown): string | undefined {
  const cause = rootCause(error);
  if (!(cause instanceof DbusError) || cause.errorName !== `${name}.Exception`) return undefined;
  return /^[A-Z_]+/.exec(cause.text)?.[0];
}
