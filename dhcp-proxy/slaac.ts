/**
 * Addresses that a pod's kernel makes of what routers advertise: asked for, waited for, and told.
 *
 * The kernel keeps them, with their lifetimes and the default route; nothing here is at work when they are there.
 * @see RFC 4862, RFC 4861, RFC 8106
 * @module
 */

import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import type { CniDns, CniResult } from "../core/cni/result.ts";
import type { Priority } from "../core/daemon/journal.ts";
import { POLLIN, type Timer } from "../core/daemon/loop.ts";
import { CniError, cniCode, explain } from "../core/errors.ts";
import { formatIp } from "../core/net/address.ts";
import type { LeaseEvents } from "./ipv4-lease.ts";
import { AddressWatch, addressesOfPod, allowAdvertisements, type PodAddress } from "./ipv6-link.ts";
import { Ipv6Socket } from "./ipv6-socket.ts";
import { fieldsOf, type LeaseRequest } from "./lease-request.ts";
import { Lease6Client } from "./lease6-client.ts";
import { LinkLocalWait } from "./link-local.ts";
import { duidOf, IAID } from "./packet6/duid.ts";
import {
  allRouters,
  decodeAdvertisement,
  type RouterAdvertisement,
  routerSolicitation,
} from "./packet6/router.ts";
import { type Pod, PodGone } from "./pod.ts";
import type { LeaseFile } from "./store.ts";
import type { World } from "./world.ts";

/** What the kernel made before a restart. */
export type HeldSlaac = NonNullable<LeaseFile["slaac"]>;

/** Solicitations are sent again after this long, twice as long, and so on up to the longest (RFC 7559). */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 16_000;
/** Options of a DHCPv6 server are nice to have. */
const OPTIONS_MS = 4000;
/** Messages that are read in one turn: others wait as well. */
const MOST_MESSAGES = 16;

/** The addresses of one link. */
export class Slaac {
  readonly #world: World;
  readonly #request: LeaseRequest;
  readonly #pod: Pod;
  readonly #events: LeaseEvents;
  /** What is at work until the addresses are there. */
  #parts: Disposable[] = [];
  #socket: Ipv6Socket | undefined;
  #resend: Timer | undefined;
  #solicitations = 0;
  #isAsking = false;
  /** By the router's address. */
  readonly #heard = new Map<string, RouterAdvertisement>();
  #record: HeldSlaac | undefined;

  /** @throws {PodGone} the namespace or the link is not there */
  constructor(
    world: World,
    request: LeaseRequest,
    pod: Pod,
    events: LeaseEvents,
    held?: HeldSlaac,
  ) {
    this.#world = world;
    this.#request = request;
    this.#pod = pod;
    this.#events = events;
    this.#record = held;
    if (held === undefined) pod.enter(() => allowAdvertisements(request.ifname, true));
  }

