/**
 * IPAM by delegation: executing the plugin that `ipam.type` names, with our own stdin and environment.
 * @see SPEC.md "Section 4: Plugin Delegation"
 * @module
 */

import { CniError, cniCode, during, explain, isErrno } from "../errors.ts";
import { host } from "../host.ts";
import { warn, writeStderrBytes } from "../log.ts";
import { readDelegateError } from "./delegate-error.ts";
import { type Command, type Environment, pluginDirectories } from "./environment.ts";
import { statIfReachable } from "./file-stat.ts";
import { parseJson } from "./json.ts";
import type { AskedIpam, Ipam } from "./plugin.ts";
import type { IpamResult } from "./result.ts";
import { readResult } from "./result-reader.ts";
import { requireExpressible } from "./result-writer.ts";
import type { SpecVersion } from "./versions.ts";

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const ANY_EXECUTE_BIT = 0o111;
/** While a program file is being replaced it cannot be executed. */
const MOST_TRIES = 6;
const RETRY_AFTER_MS = 1000;
const LARGEST_OUTPUT = 1 << 20;
/** Programs of {@link Ipam.needsLink}; all others give addresses out of what they know. */
const speakThroughLink: ReadonlySet<string> = new Set(["dhcp"]);

/** What a delegation needs to know of the call it is part of. */
export interface Delegation {
  /** `ipam.type`; undefined or empty when no IPAM is configured. */
  type: string | undefined;
  /** The calling program's own type. */
  caller: string;
  environment: Environment;
  /** The bytes that came in on stdin. */
  stdin: Uint8Array;
  cniVersion: SpecVersion;
}

/** The IPAM plugin of a call. Nothing is executed or looked up before one of its functions is called. */
export function ipamDelegate(delegation: Delegation): Ipam {
  const configured = !!delegation.type;
  const call = (command: Command) => {
    if (configured) execute(delegation, command);
  };
  return {
    configured,
    needsLink: speakThroughLink.has(delegation.type ?? ""),
    ask: () => ask(delegation),
    del: () => call("DEL"),
    startCheck: () => (configured ? begin(findPlugin(delegation), delegation, "CHECK") : () => {}),
    status: () => unlessUnknown("STATUS", () => call("STATUS")),
    gc: () => unlessUnknown("GC", () => call("GC")),
  };
}

function ask(delegation: Delegation): AskedIpam {
  const path = findPlugin(delegation);
  const finish = begin(path, delegation, "ADD");
  let state: "asked" | "answered" | "released" = "asked";
  const answer = () => {
    state = "released";
    try {
      const result = ipamResult(finish().stdout, path, delegation.cniVersion);
      state = "answered";
      return result;
    } catch (error) {
      release(path, delegation);
      throw error;
    }
  };
  return {
    answer,
    release() {
      const before = state;
      state = "released"; // whatever comes of it: it is said once
      if (before === "asked") waitFor(finish);
      if (before !== "released") run(path, delegation, "DEL");
    },
  };
}

/** DEL before ADD has ended would find nothing to delete. */
function waitFor(finish: () => HostSpawned): void {
  try {
    finish();
  } catch (error) {
    warn(`IPAM ADD: ${explain(error)}`); // what counts is the error that made us give it up
  }
}

/** What a failing ADD may have reserved is given back; the ADD's own error is the one that counts. */
function release(path: string, delegation: Delegation): void {
  try {
    run(path, delegation, "DEL");
  } catch (error) {
    warn(`IPAM DEL after the failed ADD: ${explain(error)}`);
  }
}

function ipamResult(stdout: Uint8Array, path: string, version: SpecVersion): IpamResult {
  const what = `result of ${JSON.stringify(path)}`;
  const { ips, routes, dns } = readResult(parseJson(stdout, what) ?? {}, what, version);
  if (!ips?.length) {
    throw new CniError(cniCode.badConfig, `IPAM plugin returned missing IP config`, {
      details: `${JSON.stringify(path)} gave no address`,
    });
  }
  requireExpressible(ips, version);
  // the index, if any, points into the delegate's own interfaces, which mean nothing here
  const addresses = ips.map(({ interface: _, ...ip }) => ip);
  return { ips: addresses, ...(routes ? { routes } : {}), ...(dns ? { dns } : {}) };
}

