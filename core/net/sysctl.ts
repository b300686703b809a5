/**
 * Kernel parameters under /proc/sys, of the network namespace the process is in.
 * @see sysctl(8), proc(5)
 * @module
 */

import { during, explain, isErrno } from "../errors.ts";
import { host } from "../host.ts";
import { warn } from "../log.ts";

const O_WRONLY = 1;
const root = "/proc/sys/";
const longestValue = 65536;

/**
 * The file of a parameter. As in sysctl(8) and upstream, the first separator decides: `net.ipv4.conf.eth0/1.forwarding`
 * (dots separate, a slash stands for a dot inside a name) or `net/ipv4/conf/eth0.1/forwarding`.
 * @throws Error when the name would lead out of /proc/sys
 */
export function sysctlPath(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  const path = first === "." ? name.replace(/[./]/g, swapped) : name;
  const parts = path.split("/");
  const strays = name.includes("\0") || parts.some((part) => ["", ".", ".."].includes(part));
  if (strays) throw new Error(`want the name of a kernel parameter, got ${JSON.stringify(name)}`);
  return root + path;
}

function swapped(separator: string): string {
  return separator === "." ? "/" : ".";
}

/** The value without the line's end. @throws HostError ENOENT when this kernel has no such parameter */
export function readSysctl(name: string): string {
  const fd = host.open(sysctlPath(name), 0);
  try {
    return new TextDecoder().decode(host.read(fd, longestValue)).replace(/\n$/, "");
  } finally {
    host.close(fd);
  }
}

/** As {@link readSysctl}; undefined when this kernel, or this namespace, has no such parameter. */
export function readSysctlIfPresent(name: string): string | undefined {
  try {
    return readSysctl(name);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Writes a value. A /proc/sys that cannot be written is no error when it holds the value already. */
export function writeSysctl(name: string, value: string): void {
  during(`set kernel parameter "${name}" to "${value}"`, () => {
    try {
      write(sysctlPath(name), value);
    } catch (error) {
      const unwritable = isErrno(error, "EROFS", "EACCES", "EPERM");
      if (!unwritable || readSysctl(name).trim() !== value) throw error;
    }
  });
}

function write(path: string, value: string): void {
  const fd = host.open(path, O_WRONLY);
  try {
    host.write(fd, new TextEncoder().encode(value));
  } finally {
    host.close(fd);
  }
}

/** As {@link writeSysctl}; what fails is said on stderr, and that this kernel has no such parameter is not even said. */
export function tryWriteSysctl(name: string, value: string): void {
  try {
    writeSysctl(name, value);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) warn(explain(error));
  }
}

/** Writes a value unless it is there already. */
export function ensureSysctl(name: string, value: string): void {
  if (readSysctl(name).trim() !== value) writeSysctl(name, value);
}
