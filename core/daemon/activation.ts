/**
 * Sockets that the service manager opened for us.
 * @see sd_listen_fds(3), systemd.socket(5)
 * @module
 */

/** The first descriptor that is passed. */
const SD_LISTEN_FDS_START = 3;

/** A socket that was passed. */
export interface PassedSocket {
  fd: number;
  /** FileDescriptorName= of its unit; `unknown` when the manager told none. */
  name: string;
}

/** The sockets meant for the process of that pid; none without a manager. */
export function passedSockets(environ: readonly string[], pid: number): PassedSocket[] {
  if (environmentValue(environ, "LISTEN_PID") !== String(pid)) return [];
  const text = environmentValue(environ, "LISTEN_FDS") ?? "";
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  const names = (environmentValue(environ, "LISTEN_FDNAMES") ?? "").split(":");
  return Array.from({ length: count }, (_, index) => ({
    fd: SD_LISTEN_FDS_START + index,
    name: names[index] || "unknown",
  }));
}

/** The value of a variable in a list of `NAME=value`; undefined when it is not set. */
export function environmentValue(environ: readonly string[], name: string): string | undefined {
  return environ.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}