  /** Begins, if the addresses are not known yet. */
  start() {
    if (this.#record !== undefined) return this.#events.granted();
    const { loop, settings } = this.#world;
    this.#guard("look at the link", () => {
      const wait = new LinkLocalWait(
        this.#world,
        this.#pod,
        () => this.#guard("ask routers", () => this.#open()),
        (error) => this.#fail(error),
      );
      this.#parts.push(
        wait,
        loop.after(settings.resendTimeoutMs, () => this.#fail(this.#why())),
      );
      this.#parts.push(new AddressWatch(loop, this.#pod, () => this.#look()));
    });
  }

  /** Says again what there is. */
  check(): void {
    if (this.#record !== undefined) this.#events.granted();
  }

  /** There is nobody to give addresses back to: they end with the link. */
  release(): void {
    this.close();
    this.#events.released();
  }

  /** Lets go of everything. */
  close(): void {
    for (const each of this.#parts.splice(0)) each[Symbol.dispose]();
    this.#resend?.[Symbol.dispose]();
    this.#socket?.[Symbol.dispose]();
    this.#socket = undefined;
  }

  /** What the pod has; the kernel has the default route of its own. */
  result(): CniResult | undefined {
    if (this.#record === undefined) return undefined;
    const { addresses, gateway, dns } = this.#record;
    const via = gateway === undefined ? {} : { gateway };
    const ips = addresses.map((address) => ({ address, ...via }));
    return { ips, ...(dns === undefined ? {} : { dns: dns as CniDns }) };
  }

  /** What lies in the file. */
  record(): Pick<LeaseFile, "slaac"> | undefined {
    return this.#record && { slaac: this.#record };
  }

  // ---- routers

  #open(): void {
    const { ifname } = this.#pod;
    const socket = this.#pod.enter(({ ifindex }) => Ipv6Socket.forRouters({ ifname, ifindex }));
    this.#socket = socket;
    this.#parts.push(this.#world.loop.watch(socket.fd, POLLIN, () => this.#hear()));
    this.#solicit(FIRST_WAIT_MS);
  }

  #solicit(waitMs: number): void {
    this.#resend = this.#world.loop.after(waitMs, () =>
      this.#solicit(Math.min(waitMs * 2, LONGEST_WAIT_MS)),
    );
    this.#solicitations += 1;
    this.#guard("ask routers", () => this.#socket?.send(routerSolicitation, allRouters));
  }

  #hear() {
    for (let left = MOST_MESSAGES; left > 0; left--) {
      const datagram = this.#socket?.receive();
      if (datagram === undefined) break;
      const advertisement = isLinkLocal(datagram.source) && readAdvertisement(datagram.data);
      if (advertisement) this.#heard.set(formatIp(datagram.source), advertisement);
    }
    this.#look();
  }

  // ---- addresses

  #look() {
    if (this.#isAsking || this.#heard.size === 0) return;
    const addresses = this.#addresses();
    if (addresses.some(({ dad }) => dad === "tentative")) return;
    const usable = addresses.filter(({ dad }) => dad === "usable");
    if (usable.length > 0) return this.#askOptions(usable.map(({ text }) => text));
    if (addresses.length > 0) this.#fail(this.#why());
  }

  /** Those that stay: a program that is told an address keeps it. */
  #addresses(): PodAddress[] {
    let all: PodAddress[] = [];
    this.#guard("look at the pod's addresses", () => {
      all = addressesOfPod(this.#pod).global;
    });
    return all.filter(({ isTemporary }) => !isTemporary);
  }

  /** Resolvers that no router names are a DHCPv6 server's to name, where a router says that there is one. */
  #askOptions(addresses: string[]) {
    this.#isAsking = true;
    const dns = this.#advertisedDns();
    const hasServer = [...this.#heard.values()].some(({ hasOptions }) => hasOptions);
    if (dns?.nameservers !== undefined || !hasServer) return this.#complete(addresses, dns);
    const identity = { duid: duidOf(this.#request), iaid: IAID, mode: "stateless" as const };
    const { resendMaxMs } = this.#world.settings;
    const limits = { resendTimeoutMs: OPTIONS_MS, resendMaxMs };
    const settings = { ifname: this.#pod.ifname, ...limits, ...identity };
    const client = new Lease6Client(this.#world, this.#pod, settings, {
      decided: (decision) => {
        if (decision.type === "bound") this.#later(addresses, decision.lease.dns ?? dns);
        if (decision.type !== "failed") return;
        this.#log("warning", `no DHCPv6 server told its options: ${explain(decision.error)}`);
        this.#later(addresses, dns);
      },
      notSent: (_, error) => this.#log("warning", `cannot ask for options: ${explain(error)}`),
    });
    this.#parts.push(client);
    client.take({ type: "start" });
  }

  /** Not from within the event that the client is at. */
  #later(addresses: string[], dns: CniDns | undefined): void {
    this.#parts.push(this.#world.loop.after(0, () => this.#complete(addresses, dns)));
  }

  /** A resolver on the link is told with the link. */
  #advertisedDns(): CniDns | undefined {
    const all = [...this.#heard.values()];
    const named = all.flatMap(({ nameservers }) => nameservers);
    const nameservers = named.map((address) =>
      isLinkLocal(address) ? `${formatIp(address)}%${this.#pod.ifname}` : formatIp(address),
    );
    const search = all.flatMap((each) => each.search);
    if (nameservers.length + search.length === 0) return undefined;
    return {
      ...(nameservers.length > 0 ? { nameservers: [...new Set(nameservers)] } : {}),
      ...(search.length > 0 ? { search: [...new Set(search)] } : {}),
    };
  }

  #complete(addresses: string[], dns: CniDns | undefined): void {
    this.close();
    const [gateway] = [...this.#heard].find(([, { isDefault }]) => isDefault) ?? [];
    this.#record = {
      addresses,
      ...(gateway === undefined ? {} : { gateway }),
      ...(dns === undefined ? {} : { dns }),
    };
    this.#events.granted();
    this.#log("info", `has IPv6 addresses by SLAAC: ${addresses.join(", ")}`);
  }

  // ---- the rest

  #fail(error: CniError): void {
    this.close();
    this.#events.failed(error);
  }

  #why(): CniError {
    const { ifname } = this.#pod;
    const text = `no IPv6 address for "${ifname}" by SLAAC`;
    const asked = `interface "${ifname}": sent ${this.#solicitations} router solicitations`;
    const details = `${asked}, ${this.#whatWasSeen()}`;
    return new CniError(cniCode.tryAgain, text, { details });
  }

  #whatWasSeen(): string {
    const routers = [...this.#heard.keys()].join(", ");
    if (routers === "") return "saw no router advertisement: no router of this network speaks IPv6";
    const left = this.#addresses().map(({ text, dad }) => `${text} is ${dad}`);
    if (left.length > 0) return `saw advertisements of ${routers}, and address ${left.join(", ")}`;
    if ([...this.#heard.values()].some(({ hasPrefix }) => hasPrefix)) {
      return `saw advertisements of ${routers}, and the kernel made no address of their prefixes`;
    }
    return `saw advertisements of ${routers}, without a prefix to make an address of: "ipv6": "dhcp" may be what this network wants`;
  }

  #guard(what: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#log("warning", `cannot ${what}: ${explain(error)}`);
      if (!(error instanceof PodGone)) return;
      this.close();
      this.#world.loop.after(0, () => this.#events.gone());
    }
  }

  #log(priority: Priority, event: string): void {
    this.#world.journal.write(priority, event, fieldsOf(this.#request));
  }
}

function isLinkLocal([first, second = 0]: Uint8Array): boolean {
  return first === 0xfe && (second & 0xc0) === 0x80;
}

/** Undefined for what cannot be read, since anybody on the link may send anything. */
function readAdvertisement(bytes: Uint8Array): RouterAdvertisement | undefined {
  try {
    return decodeAdvertisement(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
