/**
 * The configuration of portmap.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { ipField, parsedText, unsetIfEmpty } from "../../core/cni/fields.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { protocolNumber } from "../../core/nft/describe-element.ts";
import type { PublishedPort } from "../../core/nft/published-ports.ts";
import { conditionAddress, conditionStyle } from "./conditions.ts";

/** `tcp`, `udp` or `sctp` in any case, as IPPROTO_*. */
const protocolField = parsedText((text) => {
  const number = protocolNumber(text.toLowerCase());
  if (number === undefined) {
    throw new Error(`want "tcp", "udp" or "sctp", got ${JSON.stringify(text)}`);
  }
  return number;
});

/** 1 to 65535; the text is upstream's. */
function portNumber(what: string) {
  return z.int().check(
    z.refine((port) => port >= 1 && port <= 65535, {
      error: ({ input }) => `Invalid ${what} port number: ${input}, want 1 to 65535`,
    }),
  );
}

const portMapping = z.object({
  hostPort: portNumber("host"),
  containerPort: portNumber("container"),
  protocol: protocolField,
  hostIP: unsetIfEmpty(ipField),
});

const backendField = parsedText((text): "iptables" | "nftables" => {
  if (text !== "iptables" && text !== "nftables") {
    throw new Error(`unrecognized backend ${JSON.stringify(text)}, want "nftables" or "iptables"`);
  }
  return text;
});

const highestMarkBit = 31;

/** Keys of portmap. */
export const portmapConfig = z.extend(networkConfig, {
  backend: z.optional(unsetIfEmpty(backendField)),
  snat: z.optional(z.boolean()),
  masqAll: z.optional(z.boolean()),
  markMasqBit: z.optional(
    z.int().check(
      z.refine((bit) => bit >= 0 && bit <= highestMarkBit, {
        error: ({ input }) => `MasqMarkBit must be between 0 and ${highestMarkBit}, got ${input}`,
      }),
    ),
  ),
  externalSetMarkChain: z.optional(z.string()),
  conditionsV4: z.optional(z.array(z.string())),
  conditionsV6: z.optional(z.array(z.string())),
  runtimeConfig: z.optional(z.object({ portMappings: z.optional(z.array(portMapping)) })),
});
/** A parsed configuration. */
export type PortmapConfig = z.output<typeof portmapConfig>;

/**
 * What no single key can tell. @throws {CniError} 7 for keys that exclude each other or cannot be kept
 */
export function requireConsistent(config: PortmapConfig): void {
  const { markMasqBit, externalSetMarkChain, backend } = config;
  if (externalSetMarkChain !== undefined && markMasqBit !== undefined) {
    throw badConfig("Cannot specify externalSetMarkChain and markMasqBit");
  }
  if (backend !== undefined) requireBackend(config, backend);
  conditionAddresses(config);
}

/** The keys that only the other back end would understand, in upstream's order. */
function requireBackend(config: PortmapConfig, backend: "iptables" | "nftables"): void {
  const other = backend === "iptables" ? "nftables" : "iptables";
  const strange = [
    ...(backend === "nftables" && config.externalSetMarkChain !== undefined
      ? ["externalSetMarkChain"]
      : []),
    ...(["conditionsV4", "conditionsV6"] as const).filter(
      (key) => conditionStyle(config[key]) === other,
    ),
  ];
  if (strange.length === 0) return;
  throw badConfig(
    `${backend} backend was requested but configuration contains ${other}-specific options [${strange.join(" ")}]`,
  );
}

interface ConditionAddresses {
  readonly v4: Uint8Array | undefined;
  readonly v6: Uint8Array | undefined;
}

function conditionAddresses({ conditionsV4, conditionsV6 }: PortmapConfig): ConditionAddresses {
  return {
    v4: keyed("conditionsV4", () => conditionAddress(conditionsV4, 4)),
    v6: keyed("conditionsV6", () => conditionAddress(conditionsV6, 16)),
  };
}

function keyed<T>(key: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw badConfig(`"${key}": ${(error as Error).message}`);
  }
}

/** The ports to publish: the runtime's mappings, narrowed to the address that conditions name. */
export function publishedPorts(config: PortmapConfig): PublishedPort[] {
  const mappings = config.runtimeConfig?.portMappings ?? [];
  const ports = mappings.map(({ hostIP, ...rest }) => ({ ...rest, hostIp: hostIP }));
  const { v4, v6 } = conditionAddresses(config);
  if (v4 === undefined && v6 === undefined) return ports;
  return ports.flatMap((port) => [...narrowed(port, v4, 4), ...narrowed(port, v6, 16)]);
}

/** The port of one family, if the condition leaves anything of it. */
function narrowed(
  port: PublishedPort,
  only: Uint8Array | undefined,
  addressLength: number,
): PublishedPort[] {
  const { hostIp = new Uint8Array(addressLength) } = port;
  if (hostIp.length !== addressLength) return [];
  if (only === undefined) return [{ ...port, hostIp }];
  const isAny = hostIp.every((byte) => byte === 0);
  const isThis = hostIp.every((byte, at) => byte === only[at]);
  return isAny || isThis ? [{ ...port, hostIp: only }] : [];
}

function badConfig(message: string): CniError {
  return new CniError(cniCode.badConfig, message);
}
