/**
 * A socket to nf_tables, with the questions and transactions that the rest of this folder is made of.
 * @module
 */

import type { Batch } from "netlink-ts/netlink/batch.ts";
import { Connection } from "netlink-ts/netlink/connection.ts";
import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { answeredBy, type Call, call, type Request } from "netlink-ts/netlink/request.ts";
import { NETLINK_NETFILTER } from "netlink-ts/netlink/socket.ts";
import type { Transport } from "netlink-ts/netlink/transport.ts";
import { closeTransaction } from "netlink-ts/nftables/batch.ts";
import { type Element, elementsMessage, getElements } from "netlink-ts/nftables/element.ts";
import { generationMessage, getGeneration } from "netlink-ts/nftables/generation.ts";
import { getTable, tableMessage } from "netlink-ts/nftables/table.ts";
import { commentOf } from "netlink-ts/nftables/user-data.ts";

import type { Reader } from "netlink-ts/wire/cursor.ts";
import type { MessageInput } from "netlink-ts/wire/message.ts";

import { isErrno, untraced } from "../errors.ts";
import { host } from "../host.ts";
import { netlinkTrace } from "../net/netlink-debug.ts";
import { NetlinkSocket } from "../net/netlink-socket.ts";
import { leaveToKernel, wakeCollector } from "./leave-to-kernel.ts";
import { readSet } from "./set-dump.ts";
import { place, type SetName } from "./sets.ts";
import { elementKey, type TableElement } from "./table-element.ts";
import { tableName } from "./table-name.ts";

const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
/** What the kernel gives a socket unasked (net.core.wmem_default): a larger datagram is EMSGSIZE. */
const DEFAULT_SEND_BUFFER = 212992;
/** A datagram costs the buffer its bytes and what the kernel notes about them. */
const SEND_BUFFER_SLACK = 4096;

const oneGeneration = answeredBy(getGeneration, generationMessage.pick("id"));
const oneComment = answeredBy(getTable, tableMessage.pick("userdata"));
const theElements = answeredBy(getElements, elementsMessage.pick("elements"));
/** Not decoded: reading a thousand elements costs milliseconds, looking for a text in them does not. */
const rawElements = answeredBy(getElements, { read: (reader: Reader) => reader.slice() });

/** How many answers a socket has room for. */
const questionsPerExchange = 16;

/** What {@link NftSocket.lookUp} is asked. */
export interface Questions {
  /** Whether the generation is wanted. */
  readonly generation?: boolean;
  /** Families whose table's comment is wanted. */
  readonly families?: readonly number[];
  /** Elements to be found. */
  readonly elements?: readonly TableElement[];
}

/** What {@link NftSocket.lookUp} has found. */
export interface Answers {
  /** Not later than the rest. */
  readonly generation: number | undefined;
  /** As {@link NftSocket.tableComment}, one a family. */
  readonly comments: readonly (string | undefined)[];
  /** As {@link NftSocket.find}, one an element. */
  readonly found: readonly (TableElement | undefined)[];
}

/** What the questions of {@link NftSocket} are answered with. */
interface Answer {
  readonly id?: number | undefined;
  readonly userdata?: Uint8Array | undefined;
  readonly elements?: Element[] | undefined;
}

const theGeneration: Call<Answer> = call(oneGeneration, {});

const ourTable = (family: number): Call<Answer> => call(oneComment, { family, name: tableName });

const oneElement = (element: TableElement): Call<Answer> =>
  call(theElements, { ...place(element.set), elements: [elementKey(element)] });

/**
 * An nf_tables socket in the namespace it was opened in. Dispose it; unlike closing an nfnetlink socket, that does not wait
 * until what it deleted is freed.
 */
export class NftSocket implements Disposable {
  readonly connection: Connection;
  readonly #socket: Transport & { readonly fd?: number };
  #sendBuffer = DEFAULT_SEND_BUFFER;
  #deleted = false;

  /** @param socket a NETLINK_NETFILTER socket; closed when this is disposed */
  constructor(socket: Transport & { readonly fd?: number }) {
    this.#socket = socket;
    this.connection = new Connection(socket, { trace: netlinkTrace() });
  }

  /** Opens one in the current namespace. @throws {HostError} EPROTONOSUPPORT without nfnetlink in the kernel */
  static open(): NftSocket {
    return new NftSocket(new NetlinkSocket(NETLINK_NETFILTER));
  }

  /** Opens one; undefined on a kernel without nf_tables, which has nothing of ours. */
  static openIfSupported(): NftSocket | undefined {
    try {
      return NftSocket.open();
    } catch (error) {
      if (isErrno(error, "EPROTONOSUPPORT", "EAFNOSUPPORT")) return undefined;
      throw error;
    }
  }

