/**
 * The daemon's socket: many clients at once, and the calls of the service.
 * @module
 */

import { POLLIN, type Watch } from "../core/daemon/loop.ts";
import { peerCredentials } from "../core/daemon/unix-socket.ts";
import { cniErrorOf, explain, isErrno } from "../core/errors.ts";
import { host } from "../core/host.ts";
import {
  dhcpMethod,
  emptyShape,
  readAllocateArgs,
  readCollectArgs,
  resultFields,
  resultShape,
} from "../core/rpc/dhcp-service.ts";
import { type Call, Client } from "./client.ts";
import type { Tenants } from "./tenants.ts";
import type { World } from "./world.ts";

/** More have to wait until another has gone. */
const MOST_CLIENTS = 512;
/** How long nobody is let in when there are no descriptors left. */
const PAUSE_MS = 1000;

/** Serves a socket that listens. */
export class Server {
  readonly #world: World;
  readonly #tenants: Tenants;
  readonly #fd: number;
  readonly #watch: Watch;
  readonly #clients = new Set<Client>();

  /** @param fd stays the caller's */
  constructor(world: World, tenants: Tenants, fd: number) {
    this.#world = world;
    this.#tenants = tenants;
    this.#fd = fd;
    this.#watch = world.loop.watch(fd, POLLIN, () => this.#accept());
  }

  /** Lets nobody in any more, and ends what is there. */
  close(): void {
    this.#watch[Symbol.dispose]();
    for (const client of this.#clients) client.close();
  }

  /** One in a turn: a socket that the service manager passed would wait for the next. */
  #accept(): void {
    const fd = this.#acceptOne();
    if (fd !== undefined) this.#open(fd);
    if (this.#clients.size >= MOST_CLIENTS) this.#watch.events = 0;
  }

  #acceptOne(): number | undefined {
    try {
      return host.accept(this.#fd).fd;
    } catch (error) {
      if (isErrno(error, "EAGAIN", "ECONNABORTED")) return undefined;
      this.#world.journal.write("error", `cannot take a connection: ${explain(error)}`);
      this.#watch.events = 0;
      this.#world.loop.after(PAUSE_MS, () => {
        this.#watch.events = POLLIN;
      });
      return undefined;
    }
  }

  /** Only root and who we are may ask: what we do we do as root. */
  #open(fd: number): void {
    const { uid, pid } = peerCredentials(fd);
    if (uid !== 0 && uid !== host.geteuid()) {
      host.close(fd);
      this.#world.journal.write("warning", "refused a connection", { uid, pid });
      return;
    }
    const client = new Client(fd, {
      loop: this.#world.loop,
      handle: (call) => this.#handle(call),
      ended: (ended, reason) => {
        this.#clients.delete(ended);
        this.#watch.events = POLLIN;
        if (reason === undefined) return;
        this.#world.journal.write("warning", `ended a connection: ${reason}`, { pid });
      },
    });
    this.#clients.add(client);
  }

  #handle(call: Call): Disposable | undefined {
    const { method, args } = call.request;
    const done = () => call.answer(emptyShape, {});
    try {
      switch (method) {
        case dhcpMethod.allocate:
          return this.#allocate(call);
        case dhcpMethod.release:
          this.#tenants.release(readAllocateArgs(args), done);
          return undefined;
        case dhcpMethod.collect:
          this.#tenants.collect(readCollectArgs(args), done);
          return undefined;
        case dhcpMethod.ping:
          done();
          return undefined;
      }
      call.refuseText(`rpc: can't find method ${method}`);
    } catch (error) {
      this.#refuse(call, error);
    }
    return undefined;
  }

  #allocate(call: Call): Disposable {
    const args = readAllocateArgs(call.request.args);
    return this.#tenants.allocate(args, {
      answer: (result) => call.answer(resultShape, resultFields(result)),
      refuse: (error) => call.refuse(cniErrorOf(error), args.wantsDetails),
    });
  }

  #refuse(call: Call, error: unknown): void {
    const { method, args } = call.request;
    this.#world.journal.write("warning", `refused ${method}: ${explain(error)}`);
    call.refuse(cniErrorOf(error), args["WantsDetails"] === true);
  }
}
