/**
 * Message types of NETLINK_ROUTE.
 * @see include/uapi/linux/rtnetlink.h
 * @module
 */

import { messageType } from "../netlink/request.ts";

export const RTM_NEWLINK = messageType("RTM_NEWLINK", 16);
export const RTM_DELLINK = messageType("RTM_DELLINK", 17);
export const RTM_GETLINK = messageType("RTM_GETLINK", 18);
export const RTM_SETLINK = messageType("RTM_SETLINK", 19);
export const RTM_NEWADDR = messageType("RTM_NEWADDR", 20);
export const RTM_DELADDR = messageType("RTM_DELADDR", 21);
export const RTM_GETADDR = messageType("RTM_GETADDR", 22);
export const RTM_NEWROUTE = messageType("RTM_NEWROUTE", 24);
export const RTM_DELROUTE = messageType("RTM_DELROUTE", 25);
export const RTM_GETROUTE = messageType("RTM_GETROUTE", 26);
export const RTM_NEWNEIGH = messageType("RTM_NEWNEIGH", 28);
export const RTM_DELNEIGH = messageType("RTM_DELNEIGH", 29);
export const RTM_GETNEIGH = messageType("RTM_GETNEIGH", 30);
export const RTM_NEWRULE = messageType("RTM_NEWRULE", 32);
export const RTM_DELRULE = messageType("RTM_DELRULE", 33);
export const RTM_GETRULE = messageType("RTM_GETRULE", 34);
export const RTM_NEWQDISC = messageType("RTM_NEWQDISC", 36);
export const RTM_DELQDISC = messageType("RTM_DELQDISC", 37);
export const RTM_GETQDISC = messageType("RTM_GETQDISC", 38);
export const RTM_NEWTCLASS = messageType("RTM_NEWTCLASS", 40);
export const RTM_DELTCLASS = messageType("RTM_DELTCLASS", 41);
export const RTM_GETTCLASS = messageType("RTM_GETTCLASS", 42);
export const RTM_NEWTFILTER = messageType("RTM_NEWTFILTER", 44);
export const RTM_DELTFILTER = messageType("RTM_DELTFILTER", 45);
export const RTM_GETTFILTER = messageType("RTM_GETTFILTER", 46);