/** Delegates from before spec 1.1.0 do not know GC and STATUS; that is no failure of theirs. */
function unlessUnknown(command: "GC" | "STATUS", call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof CniError) || !knowsNot(command, error)) throw error;
    warn(`the IPAM plugin does not know ${command}: ${error.message}`);
  }
}

function knowsNot(command: string, { code, message }: CniError): boolean {
  if (code === cniCode.badEnvironment) return message.includes("unknown CNI_COMMAND");
  return code === cniCode.incompatibleVersion && message.includes(`not allow ${command}`);
}

function execute(delegation: Delegation, command: Command): void {
  run(findPlugin(delegation), delegation, command);
}

/** @throws {CniError} what the delegate said, or how it ended */
function run(path: string, delegation: Delegation, command: Command): HostSpawned {
  return begin(path, delegation, command)();
}

/** Starts it. @returns waits for its end, and throws what it said, or how it ended */
function begin(
  path: string,
  { environment, stdin }: Delegation,
  command: Command,
): () => HostSpawned {
  const env = environment.entries.map((entry) =>
    entry.startsWith("CNI_COMMAND=") ? `CNI_COMMAND=${command}` : entry,
  );
  const pid = start({ path, argv: [path], env, stdin, outputLimit: LARGEST_OUTPUT });
  return () => {
    const spawned = during(`execute ${JSON.stringify(path)}`, () => host.finish(pid));
    writeStderrBytes(spawned.stderr);
    if (spawned.status === 0 && !spawned.outputExceeded) return spawned;
    throw readDelegateError(path, spawned);
  };
}

function start(what: HostSpawn): number {
  return during(`execute ${JSON.stringify(what.path)}`, () => {
    for (let tries = 1; ; tries++) {
      try {
        return host.start(what);
      } catch (error) {
        if (!isErrno(error, "ETXTBSY") || tries === MOST_TRIES) throw error;
        host.nanosleep(RETRY_AFTER_MS);
      }
    }
  });
}

/** The first executable file of that name in CNI_PATH. @throws {CniError} 50 when there is none */
function findPlugin({ type, caller, environment }: Delegation): string {
  if (!type)
    throw new CniError(cniCode.badConfig, '"ipam.type" is missing: no plugin name provided');
  if (type.includes("/") || type === "." || type === ".." || type.includes("\0")) {
    const text = `"ipam.type": invalid plugin name: ${type}`;
    throw new CniError(cniCode.badConfig, text, { details: "want a file name without a path" });
  }
  if (type === caller) throw selfCall(type);
  const directories = pluginDirectories(environment);
  for (const directory of directories) {
    const path = `${directory}/${type}`;
    const file = statIfReachable(path, warn);
    if (file === undefined || (file.mode & S_IFMT) !== S_IFREG) continue;
    if ((file.mode & ANY_EXECUTE_BIT) === 0) {
      warn(`${JSON.stringify(path)} cannot be executed: mode 0${(file.mode & 0o7777).toString(8)}`);
      continue;
    }
    if (isSelf(file)) throw selfCall(type);
    return path;
  }
  const text = `failed to find plugin ${JSON.stringify(type)} in path [${directories.join(" ")}]`;
  throw new CniError(cniCode.notAvailable, text);
}

/** A plugin that is its own IPAM plugin would execute itself without end, also under another name. */
function selfCall(type: string): CniError {
  return new CniError(
    cniCode.badConfig,
    `"ipam.type" names the plugin itself: ${JSON.stringify(type)}`,
  );
}

function isSelf(file: HostStat): boolean {
  const self = statIfReachable("/proc/self/exe");
  return self?.dev === file.dev && self.ino === file.ino;
}
