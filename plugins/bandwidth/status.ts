/**
 * STATUS of bandwidth: everything that an ADD takes is made once, where it harms nobody.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { newFilter } from "netlink-ts/route/filter.ts";
import { newQdisc } from "netlink-ts/route/qdisc.ts";

import { CniError, cniCode } from "../../core/errors.ts";
import { notAvailable } from "../../core/link/status.ts";
import { inScratchNetns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import type { Scope } from "./config.ts";
import { createIfb } from "./ifb.ts";
import { queueCalls, queueOf } from "./queue.ts";
import { ingressQdisc, redirectionTo } from "./redirection.ts";

const attachment = { network: "status", containerId: "status", ifname: "eth0" };
const limit = { rate: 8_000_000n, burst: 8_000_000n };
/** Of every network namespace. */
const LO = 1;

/** @throws {CniError} 50 that names what this kernel lacks */
export function requireTrafficControl(scope: Scope): void {
  attempt("make a network namespace", () => inScratchNetns(() => makeAll(scope)));
}

function makeAll(scope: Scope): void {
  using route = RouteSocket.open();
  attempt("make an ifb", () => createIfb(route, attachment, { mtu: 1500, classful: false }));
  attempt("make an ingress qdisc", () =>
    route.batch(call(newQdisc, { ...ingressQdisc, ifindex: LO })),
  );
  attempt("make a u32 filter with mirred", () =>
    route.batch(call(newFilter, { ...redirectionTo(LO), ifindex: LO })),
  );
  const kind = scope.kind === "all" ? "tbf" : "htb";
  attempt(`make a ${kind}`, () => route.batch(...queueCalls(queueOf(limit, scope, "source"), LO)));
}

function attempt(what: string, run: () => unknown): void {
  try {
    run();
  } catch (cause) {
    if (cause instanceof CniError && cause.code === cniCode.notAvailable) throw cause;
    throw notAvailable(`this kernel cannot hold packets back: ${what}`, cause);
  }
}
