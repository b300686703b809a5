/**
 * IPv4 parameters of a link, as they are changed: what net.ipv4.conf.<link> holds, in one message with the rest.
 * @see include/uapi/linux/ip.h, enum IPV4_DEVCONF_*
 * @module
 */

import { attributes } from "../wire/attributes.ts";
import { u32 } from "../wire/scalars.ts";

/** IPV4_DEVCONF_*: values as in Documentation/networking/ip-sysctl.rst. */
const conf = attributes({
  forwarding: [1, u32],
  proxyArp: [3, u32],
  acceptRedirects: [4, u32],
  secureRedirects: [5, u32],
  sendRedirects: [6, u32],
  rpFilter: [8, u32],
  acceptSourceRoute: [9, u32],
  logMartians: [11, u32],
  arpFilter: [13, u32],
  arpAnnounce: [18, u32],
  arpIgnore: [19, u32],
  promoteSecondaries: [20, u32],
  arpAccept: [21, u32],
  arpNotify: [22, u32],
  srcValidMark: [24, u32],
  proxyArpPvlan: [25, u32],
  routeLocalnet: [26, u32],
});

/** `afSpec.inet` of a request that changes a link; a dump has an array of all values in its place. */
export const inetConf = attributes({
  /** IFLA_INET_CONF */
  conf: [1, conf],
});
