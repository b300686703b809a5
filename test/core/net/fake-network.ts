/**
 * Network namespaces with links, addresses, routes and nf_tables sets for unit tests: as much of rtnetlink and nfnetlink as
 * the plugins ask for, behind the sockets of a fake host.
 * @module
 */

import { elementsMessage } from "netlink-ts/nftables/element.ts";
import { generationMessage } from "netlink-ts/nftables/generation.ts";
import { tableMessage } from "netlink-ts/nftables/table.ts";
import { commentUserData } from "netlink-ts/nftables/user-data.ts";
import { type AddressInput, addressMessage } from "netlink-ts/route/address.ts";
import { type BridgeLinkInput, bridgeLinkMessage } from "netlink-ts/route/bridge-link.ts";
import { type LinkInput, linkMessage } from "netlink-ts/route/link.ts";
import {
  type RouteInput,
  RT_TABLE_LOCAL,
  RTN_LOCAL,
  routeMessage,
} from "netlink-ts/route/route.ts";
import type { FakeAnswer, FakeRequest } from "netlink-ts/testing/fake-kernel.ts";
import { FakeKernel } from "netlink-ts/testing/fake-kernel.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { tableComment } from "../../../core/nft/table-name.ts";
import { FakeHost, type FakeHostOptions, hostError } from "../../fake-host.ts";

const errno = {
  ENOENT: 2,
  EEXIST: 17,
  ENODEV: 19,
  ERANGE: 34,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
};
const AF_BRIDGE = 7;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const NETLINK_NETFILTER = 12;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A link, as the test reads it. */
export interface FakeLink extends Mutable<Omit<LinkInput, "ifindex" | "flags" | "ifname">> {
  ifindex: number;
  flags: number;
  ifname: string;
  /** Bridge ports: VLANs as `bridge vlan` requests gave them. */
  vlans?: BridgeLinkInput[];
  /** The other end of a veth. */
  peer?: { namespace: FakeNamespace; link: FakeLink };
}

/** One namespace. */
export class FakeNamespace {
  readonly links = new Map<number, FakeLink>();
  readonly addresses: AddressInput[] = [];
  readonly routes: RouteInput[] = [];
  /** nf_tables elements by set and key: `masq4 0a010205`. */
  readonly elements = new Map<string, string>();
  readonly network: FakeNetwork;
  #next = 1;
  #changes: (() => void)[] = [];
  #refused = false;

  constructor(network: FakeNetwork) {
    this.network = network;
    this.addLink({ ifname: "lo", flags: 0 });
  }

  /** Puts a link there. */
  addLink(link: LinkInput): FakeLink {
    const ifindex = this.#next++;
    const made = { operstate: 6, mtu: 1500, ...defined(link), ifindex, flags: link.flags ?? 0 };
    this.links.set(ifindex, made as FakeLink);
    this.network.linkSysctls(link.ifname ?? "");
    return made as FakeLink;
  }

  /** The link of that name. */
  link(ifname: string): FakeLink | undefined {
    return [...this.links.values()].find((link) => link.ifname === ifname);
  }

  answer(request: FakeRequest, protocol: number): FakeAnswer {
    const isNft = protocol === NETLINK_NETFILTER;
    if (isNft && request.type < 0xa00) return this.#bracket(request.type);
    this.network.requests++;
    const name = isNft ? `nft ${request.type & 0xff}` : `${request.type}`;
    const refusal = this.network.refuses(this.network.requests, name);
    if (refusal !== undefined) {
      this.#refused = true;
      return { errno: refusal };
    }
    return isNft ? this.#nft(request) : this.#route(request);
  }

