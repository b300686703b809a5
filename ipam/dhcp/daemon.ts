/**
 * `dhcp daemon`: the reference's daemon is the plugin with this word, ours is a program beside it.
 * @module
 */

import { explain } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { warn } from "../../core/log.ts";

/** Goes on as `dhcp-daemon` in the folder of this program, with the words behind `daemon`. @returns the exit status when that fails */
export function becomeDaemon(): number {
  const [program = "dhcp", , ...flags] = host.argv();
  const folder = host.readlink("/proc/self/exe").replace(/\/[^/]*$/, "");
  try {
    host.execve(`${folder}/dhcp-daemon`, [program, ...flags], host.environ());
  } catch (error) {
    warn(`cannot start the daemon: ${explain(error)}`);
    return 1;
  }
}
