/**
 * Who holds a lock, for the message of one who waited in vain.
 * @see proc_locks(5), proc_pid_stat(5)
 * @module
 */

import { host } from "../host.ts";
import { readFileIfPresent } from "./file.ts";

/** Clock ticks of /proc/<pid>/stat a second: the kernel's USER_HZ, 100 on every architecture Linux has but one. */
const ticksPerSecond = 100;
const CLOCK_BOOTTIME = 7;

/** The holder of the flock(2) on a file: `process 812 ("host-local", running for 95 s)`, or as much as /proc tells. */
export function describeHolder(file: HostStat): string {
  const pid = holderOf(file);
  if (pid === undefined) return "a process that /proc/locks does not name";
  if (pid <= 0) return "a process of another pid namespace";
  const command = commandOf(pid);
  const age = ageOf(pid);
  const known = [
    command === undefined ? undefined : JSON.stringify(command),
    age === undefined ? undefined : `running for ${age} s`,
    stateOf(pid),
  ].filter((text) => text !== undefined);
  return known.length === 0 ? `process ${pid}` : `process ${pid} (${known.join(", ")})`;
}

/** Lines are `1: FLOCK  ADVISORY  WRITE 812 08:01:4711 0 EOF`; those who wait have `->` after the number. */
function holderOf({ dev, ino }: HostStat): number | undefined {
  const held = (procText("locks") ?? "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, kind, , , , place]) => kind === "FLOCK" && place?.endsWith(`:${ino}`));
  // some file systems (btrfs) tell another device to stat(2) than to /proc/locks
  const exact = held.find(([, , , , , place]) => place === `${deviceText(dev)}:${ino}`);
  const line = exact ?? (held.length === 1 ? held[0] : undefined);
  return line === undefined ? undefined : Number(line[4]);
}

function deviceText(dev: number): string {
  const number = BigInt(dev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  return `${hex(major)}:${hex(minor)}`;
}

function hex(number: bigint): string {
  return number.toString(16).padStart(2, "0");
}

function commandOf(pid: number): string | undefined {
  const command = procText(`${pid}/cmdline`)?.split("\0").join(" ").trim().slice(0, 200);
  return command === "" ? undefined : command;
}

/** Fields of /proc/<pid>/stat behind the command in parentheses, which may itself hold blanks and parentheses. */
function statFields(pid: number): string[] {
  const text = procText(`${pid}/stat`) ?? "";
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function ageOf(pid: number): number | undefined {
  const started = Number(statFields(pid)[19]);
  if (!(started > 0)) return undefined;
  return Math.max(
    0,
    Math.round(host.clockGettime(CLOCK_BOOTTIME) / 1000 - started / ticksPerSecond),
  );
}

function stateOf(pid: number): string | undefined {
  const state = statFields(pid)[0];
  if (state === "T") return "stopped";
  return state === "D" ? "in uninterruptible sleep" : undefined;
}

function procText(name: string): string | undefined {
  try {
    const bytes = readFileIfPresent(`/proc/${name}`, 4_000_000);
    return bytes && new TextDecoder().decode(bytes);
  } catch {
    return undefined; // the process is gone, or there is no /proc: the message does without
  }
}