  #route({ type, payload, flags }: FakeRequest): FakeAnswer {
    if (payload[0] === AF_BRIDGE) return this.#bridgePort(type, bridgeLinkMessage.parse(payload));
    if (type === 20 || type === 21) return this.#changeAddress(type, addressMessage.parse(payload));
    if (type === 22) {
      const { ifindex } = addressMessage.parse(payload);
      const found = this.addresses.filter((each) => each.ifindex === ifindex);
      return { payloads: found.map((each) => addressMessage.encode(each)) };
    }
    if (type === 24) return this.#addRoute(routeMessage.parse(payload));
    if (type === 26 && (flags & 0x300) === 0) return this.#routeTo(payload);
    if (type === 26) return { payloads: this.routes.map((each) => routeMessage.encode(each)) };
    try {
      return this.#linkRequest(type, flags, linkMessage.parse(payload));
    } catch (error) {
      if (error instanceof DecodeError) return { errno: errno.ERANGE };
      throw error;
    }
  }

  /** Every way leads over the newest bridge, if there is one. */
  #routeTo(payload: Uint8Array): FakeAnswer {
    const bridges = [...this.links.values()].filter(({ linkInfo }) => linkInfo?.kind === "bridge");
    const oif = bridges.at(-1)?.ifindex;
    if (oif === undefined) return { errno: errno.ENETUNREACH };
    return { type: 24, payloads: [routeMessage.encode({ ...routeMessage.parse(payload), oif })] };
  }

  #linkRequest(type: number, flags: number, message: LinkInput): FakeAnswer {
    const { ifindex, ifname, group } = message;
    if (type === 18 && (flags & 0x300) === 0x300) return { payloads: this.#dump(message) };
    if (type === 16 && (flags & 0x400) !== 0) return this.#create(message);
    const found = ifindex ? this.links.get(ifindex) : this.link(ifname ?? "");
    if (type === 17 && group !== undefined) return this.#deleteGroup(group);
    if (found === undefined) return { errno: errno.ENODEV };
    if (type === 17) this.remove(found);
    if (type === 18) return { type: 16, payloads: [encodeLink(found)] };
    if (type === 16) this.#change(found, message);
    return {};
  }

  /** A link that gets another master goes down and up: IPv6 addresses and routes are lost. */
  #change(found: FakeLink, message: LinkInput): void {
    const { master = found.master } = message;
    const isMoved = (master ?? 0) !== (found.master ?? 0);
    change(found, message);
    if (!isMoved || !this.#isVrf(found.master)) return;
    const keep = <T>(list: T[], isKept: (each: T) => boolean) =>
      list.splice(0, Infinity, ...list.filter(isKept));
    keep(this.addresses, (each) => each.ifindex !== found.ifindex || each.family !== AF_INET6);
    keep(this.routes, ({ oif }) => oif !== found.ifindex);
  }

  /** 0: it was in one. */
  #isVrf(master: number | undefined): boolean {
    return master === 0 || this.links.get(master ?? -1)?.linkInfo?.kind === "vrf";
  }

  /** The kernel's route to an address of a link that is, or was, in a VRF. */
  #addLocalRoute({ ifindex = 0, address, family }: AddressInput): void {
    const { master } = this.links.get(ifindex) ?? {};
    if (family !== AF_INET6 || master === undefined) return;
    const { table = RT_TABLE_LOCAL } =
      (this.links.get(master)?.linkInfo?.data as { table?: number } | undefined) ?? {};
    const kind = { family, headerTable: table, type: RTN_LOCAL, dstLength: 128 };
    this.routes.push({ ...kind, dst: address, oif: ifindex });
  }

  #dump({ master }: LinkInput): Uint8Array[] {
    const links = [...this.links.values()];
    return links.filter((each) => !master || each.master === master).map(encodeLink);
  }

  #deleteGroup(group: number): FakeAnswer {
    const found = [...this.links.values()].filter((link) => link.group === group);
    for (const link of found) this.remove(link);
    return found.length === 0 ? { errno: errno.ENODEV } : {};
  }

  #create(message: LinkInput): FakeAnswer {
    const { ifname = "", linkInfo } = message;
    if (ifname.includes("/")) return { errno: 22 };
    const peer =
      linkInfo?.kind === "veth" ? (linkInfo.data as { peer: LinkInput }).peer : undefined;
    const there = peer && this.network.namespaceOf(peer.netNsFd, this);
    if (this.link(ifname) || there?.link(peer?.ifname ?? "")) return { errno: errno.EEXIST };
    const { data, ...kind } = linkInfo ?? {};
    const own = kind.kind === "vrf" ? { ...kind, data } : kind;
    const made = this.addLink({ ...message, linkInfo: own });
    if (peer === undefined || there === undefined) return {};
    const other = there.addLink({ ...peer, linkInfo: kind, link: made.ifindex });
    made.link = other.ifindex;
    made.peer = { namespace: there, link: other };
    other.peer = { namespace: this, link: made };
    return {};
  }

  /** Takes a link away, the other end of a veth too. */
  remove(link: FakeLink): void {
    this.links.delete(link.ifindex);
    this.addresses.splice(0, Infinity, ...this.addresses.filter((a) => a.ifindex !== link.ifindex));
    this.routes.splice(0, Infinity, ...this.routes.filter(({ oif }) => oif !== link.ifindex));
    for (const port of this.links.values()) if (port.master === link.ifindex) port.master = 0;
    const { peer } = link;
    if (peer?.namespace.links.has(peer.link.ifindex)) peer.namespace.remove(peer.link);
  }

  #changeAddress(type: number, message: AddressInput): FakeAnswer {
    const same = (each: AddressInput) =>
      each.ifindex === message.ifindex && String(each.address) === String(message.address);
    const at = this.addresses.findIndex(same);
    if (type === 21) {
      if (at < 0) return { errno: errno.EADDRNOTAVAIL };
      this.addresses.splice(at, 1);
    } else if (at >= 0) return { errno: errno.EEXIST };
    else {
      this.addresses.push(message);
      this.#addLocalRoute(message);
    }
    return {};
  }

  #addRoute(message: RouteInput): FakeAnswer {
    this.routes.push(message);
    return {};
  }

  #bridgePort(type: number, message: BridgeLinkInput): FakeAnswer {
    if (type === 18) {
      const ports = [...this.links.values()].filter(({ vlans }) => vlans !== undefined);
      return { type: 16, payloads: ports.map((port) => bridgeLinkMessage.encode(vlansOf(port))) };
    }
    const port = this.links.get(message.ifindex ?? 0);
    if (port === undefined) return { errno: errno.ENODEV };
    if (type === 19) port.vlans = [...(port.vlans ?? []), message];
    return {};
  }

  #nft({ type, payload }: FakeRequest): FakeAnswer {
    const op = type & 0xff;
    if (op === 1) {
      const userdata = commentUserData(tableComment);
      const table = { ...tableMessage.parse(payload), userdata };
      return { type: 0xa00, payloads: [tableMessage.encode(table)] };
    }
    if (op === 16) return { type: 0xa0f, payloads: [generationMessage.encode({ id: 1 })] };
    const { set = "", elements = [] } = elementsMessage.parse(payload);
    const keyOf = ({ key }: (typeof elements)[number]) => `${set} ${hex(key?.value)}`;
    const [first] = elements;
    if (op === 13 && first === undefined)
      return { type: 0xa0c, payloads: [this.#setOf(payload, set)] };
    if (op === 13 && first !== undefined) {
      const owner = this.elements.get(keyOf(first));
      if (owner === undefined) return { errno: errno.ENOENT };
      const found = { ...elementsMessage.parse(payload) };
      found.elements = [{ ...first, userdata: commentUserData(owner) }];
      return { type: 0xa0c, payloads: [elementsMessage.encode(found)] };
    }
    for (const element of elements) {
      const key = keyOf(element);
      const owner = comment(element.userdata);
      if (op === 12) this.#changes.push(() => this.elements.set(key, owner));
      if (op === 14) this.#changes.push(() => this.elements.delete(key));
    }
    return {};
  }

  /** All elements of a set, in one message. */
  #setOf(payload: Uint8Array, set: string): Uint8Array {
    const own = [...this.elements].filter(([place]) => place.startsWith(`${set} `));
    const elements = own.map(([place, owner]) => ({
      key: { value: Uint8Array.from(Buffer.from(place.slice(set.length + 1), "hex")) },
      userdata: commentUserData(owner),
    }));
    return elementsMessage.encode({ ...elementsMessage.parse(payload), elements });
  }

  /** NFNL_MSG_BATCH_BEGIN and _END: what lies between takes effect as a whole, or not at all. */
  #bracket(type: number): FakeAnswer {
    if (type === 17 && !this.#refused) for (const change of this.#changes) change();
    this.#changes = [];
    this.#refused = false;
    return { silent: true };
  }
}

