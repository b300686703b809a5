/**
 * A DHCP server of a Debian package that runs in a sandbox.
 *
 * Packages are unpacked below .cache, not installed: installed they would be started, and serve the machine's own network.
 * @module
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { unpackedPackage } from "../kernel/debian-package.ts";
import type { Background } from "../kernel/enter.ts";
import type { Sandbox } from "../kernel/sandbox.ts";
import { until } from "./lan.ts";

/** A server that runs. */
export interface RunningServer {
  /** What it has said. */
  log(): string;
  /** Ends it. @returns the folder with its leases */
  stop(): Promise<string>;
}

let starts = 0;

/**
 * A folder for what each start has of its own, and the one of the leases: on paths that every namespace of the sandbox has.
 * @param leases the folder of a server before
 */
export function foldersOf(sandbox: Sandbox, leases?: string): { own: string; folder: string } {
  starts += 1;
  const own = join(sandbox.scratch, `server.${starts}`);
  mkdirSync(own);
  return { own, folder: leases ?? own };
}

/** A program of a Debian package, which is brought when it is first needed. */
export function programOf(name: string, path: string): string {
  return join(unpackedPackage(name, join(root, ".cache", name)), path);
}

/** How a server is started. */
export interface Launch {
  netns: string;
  /** With its leases. */
  folder: string;
  env?: Record<string, string>;
  /** What it says when it serves. */
  ready: RegExp;
  /** Where it says it. Default: stdout and stderr. */
  logFile?: string;
}

/** Starts a server. Returns when it serves. */
export async function launch(
  sandbox: Sandbox,
  argv: string[],
  how: Launch,
): Promise<RunningServer> {
  const { netns, folder, env, ready, logFile } = how;
  const running: Background = sandbox.start(argv, { netns, env: { ...process.env, ...env } });
  const log = () => running.output() + (logFile === undefined ? "" : readIfPresent(logFile));
  await until(`${argv[0]}`, () => ready.test(log()), log);
  const stop = async () => {
    await running.stop();
    return folder;
  };
  return { log, stop };
}

function readIfPresent(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Kea's way to write a log: a pipe that nobody reads would stop it. */
export function keaLoggers(name: string, logFile: string): object[] {
  return [
    {
      name,
      output_options: [{ output: logFile, flush: true }],
      severity: "DEBUG",
      debuglevel: 55, // each packet with its options
    },
  ];
}

/** Starts one of Kea's servers with that configuration. */
export function launchKea(
  sandbox: Sandbox,
  program: string,
  config: { file: string; own: string },
  how: Omit<Launch, "env">,
): Promise<RunningServer> {
  const env = { KEA_PIDFILE_DIR: config.own, KEA_LOCKFILE_DIR: config.own };
  return launch(sandbox, [program, "-c", config.file], { ...how, env });
}
