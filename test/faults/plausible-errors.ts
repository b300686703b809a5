/**
 * Which errors a system call can fail with although the caller did nothing wrong: what its man page lists for a full or broken
 * disk, memory that ran out, a signal, a policy (an LSM, seccomp). Others, such as EBADF, would be mistakes of the program.
 * @module
 */
import type { Step } from "./system-calls.ts";

interface Class {
  /** Calls as strace tells them: `open("/x", O_RDONLY…`. The first class that fits counts. */
  calls: RegExp;
  errors: readonly string[];
}

const classes: readonly Class[] = [
  // these report nothing but misuse, or do not return
  {
    calls:
      /^(arch_prctl|set_tid_address|rt_sig\w+|getp?pid|gete?uid|fcntl|lseek|exit_group|prlimit64)\(/,
    errors: [],
  },
  // a file that is made: the disk may be full or broken, the folder closed; EINTR comes from a network file system
  { calls: /^open\(.*O_(CREAT|TMPFILE)/, errors: ["ENOSPC", "EIO", "EACCES", "EINTR"] },
  { calls: /^(mkdirat|linkat|renameat2?)\(/, errors: ["ENOSPC", "EIO", "EACCES"] },
  // one that is there
  { calls: /^open\(/, errors: ["EIO", "EACCES", "EINTR", "ENOMEM"] },
  {
    calls: /^(newfstatat|stat|lstat|access|faccessat|readlink)\(/,
    errors: ["EIO", "EACCES", "ENOMEM"],
  },
  { calls: /^(fstat|statfs)\(/, errors: ["EIO", "ENOMEM"] },
  { calls: /^unlinkat\(/, errors: ["EIO", "EACCES"] },
  { calls: /^(read|pread64|getdents64)\(/, errors: ["EIO", "EINTR"] },
  { calls: /^(write|ftruncate)\(/, errors: ["ENOSPC", "EIO", "EINTR"] },
  // EIO is a write to the disk that failed late: sockets, pipes and /proc know no error
  { calls: /^close\(.* of open\("\/(run|var)\/(?!netns)/, errors: ["EIO", "EINTR"] },
  { calls: /^close\(/, errors: [] },
  { calls: /^flock\(/, errors: ["EINTR", "ENOLCK"] },
  // sockets: buffers come from the kernel's memory
  { calls: /^(socket|bind|getsockname)\(/, errors: ["ENOBUFS", "ENOMEM", "EACCES"] },
  { calls: /^connect\(/, errors: ["EACCES", "ENOMEM", "EAGAIN"] },
  { calls: /^(sendto|sendmsg|recvmsg|recvfrom)\(/, errors: ["ENOBUFS", "ENOMEM", "EINTR"] },
  { calls: /^setsockopt\(/, errors: ["ENOPROTOOPT", "ENOMEM"] },
  { calls: /^ioctl\(/, errors: ["ENOMEM", "EACCES"] },
  { calls: /^setns\(/, errors: ["ENOMEM", "EPERM"] },
  { calls: /^(mmap|brk|munmap|mprotect|madvise)\(/, errors: ["ENOMEM"] },
  // a process that is started: limits on processes, memory and descriptors; a program that may not be executed
  { calls: /^clone\(/, errors: ["EAGAIN", "ENOMEM"] },
  { calls: /^execve\(/, errors: ["EACCES", "ENOMEM", "EAGAIN"] },
  { calls: /^pipe2\(/, errors: ["EMFILE", "ENFILE"] },
  { calls: /^(prctl|dup2|close_range)\(/, errors: ["EPERM", "ENOMEM"] },
  { calls: /^(ppoll|poll)\(/, errors: ["EINTR", "ENOMEM"] },
  { calls: /^(wait4|getrandom|nanosleep|clock_nanosleep)\(/, errors: ["EINTR"] },
];

/** Names of the errors a call may plausibly fail with. @throws {Error} for a system call that no class knows */
export function plausibleErrors({ name, text }: Step): readonly string[] {
  const found = classes.find(({ calls }) => calls.test(`${name}(${text}`));
  if (found === undefined) throw new Error(`no class of errors for ${name}(${text}`);
  return found.errors;
}
