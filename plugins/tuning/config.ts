/**
 * The configuration of tuning.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { integerField, parsedText } from "../../core/cni/fields.ts";
import { repeatedKey } from "../../core/cni/json-duplicates.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { requestedMac } from "../../core/net/mac.ts";
import { resolveSysctls, type Sysctl } from "./sysctls.ts";

const LARGEST_I32 = 0x7fff_ffff;
const defaultDataDir = "/run/cni/tuning";

const text = z.optional(z.string());
const flag = z.optional(z.boolean());
const count = z.optional(integerField(0, LARGEST_I32));

/** What the configuration and `args.cni` both may say. */
const settings = {
  sysctl: z.optional(z.record(z.string(), z.string())),
  mac: text,
  promisc: flag,
  mtu: count,
  allmulti: flag,
  txQLen: count,
};

/** A folder of the host: with another the file would lie wherever the runtime happens to work. */
const folderField = parsedText((path) => {
  if (path === "") return defaultDataDir;
  if (!path.startsWith("/") || path.includes("\0")) {
    throw new Error(`want an absolute path, got ${JSON.stringify(path)}`);
  }
  return path;
});

/** Keys of tuning. */
export const tuningConfig = z.extend(networkConfig, {
  ...settings,
  dataDir: z.optional(folderField),
  args: z.optional(z.object({ cni: z.optional(z.object(settings)) })),
  runtimeConfig: z.optional(z.object({ mac: text })),
});
export type TuningConfig = z.output<typeof tuningConfig>;

/** What a link is to have; what is absent is left as it is. */
export interface LinkSettings {
  readonly mac?: Uint8Array;
  readonly promisc?: boolean;
  /** Bytes. */
  readonly mtu?: number;
  readonly allmulti?: boolean;
  /** Packets. */
  readonly txQLen?: number;
}

/** What an attachment is to have. */
export interface Wanted {
  readonly sysctls: readonly Sysctl[];
  readonly link: LinkSettings;
}

/** Where the file with a link's earlier settings lies. */
export function dataDirOf({ dataDir }: Partial<TuningConfig>): string {
  return dataDir ?? defaultDataDir;
}

/**
 * What is asked for: `args.cni` before the configuration, key by key.
 * @param args CNI_ARGS
 * @throws {CniError} 7 for a sysctl or MAC address that cannot be
 */
export function wantedOf(
  config: TuningConfig,
  ifName: string,
  args: Readonly<Partial<Record<string, string>>> = {},
): Wanted {
  const cni = config.args?.cni ?? {};
  const mac = requestedMac(
    ["args.cni.mac", cni.mac],
    ["runtimeConfig.mac", config.runtimeConfig?.mac],
    ["CNI_ARGS MAC", args["MAC"]],
    ["mac", config.mac],
  );
  const mtu = cni.mtu ?? config.mtu ?? 0;
  const promisc = cni.promisc ?? config.promisc;
  const allmulti = cni.allmulti ?? config.allmulti;
  const txQLen = cni.txQLen ?? config.txQLen;
  return {
    sysctls: resolveSysctls(
      { sysctl: config.sysctl ?? {}, "args.cni.sysctl": cni.sysctl ?? {} },
      ifName,
    ),
    link: {
      ...(mac && { mac }),
      ...(promisc === true && { promisc }), // false leaves it, as in upstream
      ...(mtu !== 0 && { mtu }),
      ...(allmulti !== undefined && { allmulti }),
      ...(txQLen !== undefined && { txQLen }),
    },
  };
}

/** @throws {CniError} 7 when a sysctl stands twice in the configuration's text */
export function refuseRepeatedSysctls(stdin: Uint8Array): void {
  const source = new TextDecoder().decode(stdin);
  if (!/sysctl/i.test(source)) return;
  const key = repeatedKey(source, ["sysctl", "args.cni.sysctl"]);
  if (key === undefined) return;
  throw new CniError(cniCode.badConfig, "duplicated sysctl keys are not allowed", {
    details: `${JSON.stringify(key)} stands twice in "sysctl"`,
  });
}
