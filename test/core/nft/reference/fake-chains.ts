/**
 * Chains and rules of nf_tables in memory, filled from captures: what is asked of them, and what a transaction deletes.
 * @module
 */
import { batchMessage } from "netlink-ts/nftables/batch.ts";
import { chainMessage } from "netlink-ts/nftables/chain.ts";
import { dataOf } from "netlink-ts/nftables/expr/expressions.ts";
import { immediate } from "netlink-ts/nftables/expr/immediate.ts";
import { generationMessage } from "netlink-ts/nftables/generation.ts";
import { ruleMessage } from "netlink-ts/nftables/rule.ts";
import { tableMessage } from "netlink-ts/nftables/table.ts";
import { FakeKernel, type FakeRequest } from "netlink-ts/testing/fake-kernel.ts";
import type { CapturedRule } from "./captured.ts";

const errno = { ENOENT: 2, EBUSY: 16, ERESTART: 85 } as const;
const families = { inet: 1, ip: 2, bridge: 7, ip6: 10 } as const;
const familyNames = Object.fromEntries(Object.entries(families).map(([name, id]) => [id, name]));
const commands = {
  getTable: 1,
  getChain: 4,
  deleteChain: 5,
  getRule: 7,
  deleteRule: 8,
  getGeneration: 16,
};

type Answer = ReturnType<NonNullable<ConstructorParameters<typeof FakeKernel>[0]>>;

interface Kept {
  place: string;
  payload: Uint8Array;
  handle: bigint;
  target: string | undefined;
}

/** The chains, and sockets to them. */
export class FakeChains {
  generation = 1;
  readonly chains: Set<string>;
  rules: Kept[];
  /** Runs before a batch is begun: somebody else's commit. */
  beforeBatch: (() => void) | undefined;
  /** How often the kernel was asked or told something: datagrams. */
  readonly kernel = new FakeKernel((request) => this.#answer(request));
  #staged: { chains: Set<string>; rules: Kept[]; failed: boolean } | undefined;

  constructor(captured: readonly CapturedRule[]) {
    this.rules = captured.map(keep);
    this.chains = new Set(
      this.rules.flatMap(({ place, target }) => [place, ...led(place, target)]),
    );
  }

  add(rule: CapturedRule): void {
    this.rules.push(keep(rule));
    this.generation++;
  }

  /** The places of all rules, one a rule. */
  places(): string[] {
    return this.rules.map(({ place }) => place);
  }

  #answer(request: FakeRequest): Answer {
    const command = request.type & 0xff;
    if (request.type === 0x10) return this.#begin(request);
    if (request.type === 0x11) return this.#end();
    if (command === commands.getGeneration) {
      return { type: 0xa0f, payloads: [generationMessage.encode({ id: this.generation })] };
    }
    if (command === commands.getTable) return { type: 0xa00, payloads: this.#tables() };
    if (command === commands.getChain) return this.#chain(request);
    if (command === commands.getRule) return this.#list(request);
    const answer = this.#delete(command, request);
    if (answer?.errno !== undefined && this.#staged) this.#staged.failed = true;
    return answer;
  }

  #begin({ payload }: FakeRequest): Answer {
    this.beforeBatch?.();
    const failed = batchMessage.parse(payload).generation !== this.generation;
    this.#staged = { chains: new Set(this.chains), rules: [...this.rules], failed };
    return failed ? { errno: errno.ERESTART } : undefined;
  }

  #end(): Answer {
    const { chains, rules, failed } = this.#staged!;
    this.#staged = undefined;
    if (failed) {
      this.chains.clear();
      for (const each of chains) this.chains.add(each);
      this.rules = rules;
    } else this.generation++;
    return undefined;
  }

  #tables(): Uint8Array[] {
    const names = new Set([...this.chains].map((place) => place.replace(/ \S+$/, "")));
    return [...names].map((name) => {
      const [family = "", table = ""] = name.split(" ");
      return tableMessage.encode({
        family: families[family as keyof typeof families],
        name: table,
      });
    });
  }

  #chain({ payload }: FakeRequest): Answer {
    const { family, table, name = "" } = chainMessage.parse(payload);
    const place = `${familyNames[family]} ${table} ${name}`;
    if (!this.chains.has(place)) return { errno: errno.ENOENT };
    return { payloads: [chainMessage.encode({ family, table, name, use: this.#use(place) })] };
  }

  #use(place: string): number {
    const uses = this.rules.map((rule) => {
      return Number(rule.place === place) + Number(led(rule.place, rule.target)[0] === place);
    });
    return uses.reduce((sum, use) => sum + use, 0);
  }

  #list({ payload }: FakeRequest): Answer {
    const { family, table, chain } = ruleMessage.parse(payload);
    const place = `${familyNames[family]} ${table} ${chain}`;
    return {
      payloads: this.rules.filter((rule) => rule.place === place).map((rule) => rule.payload),
    };
  }

  #delete(command: number, { payload }: FakeRequest): Answer {
    if (command === commands.deleteChain) {
      const { family, table, name } = chainMessage.parse(payload);
      const place = `${familyNames[family]} ${table} ${name}`;
      if (!this.chains.delete(place)) return { errno: errno.ENOENT };
      return this.#use(place) > 0 ? { errno: errno.EBUSY } : undefined;
    }
    if (command !== commands.deleteRule) throw new Error(`a request of number ${command}`);
    const { family, table, chain, handle } = ruleMessage.parse(payload);
    const place = `${familyNames[family]} ${table} ${chain}`;
    const at = this.rules.findIndex((rule) => rule.place === place && rule.handle === handle);
    if (at < 0) return { errno: errno.ENOENT };
    this.rules.splice(at, 1);
    return undefined;
  }
}

function keep({ place, payload }: CapturedRule): Kept {
  const { handle = 0n, expressions = [] } = ruleMessage.parse(payload);
  const target = expressions
    .map((each) => dataOf(immediate, each)?.data?.verdict?.chain)
    .find((chain) => chain !== undefined);
  return { place, payload, handle, target };
}

/** The place of the chain that a rule leads to. */
function led(place: string, target: string | undefined): string[] {
  return target === undefined ? [] : [place.replace(/\S+$/, target)];
}
