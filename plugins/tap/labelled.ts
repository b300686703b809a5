/**
 * Making a tap under a label of SELinux.
 *
 * The kernel labels a tap as the process that makes it: `security_tun_dev_create` and `security_tun_dev_alloc_security` ask for
 * the label of the task itself, and not for that of its sockets (`attr/sockcreate`). A process changes its own label in `execve`
 * alone, to what its `attr/exec` says, as policies allow it to container runtimes. So the program executes itself once more
 * under the label, to make the tap and nothing else.
 * @see security/selinux/hooks.c, proc_pid_attr(5)
 * @module
 */

import * as z from "zod/mini";

import { parseJson } from "../../core/cni/json.ts";
import { readStdin } from "../../core/cni/stdin.ts";
import { CniError, cniCode, explain } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { writeStderr } from "../../core/log.ts";
import { makeTap, type WantedTap, wantedTap } from "./device.ts";

/** The program's first argument when it shall make a tap; what tap is told on stdin. */
export const makingArgument = "make-tap";

const program = "/proc/self/exe";
const attribute = "/proc/thread-self/attr/exec";
const O_WRONLY = 1;
const patienceMs = 30_000;

/** As {@link makeTap}, by a process that has the label. */
export function makeLabelledTap(label: string, wanted: WantedTap): void {
  const stdin = new TextEncoder().encode(JSON.stringify(wanted));
  const argv = ["tap", makingArgument];
  const pid = withLabel(label, () =>
    host.start({ path: program, argv, env: [], stdin, timeoutMs: patienceMs }),
  );
  const { status, signal, stderr } = host.finish(pid);
  if (status === 0) return;
  const said = new TextDecoder().decode(stderr).trim();
  const how = signal === undefined ? `exit status ${status}` : `signal ${signal}`;
  const message = `failed to create tap "${wanted.ifname}" as "${label}"`;
  throw new CniError(cniCode.internal, message, { details: said === "" ? how : said });
}

/** The other side of {@link makeLabelledTap}. @returns the exit status */
export function makeAsked(): number {
  try {
    makeTap(z.parse(wantedTap, parseJson(readStdin(), "tap")));
    return 0;
  } catch (error) {
    writeStderr(`${explain(error)}\n`);
    return 1;
  }
}

/**
 * Runs `fn`; a program that it starts gets the label.
 * @throws {CniError} 50 when there is no SELinux, or no such label, or it may not be given
 */
export function withLabel<T>(label: string, fn: () => T): T {
  try {
    writeAttribute(label);
  } catch (cause) {
    const message = `failed set socket label: "selinuxContext" cannot be had: "${label}"`;
    throw new CniError(cniCode.notAvailable, message, { cause });
  }
  try {
    return fn();
  } finally {
    writeAttribute("\n"); // an empty line takes it back
  }
}

function writeAttribute(value: string): void {
  const fd = host.open(attribute, O_WRONLY);
  try {
    host.write(fd, new TextEncoder().encode(value));
  } finally {
    host.close(fd);
  }
}
