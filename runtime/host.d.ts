/**
 * The whole contract between TypeScript and the native host: one function a system call, named as in its man page.
 *
 * - Every call returns its value or throws a {@link HostError}; EINTR is retried inside, except where said.
 * - Every descriptor made here is close-on-exec.
 * - Paths and environment entries are text; bytes that are not UTF-8 appear as lone surrogates U+DC80…U+DCFF
 *   (as in PEP 383) and are turned back into the same bytes, so any name survives the round trip.
 * - While a program is built (its heap image is made) every function throws: import may touch nothing.
 *
 * Beside `netloomHost` the host defines the globals `TextEncoder`, `TextDecoder` (UTF-8 only; options `fatal` and
 * `ignoreBOM`) and `console` (`error`, `warn`, `log`: one line of text each, to stderr).
 *
 * The entry module of a program sets `globalThis.main`, a function without arguments; the host calls it, runs the
 * pending jobs, and leaves with the status it returned (a number; anything else is 0).
 * @module
 */

/** The single shape of a failing system call. `message` is `open "/x": ENOENT: no such file or directory`. */
interface HostError extends Error {
  name: "HostError";
  /** Positive errno of this kernel, as 2. */
  errno: number;
  /** Its name, as "ENOENT". */
  code: string;
  /** The function that failed, as "open". */
  syscall: string;
  /** The path it was given, if it takes one. */
  path?: string;
}

/** What stat(2), lstat(2) and fstat(2) tell. `dev`, `ino` and `size` are exact up to 2^53. */
interface HostStat {
  dev: number;
  ino: number;
  /** Type and permission bits, as 0o100600. */
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  size: number;
  /** Seconds since 1970, with fraction. */
  mtime: number;
}

interface HostStatfs {
  /** Magic number of the file system, as 0x6e736673 (nsfs). */
  type: number;
  blockSize: number;
  /** Blocks and inodes free to unprivileged users. */
  blocksAvailable: number;
  filesFree: number;
}

interface HostSpawn {
  /** The file that is executed: absolute, or with a slash; no PATH search. */
  path: string;
  argv: string[];
  /** The whole environment, `NAME=value` each. */
  env: string[];
  stdin: Uint8Array;
  /** The child is killed (SIGKILL) after this long; no limit when left out. */
  timeoutMs?: number;
  /** Most bytes kept of stdout and of stderr, each; what exceeds it kills the child. Default 16 MiB. */
  outputLimit?: number;
}

interface HostSpawned {
  /** Exit status, or undefined when a signal ended it. */
  status?: number;
  signal?: number;
  stdout: Uint8Array;
  stderr: Uint8Array;
  timedOut: boolean;
  outputExceeded: boolean;
}

/** One message of recvmsg(2). */
interface HostMessage {
  data: Uint8Array;
  /** The sender's sockaddr, raw; empty when there is none. */
  address: Uint8Array;
  /** MSG_TRUNC and the other flags the kernel set. */
  flags: number;
  /** Descriptors received with SCM_RIGHTS, close-on-exec. */
  fds: number[];
}

interface Host {
  // ---- process
  argv(): string[];
  /** The environment as it came, `NAME=value` each, duplicates kept, in order. */
  environ(): string[];
  /** _exit(2): leaves at once. */
  exit(status: number): never;
  getpid(): number;
  geteuid(): number;
  kill(pid: number, signal: number): void;
  /**
   * Starts a program, which has its stdin from now on, and returns its pid for {@link finish}. The child has only descriptors 0, 1, 2, default
   * signal dispositions, and dies with us (PR_SET_PDEATHSIG). Throws when it cannot be executed (ENOENT, EACCES,
   * ETXTBSY, ENOEXEC…), with `path`.
   */
  start(what: HostSpawn): number;
  /** Collects what a started program says and waits for its end. Once for each; ECHILD for any other pid. */
  finish(pid: number): HostSpawned;
  /**
   * execve(2): this process goes on as that program, with descriptors that are not close-on-exec, and with the signals that are
   * blocked or ignored. Returns only by throwing.
   */
  execve(path: string, argv: string[], env: string[]): never;
  /** A descriptor that reads struct signalfd_siginfo (128 bytes); the signals are blocked. */
  signalfd(signals: number[]): number;
  /** Bytes the build attached to the program (its line table), or empty. */
  attachment(): Uint8Array;

