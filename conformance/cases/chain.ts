/**
 * The programs of a list, executed one after the other as libcni does it.
 * @module
 */
import type { Reply, Trial } from "../runner/trial.ts";

/** One program of a list, with its keys. */
export interface Link {
  type: string;
  [key: string]: unknown;
}

/** `bridge` with host-local, the first of most chains. */
export const bridgeLink: Link = {
  type: "bridge",
  bridge: "br-test",
  isGateway: true,
  ipMasq: true,
  ipam: { type: "host-local", ranges: [[{ subnet: "10.1.2.0/24" }], [{ subnet: "fd01::/64" }]] },
};

/** `portmap` with one port. */
export const portmapLink: Link = {
  type: "portmap",
  capabilities: { portMappings: true },
  runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
};

/** Versions that all of these programs list, from 0.3.0 on, which has lists. */
export function versionsOf({ build }: Trial, links: readonly Link[]): string[] {
  const [first = [], ...rest] = links.map(({ type }) => build.programs[type] ?? []);
  return first.filter((v) => v >= "0.3.0" && rest.every((versions) => versions.includes(v)));
}

/** A list in use for one attachment. */
export class Chain {
  /** What each program answered to ADD. */
  readonly results: Reply[] = [];
  readonly #trial: Trial;
  readonly #links: readonly Link[];
  readonly #cniVersion: string;
  readonly #netns: string;

  constructor(trial: Trial, links: readonly Link[], cniVersion: string, netns: string) {
    this.#trial = trial;
    this.#links = links;
    this.#cniVersion = cniVersion;
    this.#netns = netns;
  }

  /** The result of the last program. */
  get result(): Reply {
    return this.results.at(-1);
  }

  /** OK of every ADD, each with the result of the one before. */
  add(): void {
    for (const link of this.#links) this.results.push(this.#ok("ADD", link, this.result));
  }

  /** OK of every CHECK, each with the last result. */
  check(): void {
    for (const link of this.#links) this.#ok("CHECK", link, this.result);
  }

  /** OK of every DEL, from the last to the first, each with that prevResult. */
  del(prevResult: Reply | undefined): void {
    for (const link of this.#links.toReversed()) this.#ok("DEL", link, prevResult);
  }

  #ok(command: string, link: Link, prevResult: Reply | undefined): Reply {
    const config = { ...link, cniVersion: this.#cniVersion, name: "net1", prevResult };
    return this.#trial.ok({ command, type: link.type, config, netns: this.#netns });
  }
}
