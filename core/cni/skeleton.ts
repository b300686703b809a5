/**
 * One run of a CNI program: environment and stdin in, one JSON document and an exit status out. Only this file ends the
 * program, and with `output.ts` it is the only one that prints to stdout.
 * @see SPEC.md "Section 2: Execution Protocol"
 * @module
 */

import { explain } from "../errors.ts";
import { host } from "../host.ts";
import { nameProgram, warn, writeStderr } from "../log.ts";
import { programVersion } from "../version.ts";
import { addCall, delCall, gcCall, statusCall } from "./calls.ts";
import type { NetworkConfig } from "./config.ts";
import { checkEnvironment, knownCommand, readEnvironment } from "./environment.ts";
import { printError, printStdout } from "./output.ts";
import type { AddCall, Plugin } from "./plugin.ts";
import { type Request, readRequest, refuseOwnNetns } from "./request.ts";
import { formatResult } from "./result-writer.ts";
import { answerVersion } from "./version-answer.ts";
import { newestVersion, type SpecVersion } from "./versions.ts";

/**
 * Makes `plugin` the program: the host calls `globalThis.main`. Called once, from `main.ts`.
 * @param others what else the program does, by its first argument, each with its exit status; a runtime gives none
 */
export function runPlugin(
  plugin: Plugin,
  others: Readonly<Partial<Record<string, () => number>>> = {},
): void {
  (globalThis as { main?: () => number }).main = () => {
    const [, argument = ""] = host.argv();
    const other = Object.hasOwn(others, argument) ? others[argument] : undefined;
    return other === undefined ? runOnce(plugin) : other();
  };
}

/** One run. @returns the exit status */
export function runOnce(plugin: Plugin): number {
  let version: SpecVersion = newestVersion;
  try {
    execute(plugin, (known) => {
      version = known;
    });
    return 0;
  } catch (error) {
    printError(error, version);
    return 1;
  }
}

function execute(plugin: Plugin, versionKnown: (version: SpecVersion) => void): void {
  nameProgram(plugin.type);
  const environment = readEnvironment(host.environ());
  if (environment.command === undefined) {
    writeStderr(aboutText(plugin));
    return;
  }
  const command = knownCommand(environment.command);
  if (command === "VERSION") {
    printStdout(answerVersion(plugin.versions));
    return;
  }
  checkEnvironment(environment, command);
  dispatch(plugin, readRequest(plugin, command, environment, versionKnown));
}

function aboutText({ type, versions }: Plugin): string {
  const spoken = `CNI protocol versions supported: ${versions.join(", ")}`;
  return `CNI ${type} plugin netloom v${programVersion}\n${spoken}\n`;
}

function dispatch(plugin: Plugin, request: Request): void {
  switch (request.command) {
    case "ADD":
      refuseOwnNetns(request.environment);
      add(plugin, request);
      break;
    case "DEL":
      refuseOwnNetns(request.environment);
      plugin.del(delCall(plugin, request));
      break;
    case "CHECK":
      plugin.check(addCall(plugin, request));
      break;
    case "GC":
      plugin.gc(gcCall(plugin, request));
      break;
    case "STATUS":
      plugin.status(statusCall(plugin, request));
      break;
  }
}

/** An attachment whose result never reached the runtime is taken back: nobody would know of it. */
function add(plugin: Plugin, request: Request): void {
  const call = addCall(plugin, request);
  const result = plugin.add(call);
  try {
    printStdout(formatResult(result, request.cniVersion));
  } catch (error) {
    takeBack(plugin, call);
    throw error;
  }
}

function takeBack(plugin: Plugin, call: AddCall<NetworkConfig>): void {
  try {
    plugin.del(call);
  } catch (error) {
    warn(`DEL after an ADD whose result could not be given: ${explain(error)}`);
  }
}