  /** The generation of the rule set, for transactions that must not overlook what others commit. */
  generation(): number {
    return this.connection.get(oneGeneration, {}).id ?? 0;
  }

  /** The comment of our table of that family: "" when it has none, undefined when there is no table. */
  tableComment(family: number): string | undefined {
    return commentIn(this.ask(oneComment, { family, name: tableName }));
  }

  /** Answers to several questions in as few exchanges as can be, the generation first. */
  lookUp({ generation = false, families = [], elements = [] }: Questions): Answers {
    const bound = generation ? [theGeneration] : [];
    const questions = [...bound, ...families.map(ourTable), ...elements.map(oneElement)];
    const answers = this.askAll(questions);
    const tables = answers.splice(bound.length, families.length);
    const found = answers.splice(bound.length);
    return {
      generation: answers[0]?.id,
      comments: tables.map(commentIn),
      found: found.map((answer, at) => foundIn(answer, elements[at]!)),
    };
  }

  /**
   * Closes and carries out a transaction, as a whole or not at all.
   * @throws {NetlinkError} of the request that failed; ERESTART when the generation it was opened with is over
   */
  commit(transaction: Batch, { deletes = false } = {}): void {
    const batch = closeTransaction(transaction);
    this.#makeRoom(batch.byteLength);
    this.#deleted ||= deletes;
    this.connection.exchange(batch);
  }

  /** The element with the key of this one, for intervals the one that holds it; undefined when there is none. */
  find(element: TableElement): TableElement | undefined {
    const { set } = element;
    const elements = [elementKey(element)];
    return foundIn(this.ask(theElements, { ...place(set), elements }), element);
  }

  /** All elements of a set, none when there is no such set. */
  elements(set: SetName): TableElement[] {
    return readSet(() => this.#dump(rawElements, set)).map((each) => read(set, each));
  }

  /** Those elements of a set that `text` may stand in the comment of, and some more. @param text of ASCII characters */
  elementsWithText(set: SetName, text: string): TableElement[] {
    const decoder = new TextDecoder();
    const isLikely = (bytes: Uint8Array) => decoder.decode(bytes).includes(text);
    return readSet(() => this.#dump(rawElements, set), isLikely).map((each) => read(set, each));
  }

  /** One answer, or undefined when what is asked for is not there (ENOENT). */
  ask<I, R>(request: Request<I, R>, value: I): R | undefined {
    return this.askAll([call(request, value)])[0];
  }

  /** Answers to several questions in as few exchanges as can be; undefined for what is not there (ENOENT). */
  askAll<R>(questions: readonly Call<R>[]): (R | undefined)[] {
    const answers: (R | undefined)[] = [];
    for (let at = 0; at < questions.length; at += questionsPerExchange) {
      const asked = questions.slice(at, at + questionsPerExchange);
      const replies = untraced(() => this.connection.getAll(...asked));
      for (const reply of replies) {
        if (!(reply instanceof NetlinkError)) answers.push(reply);
        else if (isErrno(reply, "ENOENT")) answers.push(undefined);
        else throw reply;
      }
    }
    return answers;
  }

  [Symbol.dispose](): void {
    const { fd } = this.#socket;
    const left = this.#deleted && fd !== undefined && leaveToKernel(fd);
    this.#socket.close();
    if (left) wakeCollector();
  }

  #dump<R>(request: Request<ElementsInput, R>, set: SetName): R[] {
    try {
      return this.connection.dump(request, place(set));
    } catch (error) {
      if (isErrno(error, "ENOENT")) return []; // no table, no set
      throw error;
    }
  }

  #makeRoom(length: number): void {
    const { fd } = this.#socket;
    const wanted = length + SEND_BUFFER_SLACK;
    if (wanted <= this.#sendBuffer || fd === undefined) return;
    host.setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, wanted);
    this.#sendBuffer = wanted;
  }
}

type ElementsInput = MessageInput<typeof elementsMessage>;

function commentIn(table: Answer | undefined): string | undefined {
  return table && (commentOf(table.userdata) ?? "");
}

function foundIn(answer: Answer | undefined, { set }: TableElement): TableElement | undefined {
  const found = answer?.elements?.[0];
  return found && read(set, found);
}

function read(set: SetName, { key, keyEnd, data, userdata }: Element): TableElement {
  const owner = commentOf(userdata);
  return {
    set,
    key: key?.value ?? new Uint8Array(),
    ...(keyEnd?.value && { keyEnd: keyEnd.value }),
    ...(data?.value && { data: data.value }),
    ...(owner !== undefined && { owner }),
  };
}
