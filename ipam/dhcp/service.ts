/**
 * What this call has to say to the daemon.
 * @module
 */

import { readEnvironment } from "../../core/cni/environment.ts";
import type { CniResult } from "../../core/cni/result.ts";
import { type DhcpConfig, defaultSocketPath } from "../../core/dhcp/config.ts";
import { CniError, cniCode, cniErrorOf } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import {
  allocateFields,
  allocateShape,
  collectFields,
  collectShape,
  dhcpMethod,
  emptyShape,
  readResultFields,
  resultShape,
} from "../../core/rpc/dhcp-service.ts";
import { GobDecoder } from "../../core/rpc/gob-decoder.ts";
import type { GobFields } from "../../core/rpc/gob-encoder.ts";
import { RpcClientConnection, RpcServerConnection } from "../../core/rpc/net-rpc.ts";
import { callDaemon, NoDaemonError } from "./connection.ts";

type Config = Partial<DhcpConfig>;

// what is told of types, and read of those of our own daemon, is worked out when the program is built
for (const shape of [allocateShape, collectShape, emptyShape]) {
  new RpcClientConnection().call("", shape, {});
}
const exampleCall = { method: "", sequence: 0, args: {} };
new GobDecoder().feed(new RpcServerConnection().reply(exampleCall, resultShape, {}));

/** Longer than the daemon tries, 208 s unless its flags say otherwise. */
const allocateMs = 600_000;
const releaseMs = 60_000;
const collectMs = 60_000;
const pingMs = 5000;

/** A lease for this attachment, the one that it has or a new one. @throws {CniError} as the daemon's */
export function allocate(config: Config): CniResult {
  const { allocate: method } = dhcpMethod;
  const reply = callDaemon({
    socketPath: socketPathOf(config),
    method,
    shape: allocateShape,
    args: callFields(config),
    timeoutMs: allocateMs,
  });
  try {
    return readResultFields(reply);
  } catch (cause) {
    throw new CniError(cniCode.internal, `error calling ${method}: the answer is no result`, {
      cause,
    });
  }
}

/** Gives the lease of this attachment back; that there is none is no failure. @throws {CniError} as the daemon's */
export function release(config: Config): void {
  callDaemon({
    socketPath: socketPathOf(config),
    method: dhcpMethod.release,
    shape: allocateShape,
    args: callFields(config),
    timeoutMs: releaseMs,
  });
}

/**
 * Gives back the leases of the network that are none of `valid`, `containerID/ifname` each.
 * @returns false for a daemon that does not know this call, as the reference's
 * @throws {CniError} as the daemon's
 */
export function collect(config: Config, network: string, valid: string[]): boolean {
  return knowsMethod(() =>
    callDaemon({
      socketPath: socketPathOf(config),
      method: dhcpMethod.collect,
      shape: collectShape,
      args: collectFields({ network, valid }),
      timeoutMs: collectMs,
    }),
  );
}

/** @throws {CniError} 50 when no daemon answers; one that does not know the question has answered */
export function requireDaemon(config: Config): void {
  const call = {
    socketPath: socketPathOf(config),
    method: dhcpMethod.ping,
    shape: emptyShape,
    args: {},
    timeoutMs: pingMs,
  };
  try {
    knowsMethod(() => callDaemon(call));
  } catch (cause) {
    const { message, details } = cniErrorOf(cause);
    throw new CniError(cniCode.notAvailable, message, details === undefined ? {} : { details });
  }
}

/** net/rpc's words for a method that is not there. */
function knowsMethod(call: () => GobFields): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof CniError && error.message.includes("rpc: can't find method")) return false;
    throw error;
  }
}

/** Runs the step; that nobody is there to take it is said with `warn`, and no failure. */
export function ifDaemonIsThere(step: () => void, warn: (text: string) => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof NoDaemonError)) throw error;
    warn(`${error.message}; ${error.details}`);
  }
}

function socketPathOf({ ipam }: Config): string {
  return ipam?.daemonSocketPath || defaultSocketPath;
}

function callFields(config: Config): GobFields {
  const environment = readEnvironment(host.environ());
  const get = (name: string) => environment.get(name) ?? "";
  return allocateFields({
    containerId: get("CNI_CONTAINERID"),
    netns: absolute(get("CNI_NETNS")),
    ifName: get("CNI_IFNAME"),
    args: get("CNI_ARGS"),
    path: get("CNI_PATH"),
    netnsOverride: get("CNI_NETNS_OVERRIDE"),
    stdinData: new TextEncoder().encode(JSON.stringify(config)),
    wantsDetails: true,
  });
}

/** The daemon has another working directory. */
function absolute(path: string): string {
  return path === "" || path.startsWith("/") ? path : `${host.readlink("/proc/self/cwd")}/${path}`;
}
