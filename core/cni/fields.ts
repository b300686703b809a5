/**
 * Fields that many configurations have, each parsed once here: text in, checked value out, with messages that say what
 * was wanted and what was found. `parseConfig` puts the key in front.
 *
 * Addresses come out as bytes, as the kernel wants them; routes and DNS settings as text, since they are handed on in
 * the result.
 * @module
 */

import "./zod-settings.ts";
import * as z from "zod/mini";

import { formatCidr, formatIp, parseCidr, parseIp, parseMac } from "../net/address.ts";
import { interfaceNameProblem } from "./interface-name.ts";

const LARGEST_U32 = 0xffff_ffff;

/** A text that `parse` turns into a value; the message of what it throws becomes the issue. */
export function parsedText<T>(parse: (text: string) => T) {
  return z.pipe(
    z.string(),
    z.transform((text: string, payload): T => {
      try {
        return parse(text);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        payload.issues.push({ code: "custom", message, input: text });
        return z.NEVER;
      }
    }),
  );
}

/** A field where the empty text means the same as no key at all, as in Go's decoding of addresses. */
export function unsetIfEmpty<S extends z.ZodMiniType>(field: S) {
  return z.pipe(
    z.transform((value: unknown) => (value === "" ? undefined : value)),
    z.optional(field),
  );
}

/** Integer from `least` to `most`. */
export function integerField(least: number, most: number) {
  return z.int().check(z.gte(least), z.lte(most));
}

/** `10.1.0.1` or `2001:db8::1`, as 4 or 16 bytes. */
export const ipField = parsedText(parseIp);

/** `10.1.0.5/24`, host bits kept. */
export const cidrField = parsedText(parseCidr);

/** `02:00:5e:10:00:01`, in the forms Go reads, as bytes. */
export const macField = parsedText(parseMac);

/** The link's MTU in bytes; 0 leaves the choice to the kernel. */
export const mtuField = integerField(0, 65535);

/** A name the kernel takes for a link: 1 to 15 bytes. */
export const interfaceNameField = parsedText((name) => {
  const problem = interfaceNameProblem(name);
  if (problem !== undefined) throw new Error(`${problem}, got ${JSON.stringify(name)}`);
  return name;
});

/** An IP address as text, in its canonical form. */
const ipText = parsedText((text) => formatIp(parseIp(text)));

/** A prefix as text in its canonical form, host bits kept. */
const cidrText = parsedText((text) => formatCidr(parseCidr(text)));

// Schemas that are equal are one: a parse touches every schema of an object, and each lies in memory of its own.
const optionalTexts = z.optional(z.array(z.string()));
const optionalU32 = z.optional(integerField(0, LARGEST_U32));

/** Resolver settings of a configuration and of a result, each list in order. */
export interface DnsConfig {
  nameservers?: string[];
  domain?: string;
  search?: string[];
  options?: string[];
}

/** {@link DnsConfig}; nothing in it has to be there. */
export const dnsField = present<DnsConfig>(
  z.object({
    nameservers: optionalTexts,
    domain: z.optional(z.string()),
    search: optionalTexts,
    options: optionalTexts,
  }),
);

/** A route of a configuration and of a result. */
export interface RouteConfig {
  /** Prefix as text: `10.9.0.0/16`. Host bits stay as they were given. */
  dst: string;
  /** Next hop as text; absent: the gateway of the family's first address that has one. */
  gw?: string;
  mtu?: number;
  advmss?: number;
  priority?: number;
  /** Routing table. */
  table?: number;
  /** rtnetlink scope: 0 global, 253 link, 254 host. */
  scope?: number;
}

/** {@link RouteConfig}; `dst` has to be there. */
export const routeField = present<RouteConfig>(
  z.object({
    dst: cidrText,
    gw: unsetIfEmpty(ipText),
    mtu: optionalU32,
    advmss: optionalU32,
    priority: optionalU32,
    table: optionalU32,
    scope: z.optional(integerField(0, 255)),
  }),
);

/**
 * The same schema with a type where an absent key is absent, never undefined: so JSON has it, and so zod leaves it.
 * `exactOptional` would say so by itself, but takes ten times as long for a key that is not there.
 */
function present<T>(schema: z.ZodMiniType) {
  return schema as z.ZodMiniType<T>;
}
