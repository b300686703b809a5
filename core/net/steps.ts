/**
 * Several requests in few sends, each with what the user is told when it is refused.
 * @module
 */

import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import type { Call } from "netlink-ts/netlink/request.ts";

import { during } from "../errors.ts";
import { inParts } from "./parts.ts";
import type { RouteSocket } from "./route-socket.ts";

/** A request, and what the user is told when it is refused. */
export interface Step {
  readonly phrase: string;
  readonly call: Call;
}

/** Sends them in order, hundreds at once. @throws {CniError} the first refusal, behind its phrase */
export function runSteps(route: RouteSocket, steps: readonly Step[]): void {
  for (const part of inParts(steps)) runPart(route, part);
}

function runPart(route: RouteSocket, steps: readonly Step[]): void {
  try {
    route.batch(...steps.map((step) => step.call));
  } catch (error) {
    const step = error instanceof NetlinkError ? steps[error.index] : undefined;
    during(step?.phrase ?? "configure interface", () => {
      throw error;
    });
  }
}
