/**
 * nf_tables in memory: tables by comment, elements by set and key, batches that count as a whole, the generation.
 * @module
 */

import { batchMessage } from "netlink-ts/nftables/batch.ts";
import { type Element, elementsMessage } from "netlink-ts/nftables/element.ts";
import { generationMessage } from "netlink-ts/nftables/generation.ts";
import { tableMessage } from "netlink-ts/nftables/table.ts";
import { commentOf } from "netlink-ts/nftables/user-data.ts";
import { FakeKernel, type FakeRequest } from "netlink-ts/testing/fake-kernel.ts";

const errno = { ENOENT: 2, EEXIST: 17, ERESTART: 85 } as const;
const NLM_F_EXCL = 0x200;
const NLM_F_DUMP = 0x300;

interface State {
  /** Comments by family. */
  tables: Map<number, string>;
  /** Whole elements by `any4 <key>-<end>`. */
  elements: Map<string, { set: string; element: Element }>;
}

type Answer = ReturnType<NonNullable<ConstructorParameters<typeof FakeKernel>[0]>>;

/** The fake's state, and sockets to it. */
export class FakeNfTables {
  generation = 1;
  state: State = { tables: new Map(), elements: new Map() };
  /** Names of the requests of every batch, as `12` for NEWSETELEM, joined. */
  readonly batches: string[] = [];
  /** Runs before a batch is begun: somebody else's commit. */
  beforeBatch: (() => void) | undefined;
  /** Refuses a request of that number with that errno. */
  refuse: { command: number; errno: number } | undefined;
  #staged: { before: State; commands: number[]; failed: boolean } | undefined;

  /** A socket to it. */
  transport(): FakeKernel {
    return new FakeKernel((request) => this.#answer(request));
  }

  /** `any4 net/a:eth0`, sorted: each element's set and owner. */
  owners(): string[] {
    return [...this.state.elements.values()]
      .map(({ set, element }) => `${set} ${commentOf(element.userdata) ?? "-"}`)
      .sort();
  }

  #answer(request: FakeRequest): Answer {
    const command = request.type & 0xff;
    if (request.type === 0x10) return this.#begin(request);
    if (request.type === 0x11) return this.#end();
    this.#staged?.commands.push(command);
    const refused = this.refuse?.command === command ? this.refuse.errno : undefined;
    const answer = refused === undefined ? this.#carryOut(command, request) : { errno: refused };
    if (answer?.errno !== undefined && this.#staged) this.#staged.failed = true;
    return answer;
  }

  #begin({ payload }: FakeRequest): Answer {
    this.beforeBatch?.();
    const { generation } = batchMessage.parse(payload);
    const overtaken = generation !== undefined && generation !== this.generation;
    const { tables, elements } = this.state;
    const before = { tables: new Map(tables), elements: new Map(elements) };
    this.#staged = { before, commands: [], failed: overtaken };
    return overtaken ? { errno: errno.ERESTART } : undefined;
  }

  #end(): Answer {
    const { before, commands, failed } = this.#staged!;
    this.#staged = undefined;
    this.batches.push(`${commands.join(" ")}${failed ? " failed" : ""}`);
    if (failed) this.state = before;
    else this.generation++;
    return undefined;
  }

  #carryOut(command: number, request: FakeRequest): Answer {
    if (command === 16) {
      return { type: 0xa0f, payloads: [generationMessage.encode({ id: this.generation })] };
    }
    const isDump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP;
    if (command === 1 && isDump) return { payloads: [] }; // nobody else's tables
    if (command <= 2) return this.#table(command, request);
    if ([4, 7, 10].includes(command)) return { payloads: [] };
    if (command < 12) return undefined; // chains, rules and sets are not looked at
    return this.#elements(command, request);
  }

  #table(command: number, { payload }: FakeRequest): Answer {
    const { family, name, userdata } = tableMessage.parse(payload);
    const comment = name === "netloom" ? this.state.tables.get(family) : undefined;
    if (command === 0) this.state.tables.set(family, comment ?? commentOf(userdata) ?? "");
    else if (comment === undefined) return { errno: errno.ENOENT };
    if (command === 1) return { type: 0xa00, payloads: [this.#tableReply(family)] };
    if (command === 2) this.#deleteTable(family);
    return undefined;
  }

  #tableReply(family: number): Uint8Array {
    const text = new TextEncoder().encode(`${this.state.tables.get(family)}\0`);
    return tableMessage.encode({ family, userdata: new Uint8Array([0, text.length, ...text]) });
  }

  #deleteTable(family: number): void {
    this.state.tables.delete(family);
    for (const [place, { set }] of this.state.elements) {
      if ((family === 7) === bridgeSets.includes(set)) this.state.elements.delete(place);
    }
  }

  #elements(command: number, { payload, flags }: FakeRequest): Answer {
    const { family, set = "", elements = [] } = elementsMessage.parse(payload);
    if (!this.state.tables.has(family)) return { errno: errno.ENOENT };
    if (command === 13) {
      const isDump = (flags & NLM_F_DUMP) === NLM_F_DUMP;
      const found = isDump
        ? this.#inSet(set)
        : elements.flatMap((each) => this.#find(set, each) ?? []);
      if (!isDump && found.length === 0) return { errno: errno.ENOENT };
      return { type: 0xa0c, payloads: [elementsMessage.encode({ family, set, elements: found })] };
    }
    for (const element of elements) {
      const place = placeOf(set, element);
      const isThere = this.state.elements.has(place);
      if (command === 14 && !isThere) return { errno: errno.ENOENT };
      if (command === 14) this.state.elements.delete(place);
      else if (!isThere) this.state.elements.set(place, { set, element });
      else if ((flags & NLM_F_EXCL) !== 0) return { errno: errno.EEXIST };
    }
    return undefined;
  }

  #inSet(name: string): Element[] {
    return [...this.state.elements.values()]
      .filter(({ set }) => set === name)
      .map(({ element }) => element);
  }

  #find(set: string, element: Element): Element | undefined {
    return this.state.elements.get(placeOf(set, element))?.element;
  }
}

const bridgeSets = ["mac_ports", "mac", "ip_ports", "addr4", "addr6", "target6"];

function placeOf(set: string, { key, keyEnd }: Element): string {
  return `${set} ${key?.value?.join()}-${keyEnd?.value?.join() ?? ""}`;
}