  // ---- files
  /** O_CLOEXEC is always added. `mode` matters with O_CREAT and O_TMPFILE. */
  open(path: string, flags: number, mode?: number): number;
  close(fd: number): void;
  /** At most `length` bytes; empty at the end. */
  read(fd: number, length: number): Uint8Array;
  /** Returns how many bytes were written. */
  write(fd: number, bytes: Uint8Array): number;
  fsync(fd: number): void;
  fdatasync(fd: number): void;
  ftruncate(fd: number, length: number): void;
  rename(from: string, to: string): void;
  /** linkat(2) of an open descriptor (AT_EMPTY_PATH, else /proc/self/fd): gives an O_TMPFILE its name; EEXIST if taken. */
  linkat(fd: number, path: string): void;
  unlink(path: string): void;
  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
  /** Names of the entries, without "." and "..", in the order of the directory. */
  readdir(path: string): string[];
  stat(path: string): HostStat;
  lstat(path: string): HostStat;
  fstat(fd: number): HostStat;
  access(path: string, mode: number): void;
  symlink(target: string, path: string): void;
  readlink(path: string): string;
  chmod(path: string, mode: number): void;
  statfs(path: string): HostStatfs;
  fstatfs(fd: number): HostStatfs;
  /**
   * flock(2). With `timeoutMs` a blocking call ends after that long with ETIMEDOUT.
   * LOCK_SH 1, LOCK_EX 2, LOCK_NB 4, LOCK_UN 8.
   */
  flock(fd: number, operation: number, timeoutMs?: number): void;

  // ---- namespaces and mounts
  setns(fd: number, type: number): void;
  unshare(flags: number): void;
  mount(source: string, target: string, type: string, flags: number, data: string): void;
  umount2(target: string, flags: number): void;

  // ---- sockets: addresses are raw sockaddr bytes
  socket(domain: number, type: number, protocol: number): number;
  /** socketpair(2): two connected descriptors. */
  socketpair(domain: number, type: number, protocol: number): [number, number];
  bind(fd: number, address: Uint8Array): void;
  connect(fd: number, address: Uint8Array): void;
  listen(fd: number, backlog: number): void;
  accept(fd: number): { fd: number; address: Uint8Array };
  getsockname(fd: number): Uint8Array;
  getpeername(fd: number): Uint8Array;
  getsockopt(fd: number, level: number, name: number, length: number): Uint8Array;
  /** A number is written as a C int. */
  setsockopt(fd: number, level: number, name: number, value: Uint8Array | number): void;
  /** setsockopt(2) SO_ATTACH_FILTER: a classic BPF program, 8 bytes an instruction (struct sock_filter). */
  attachFilter(fd: number, program: Uint8Array): void;
  shutdown(fd: number, how: number): void;
  /** Returns how many bytes were sent. MSG_NOSIGNAL is always added. */
  send(fd: number, bytes: Uint8Array, flags?: number): number;
  /** One datagram, or what a stream has; `length` bounds it. EAGAIN is thrown, never empty data. */
  recv(fd: number, length: number, flags?: number): Uint8Array;
  sendmsg(
    fd: number,
    data: Uint8Array,
    address?: Uint8Array,
    fds?: number[],
    flags?: number,
  ): number;
  recvmsg(fd: number, length: number, flags?: number): HostMessage;

  // ---- waiting, time, chance
  /** poll(2): the ready events of each, in order. `timeoutMs` -1 waits without limit. EINTR is retried with what is left. */
  poll(fds: { fd: number; events: number }[], timeoutMs: number): number[];
  timerfdCreate(clock: number): number;
  /** Milliseconds from now, and between repeats (0: once); both 0 stops it. */
  timerfdSettime(fd: number, valueMs: number, intervalMs: number): void;
  /** Milliseconds with fraction. CLOCK_REALTIME 0, CLOCK_MONOTONIC 1, CLOCK_BOOTTIME 7. */
  clockGettime(clock: number): number;
  nanosleep(milliseconds: number): void;
  getrandom(length: number): Uint8Array;

  // ---- the rest
  /** ioctl(2) with a number, or with a buffer that the kernel may fill; returns the call's value. */
  ioctl(fd: number, request: number, argument: number | Uint8Array): number;
  /** struct utsname. */
  uname(): { sysname: string; nodename: string; release: string; version: string; machine: string };
}

/** The one object the host puts into the global scope. Only `core/host.ts` may name it. */
declare const netloomHost: Host;
