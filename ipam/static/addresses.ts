/**
 * Which of the addresses that a call may name are the ones it gets.
 * @module
 */

import type { CniArgs } from "../../core/cni/cni-args.ts";
import type { CniIp } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { contains, formatCidr, formatIp, type Prefix, parseIp } from "../../core/net/address.ts";
import { parseAddress, type StaticConfig } from "./config.ts";

interface Address {
  prefix: Prefix;
  gateway?: Uint8Array | undefined;
}

/**
 * The addresses of the strongest source that names any: `runtimeConfig.ips`, then `args.cni.ips`, then
 * `ipam.addresses` and behind them `IP` of CNI_ARGS.
 * @throws {CniError} 4 for an address in CNI_ARGS that is none
 */
export function chosenAddresses(
  { ipam, args, runtimeConfig }: StaticConfig,
  cniArgs: CniArgs,
): CniIp[] {
  const requested = [runtimeConfig?.ips, args?.cni?.ips].find((ips) => ips?.length);
  const chosen: Address[] = requested?.map((prefix) => ({ prefix })) ?? [
    ...(ipam?.addresses ?? []).map(({ address: prefix, gateway }) => ({ prefix, gateway })),
    ...argumentAddresses(cniArgs),
  ];
  return chosen.map(({ prefix, gateway }) => ({
    address: formatCidr(prefix),
    ...(gateway ? { gateway: formatIp(gateway) } : {}),
  }));
}

/** `IP=10.0.0.2/24,fd00::2/64;GATEWAY=10.0.0.1`: a gateway belongs to the address whose subnet it lies in. */
function argumentAddresses({ IP, GATEWAY }: CniArgs): Address[] {
  const gateways = entries(GATEWAY).map((text) =>
    inArguments(text, `invalid gateway address: ${text}`, () => parseIp(text)),
  );
  return entries(IP).map((text) => {
    const about = "the 'ip' field is expected to be";
    const prefix = inArguments(text, undefined, () => parseAddress(text, about));
    return { prefix, gateway: gateways.findLast((gateway) => contains(prefix, gateway)) };
  });
}

function entries(list: string | undefined): string[] {
  return list === undefined || list === "" ? [] : list.split(",");
}

function inArguments<T>(text: string, problem: string | undefined, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const said = problem ?? (error instanceof Error ? error.message : text);
    throw new CniError(cniCode.badEnvironment, `CNI_ARGS: ${said}`);
  }
}