/** A host whose sockets lead to {@link FakeNamespace}s: its own, and that of each path of a container. */
export class FakeNetwork extends FakeHost {
  /** Where the process starts. */
  readonly home = new FakeNamespace(this);
  readonly containers = new Map<string, FakeNamespace>();
  /** Netlink requests so far. */
  requests = 0;
  /** Lets a request fail with a positive errno: by its number, from 1, and type: `16`, `nft 12`. */
  refuses: (count: number, type: string) => number | undefined = () => undefined;
  #current = this.home;
  readonly #sockets = new Map<number, { kernel: FakeKernel; namespace: FakeNamespace }>();
  readonly #namespaces = new Map<number, FakeNamespace>();
  #fd = 1000;

  constructor(options: FakeHostOptions = {}) {
    super(options);
    this.put("/proc/sys/net/ipv4/ip_forward", "0\n");
    this.linkSysctls("all");
    this.linkSysctls("lo");
  }

  /** Makes a container's namespace. @returns it */
  container(path: string): FakeNamespace {
    const namespace = new FakeNamespace(this);
    this.containers.set(path, namespace);
    return namespace;
  }

  /** Open descriptors of sockets and namespaces. */
  get openDescriptors(): number {
    return this.#sockets.size + this.#namespaces.size;
  }

