/**
 * One run of the daemon: from its command line to the signal that ends it.
 * @module
 */

import { environmentValue, passedSockets } from "../core/daemon/activation.ts";
import { FlagError } from "../core/daemon/flags.ts";
import { Journal } from "../core/daemon/journal.ts";
import { EventLoop, type Timer } from "../core/daemon/loop.ts";
import { ServiceManager } from "../core/daemon/notify.ts";
import { writePidfile } from "../core/daemon/pidfile.ts";
import { SIGHUP, SIGINT, SIGTERM, watchSignals } from "../core/daemon/signals.ts";
import { isListening, listenUnix } from "../core/daemon/unix-socket.ts";
import { explain, isErrno } from "../core/errors.ts";
import { host } from "../core/host.ts";
import { writeStderr } from "../core/log.ts";
import { directoryOf, ensureDirectory, unlinkIfPresent } from "../core/state/file.ts";
import { programVersion } from "../core/version.ts";
import { readCommandLine } from "./command-line.ts";
import { Server } from "./server.ts";
import { LeaseStore } from "./store.ts";
import { Tenants } from "./tenants.ts";
import type { DaemonSettings, World } from "./world.ts";

/** How long after a change the service manager is told of it. */
const STATUS_MS = 200;

/** Runs until a signal ends it. @returns the status to leave with: 2 for a bad command line, 1 when it could not start */
export function runDaemon(): number {
  const environ = host.environ();
  if (environmentValue(environ, "CNI_COMMAND")) {
    writeStderr("netloom dhcp-daemon: this is no plugin: the network's type is dhcp\n");
    return 1;
  }
  const journal = new Journal(environ);
  try {
    return serve(readCommandLine(host.argv().slice(1)), environ, journal);
  } catch (error) {
    if (error instanceof FlagError) {
      writeStderr(error.text);
      return error.status;
    }
    journal.write("error", explain(error));
    return 1;
  }
}

function serve(settings: DaemonSettings, environ: readonly string[], journal: Journal): number {
  using loop = new EventLoop((error) => journal.write("error", explain(error)));
  using cleanup = new Cleanup(journal);
  const manager = new ServiceManager(environ, host.getpid());
  if (settings.pidfile !== "") cleanup.add(pidfile(settings));
  const { fd, remove } = listener(settings, environ);
  cleanup.add(remove);
  const world: World = { loop, journal, settings, store: new LeaseStore(settings.hostPrefix) };
  const tenants = new Tenants(world, () => status.changed());
  const status = new StatusLine(loop, manager, tenants);
  tenants.resume();
  const server = new Server(world, tenants, fd);
  watchSignals(loop, [SIGTERM, SIGINT, SIGHUP], (signal) => {
    if (signal === SIGHUP) reload(manager, tenants, journal);
    else loop.stop();
  });
  feedWatchdog(loop, manager);
  tenants.keepSweeping();
  journal.write("info", `netloom dhcp-daemon ${programVersion} serves`, {
    leases: tenants.counts.all,
  });
  manager.tell({ READY: 1, STATUS: statusOf(tenants) });
  loop.run();
  manager.tell({ STOPPING: 1 });
  journal.write("info", "stops; leases stay", { leases: tenants.counts.all });
  server.close();
  tenants.close();
  return 0;
}

/** There is no configuration but the command line: what is read anew is the namespaces. */
function reload(manager: ServiceManager, tenants: Tenants, journal: Journal): void {
  manager.tellReloading();
  tenants.sweep();
  journal.write("info", "reloaded", { leases: tenants.counts.all });
  manager.tell({ READY: 1, STATUS: statusOf(tenants) });
}

function statusOf(tenants: Tenants): string {
  const { all, holding } = tenants.counts;
  const asking = all - holding;
  return `holds ${holding} leases${asking === 0 ? "" : `, asks for ${asking}`}`;
}

/** What the service manager shows of us. Counting takes a look at each lease, so a burst of changes is counted once. */
class StatusLine {
  readonly #tell: () => void;
  readonly #loop: EventLoop;
  #next: Timer | undefined;

  constructor(loop: EventLoop, manager: ServiceManager, tenants: Tenants) {
    this.#loop = loop;
    this.#tell = () => manager.tell({ STATUS: statusOf(tenants) });
  }

  changed(): void {
    this.#next ??= this.#loop.after(STATUS_MS, () => {
      this.#next = undefined;
      this.#tell();
    });
  }
}

/** @returns removes it */
function pidfile({ pidfile: path }: DaemonSettings): () => void {
  writePidfile(path);
  return () => void unlinkIfPresent(path);
}

/** The socket that the service manager passed, or our own. @returns with what removes its file */
function listener(
  { hostPrefix, socketPath }: DaemonSettings,
  environ: readonly string[],
): { fd: number; remove: () => void } {
  const passed = passedSockets(environ, host.getpid());
  if (passed.length > 1) {
    throw new Error(
      `Error getting listener: Too many (${passed.length}) FDs passed through socket activation`,
    );
  }
  const [own] = passed;
  if (own === undefined) return listenHere(hostPrefix + socketPath);
  if (!isListening(own.fd))
    throw new Error("Error getting listener: the passed FD does not listen");
  return { fd: own.fd, remove: () => {} };
}

function listenHere(path: string): { fd: number; remove: () => void } {
  try {
    makeDirectory(directoryOf(path));
    return { fd: listenUnix(path), remove: () => void unlinkIfPresent(path) };
  } catch (cause) {
    throw new Error("Error getting listener", { cause });
  }
}

/** Ours alone, as the reference makes it; one that is there is as it is. */
function makeDirectory(path: string): void {
  try {
    host.stat(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
    ensureDirectory(path, 0o700);
  }
}

function feedWatchdog(loop: EventLoop, manager: ServiceManager): void {
  const { watchdogMs } = manager;
  if (watchdogMs === undefined) return;
  loop.after(watchdogMs / 2, () => {
    manager.tell({ WATCHDOG: 1 });
    feedWatchdog(loop, manager);
  });
}

/** What is to be removed at the end, however it comes. */
class Cleanup implements Disposable {
  readonly #steps: (() => void)[] = [];
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  add(step: () => void): void {
    this.#steps.push(step);
  }

  [Symbol.dispose](): void {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        step();
      } catch (error) {
        this.#journal.write("error", `while stopping: ${explain(error)}`);
      }
    }
  }
}
