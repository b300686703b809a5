/**
 * Fields that many configurations have, each parsed once here: text in, checked text or number out, with messages that
 * say what was wanted and what was found. {@link parseConfig} puts the key in front.
 * @module
 */

/** Resolver settings of a configuration and of a result. */
export interface DnsConfig {
  nameservers?: string[];
  domain?: string;
  search?: string[];
  options?: string[];
}

/** A route of a configuration and of a result. */
export interface RouteConfig {
  /** Prefix as text: `10.9.0.0/16`. Host bits are kept as they were given. */
  dst: string;
  /** Next hop as text; absent: the gateway of the family's first address that has one. */
  gw?: string;
  mtu?: number;
  advmss?: number;
  priority?: number;
  /** Routing table 0…2^32-1. */
  table?: number;
  /** rtnetlink scope 0…255. */
  scope?: number;
}