  linkSysctls(ifname: string): void {
    if (ifname.includes("/")) return;
    const values = { accept_ra: 1, accept_dad: 1, disable_ipv6: 0, enhanced_dad: 1, forwarding: 0 };
    const conf = { ...values, keep_addr_on_down: 0, ndisc_notify: 0 };
    for (const [name, value] of Object.entries(conf)) {
      this.put(`/proc/sys/net/ipv6/conf/${ifname}/${name}`, `${value}\n`);
    }
  }

  namespaceOf(fd: number | undefined, own: FakeNamespace): FakeNamespace {
    return (fd === undefined ? undefined : this.#namespaces.get(fd)) ?? own;
  }

  override open(path: string, flags: number, mode?: number): number {
    const namespace = path === "/proc/self/ns/net" ? this.#current : this.containers.get(path);
    if (namespace === undefined) return super.open(path, flags, mode);
    this.#namespaces.set(++this.#fd, namespace);
    return this.#fd;
  }

  override close(fd: number): void {
    if (this.#sockets.delete(fd) || this.#namespaces.delete(fd)) return;
    super.close(fd);
  }

  /** Nobody else is there to hold the lock of a namespace. */
  override flock(fd: number, operation: number, timeoutMs?: number): void {
    if (!this.#namespaces.has(fd)) super.flock(fd, operation, timeoutMs);
  }

  /** A namespace is known by its place among the containers. */
  override fstat(fd: number): HostStat {
    const namespace = this.#namespaces.get(fd);
    if (namespace === undefined) return super.fstat(fd);
    const ino = [...this.containers.values()].indexOf(namespace);
    return { dev: 4, ino, mode: 0o100444, uid: 0, gid: 0, nlink: 1, size: 0, mtime: 0 };
  }

  override statfs(path: string): HostStatfs {
    const plain = { blockSize: 4096, blocksAvailable: 1, filesFree: 1 };
    if (this.containers.has(path)) return { type: 0x6e736673, ...plain };
    return super.statfs(path);
  }

  setns(fd: number): void {
    this.#current = this.namespaceOf(fd, this.#current);
  }

  socket(domain: number, _type: number, protocol: number): number {
    if (domain !== AF_NETLINK) throw hostError("socket", "EAFNOSUPPORT");
    const namespace = this.#current;
    const kernel = new FakeKernel((request) => namespace.answer(request, protocol));
    this.#sockets.set(++this.#fd, { kernel, namespace });
    return this.#fd;
  }

  setsockopt(): void {}
  bind(): void {}

  send(fd: number, bytes: Uint8Array): number {
    this.#sockets.get(fd)?.kernel.send(bytes);
    return bytes.length;
  }

  recvmsg(fd: number, _length: number, flags = 0): HostMessage {
    const kernel = this.#sockets.get(fd)?.kernel;
    const data = flags === 0 ? kernel?.receive() : kernel?.receiveIfAny();
    if (data === undefined) throw hostError("recvmsg", "EAGAIN");
    return { data, address: new Uint8Array(), flags: 0, fds: [] };
  }

  ioctl(fd: number, _request: number, argument: number | Uint8Array): number {
    if (typeof argument === "number") return 0x40000000;
    const name = new TextDecoder().decode(argument.subarray(0, argument.indexOf(0)));
    const link = this.#sockets.get(fd)?.namespace.link(name);
    if (link === undefined) throw hostError("ioctl", "ENODEV");
    new DataView(argument.buffer).setUint32(16, link.ifindex, true);
    return 0;
  }
}

function encodeLink({ peer: _, vlans: __, ...link }: FakeLink): Uint8Array {
  return linkMessage.encode(link);
}

/** RTM_NEWLINK without CREATE: what is given is set; flags through `change`. */
function change(link: FakeLink, message: LinkInput): void {
  const { ifindex: _, flags = 0, change: mask = 0, linkInfo, ...rest } = defined(message);
  Object.assign(link, rest);
  link.flags = (link.flags & ~mask) | (flags & mask);
  if (linkInfo !== undefined) link.linkInfo = { ...link.linkInfo, ...linkInfo };
}

/** An update without fields that are not there, so that it overwrites nothing. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

function vlansOf({ ifindex, vlans = [] }: FakeLink): BridgeLinkInput {
  const vlanInfo = vlans.flatMap(({ afSpec }) => afSpec?.vlanInfo ?? []);
  return { family: AF_BRIDGE, ifindex, afSpec: { vlanInfo } };
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

function comment(userdata: Uint8Array | undefined): string {
  return userdata === undefined ? "" : Buffer.from(userdata.subarray(2, -1)).toString();
}
