/**
 * CHECK of tuning.
 * @module
 */

import type { CheckCall } from "../../core/cni/plugin.ts";
import { CniError } from "../../core/errors.ts";
import type { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { readSysctlIfPresent } from "../../core/net/sysctl.ts";
import { usableRecord } from "../../core/state/record.ts";
import type { TuningConfig, Wanted } from "./config.ts";
import { differing, namesOf, settingText } from "./link.ts";
import { readTuned, recordName } from "./record.ts";
import { type SetSysctl, type Sysctl, sameValue } from "./sysctls.ts";
import { requireLink } from "./tune.ts";

/** CHECK found another value. */
const notAsTuned = 100;

/** @throws {CniError} 100 that names what has another value; 999 when the link is gone, or the record cannot be used */
export function checkTuned(call: CheckCall<TuningConfig>, wanted: Wanted, netns: Netns): void {
  const { sysctls = [] } = usableRecord(call.attachment, recordName, readTuned) ?? {};
  const [first, ...others] = [
    ...sysctlFaults(sysctls, wanted.sysctls, netns),
    ...linkFaults(call, wanted, netns),
  ];
  if (first === undefined) return;
  const details = others.slice(0, 8).join("; ");
  throw new CniError(notAsTuned, first, details === "" ? {} : { details });
}

function fault(what: string, wanted: string, found: string): string {
  return `Tuning configured value of ${what} is ${wanted}, current value is ${found}`;
}

function sysctlFaults(
  recorded: readonly SetSysctl[],
  wanted: readonly Sysctl[],
  netns: Netns,
): string[] {
  if (wanted.length === 0) return [];
  return netns.run(() =>
    wanted.flatMap(({ name, value }) => {
      const set = recorded.find((each) => each.name === name && each.value === value);
      if (set !== undefined && set.before === undefined) return []; // it cannot be read
      const found = readSysctlIfPresent(name);
      if (sameValue(found, value) || (set?.made !== undefined && sameValue(found, set.made)))
        return [];
      const text = found === undefined ? "none: it is gone" : JSON.stringify(found);
      return [fault(`"${name}"`, JSON.stringify(value), text)];
    }),
  );
}

function linkFaults(call: CheckCall<TuningConfig>, wanted: Wanted, netns: Netns): string[] {
  if (namesOf(wanted.link).length === 0) return [];
  using route = RouteSocket.dial(netns);
  const link = requireLink(route, call);
  return differing(link, wanted.link).map((name) =>
    fault(`"${name}" of "${call.ifName}"`, settingText(wanted.link, name), settingText(link, name)),
  );
}
