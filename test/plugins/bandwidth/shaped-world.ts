/**
 * A host with containers on pairs of links, and the traffic between them.
 * @module
 */
import { join } from "node:path";
import { root } from "../../../scripts/place.ts";
import { type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config } from "../bridge/network.ts";

/** Sends and measures. */
const flowProgram = join(root, "test", "plugins", "bandwidth", "flow.py");
const port = 5001;
/** Bytes of a full packet, and of what it carries: Ethernet, IP and TCP with time stamps take the rest. */
const packets = { ipv4: 1514 / 1448, ipv6: 1514 / 1428 };

/** How fast a flow was, headers counted, in bits a second; `first` in the first second. */
export interface Flow {
  first: number;
  rate: number;
}

/** A host whose containers have addresses of both families; `n` is from 1 on. */
export class ShapedWorld implements Disposable {
  readonly sandbox = Sandbox.create();
  readonly netns: string;

  constructor() {
    this.netns = this.pod(1);
  }

  /** Links `host<n>` and, in the new container, `eth0`. @returns the container's path */
  pod(n: number, ifname = "eth0", netns = this.sandbox.pod(`pod${n}`)): string {
    const { sandbox } = this;
    const host = `host${n}`;
    sandbox.ok(
      `ip link add ${host} type veth peer name ${ifname} netns ${netns.replace("/run/netns/", "")}`.split(
        " ",
      ),
    );
    const address = (subnet: string, own: string) =>
      `ip address add ${subnet.replace("*", own)} nodad dev`;
    const sides: [link: string, own: string, where: object][] = [
      [host, "1", {}],
      [ifname, "2", { netns }],
    ];
    for (const [link, own, where] of sides) {
      sandbox.ok(
        [
          ...["sh", "-ec"],
          `ip address add 10.9.${n}.${own}/24 dev ${link}
           ${address(`fd09:${n}::*/64`, own)} ${link}
           ip link set ${link} up`,
        ],
        where,
      );
    }
    for (const gateway of [`10.9.${n}.1`, `fd09:${n}::1`]) {
      sandbox.ok(`ip route append default via ${gateway}`.split(" "), { netns });
    }
    return netns;
  }

  /** The configuration for the container, and the result of what has made its links. */
  config(keys: Config, n = 1, more: Config = {}): Config {
    const sandbox = n === 1 ? this.netns : `/run/netns/pod${n}`;
    const prevResult = {
      cniVersion: "1.1.0",
      interfaces: [{ name: `host${n}` }, { name: "eth0", sandbox }],
      ips: [{ address: `10.9.${n}.2/24`, interface: 1 }],
    };
    return { cniVersion: "1.1.0", name: "net", type: "bandwidth", prevResult, ...keys, ...more };
  }

  call(command: string, keys: Config, more: Partial<CniCall> = {}): CniCall {
    return { command, config: this.config(keys), netns: this.netns, ...more };
  }

  /** ADD that has to succeed. @returns its result */
  // biome-ignore lint/suspicious/noExplicitAny: results of every version
  add(keys: Config, call: Partial<CniCall> = {}): any {
    return add(this.sandbox, this.config(keys), { netns: this.netns, ...call });
  }

  /** What `tc -j` says, without counters and what is numbered anew each time. */
  tc(...words: string[]): Config[] {
    const out = this.sandbox.ok(["tc", "-j", "-d", ...words]);
    return JSON.parse(out.trim() || "[]");
  }

  /** All that holds packets back on the host, as tc prints it; indexes of actions are left out. */
  traffic(): string {
    const links = [...this.hostLinks(), ...this.ifbs()];
    const looks = links.flatMap((link) => [
      `qdisc show dev ${link}`,
      `class show dev ${link}`,
      `filter show dev ${link} parent ffff:`,
      `filter show dev ${link}`,
    ]);
    const texts = looks.map((look) => {
      const told = this.sandbox.run(["tc", "-d", ...look.split(" ")]).stdout;
      return `${look}\n${told.replace(/\bindex \d+/g, "index").replace(/refcnt \d+/g, "")}`;
    });
    return texts.join("");
  }

  hostLinks(): string[] {
    const links = this.sandbox.ipJson("link show").map(({ ifname }) => ifname as string);
    return links.filter((name) => name.startsWith("host")).sort();
  }

  /** Names of the ifbs. */
  ifbs(): string[] {
    const links = this.sandbox.ipJson("-d link show");
    return links
      .filter(({ linkinfo }) => linkinfo?.info_kind === "ifb")
      .map(({ ifname }) => ifname as string)
      .sort();
  }

  /** Records and such in /run/netloom. */
  files(): string {
    return this.sandbox.run(["sh", "-c", "find /run/netloom -type f 2>/dev/null | sort"]).stdout;
  }

  /** Receives on the host and in the container. */
  listen(): void {
    const sink = ["python3", flowProgram, "sink", String(port)];
    this.sandbox.start(sink);
    this.sandbox.start(sink, { netns: this.netns });
  }

  /** Sends to the container, or out of it to the host. @param source the sender's address */
  flow(to: string, seconds: number, source?: string): Flow {
    const isIn = /[.:]2$/.test(to);
    const argv = ["python3", flowProgram, "send", to, String(port), String(seconds)];
    const out = this.sandbox.ok([...argv, ...(source === undefined ? [] : [source])], {
      ...(isIn ? {} : { netns: this.netns }),
      timeoutMs: 60_000,
    });
    const [first = 0, rate = 0] = out.split(" ").map(Number);
    const scale = 8 * (to.includes(":") ? packets.ipv6 : packets.ipv4);
    return { first: first * scale, rate: rate * scale };
  }

  [Symbol.dispose](): void {
    this.sandbox.dispose();
  }
}
