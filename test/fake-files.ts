/**
 * A file system in memory with the calls of the host's contract: enough of Linux to test what programs keep on disk.
 * Paths are absolute; symbolic links are followed as the kernel does, permission bits are kept but not enforced.
 * @module
 */
import { getSystemErrorMap } from "node:util";

const O_ACCMODE = 3;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
const O_DIRECTORY = 0o200000;
const O_NOFOLLOW = 0o400000;
const O_PATH = 0o10000000;
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const TMPFS_MAGIC = 0x01021994;

/** What the kernel calls an error, and its number and text. */
const errors = new Map(
  [...getSystemErrorMap()].map(([negative, [name, text]]) => [name, { errno: -negative, text }]),
);

/** The error a host function throws, as the native host words it: `open "/x": ENOENT: no such file or directory`. */
export function hostError(syscall: string, code: string, path?: string): HostError {
  const { errno, text } = errors.get(code) ?? { errno: 1, text: "unknown error" };
  const subject = path === undefined ? syscall : `${syscall} "${path}"`;
  const error = new Error(`${subject}: ${code}: ${text}`) as HostError;
  Object.assign(error, { name: "HostError", errno, code, syscall });
  if (path !== undefined) error.path = path;
  return error;
}

interface Inode {
  ino: number;
  mode: number;
  mtime: number;
  nlink: number;
  bytes: Uint8Array;
  target: string;
  entries: Map<string, Inode>;
  locks: Map<OpenFile, number>;
}

interface OpenFile {
  inode: Inode;
  flags: number;
  offset: number;
}

/** What {@link FakeFiles} needs of its surroundings. */
export interface FakeClock {
  /** Milliseconds since 1970. */
  now(): number;
  sleep(milliseconds: number): void;
}

/** The files, and the descriptors that are open on them (from 3 on). */
export class FakeFiles {
  readonly descriptors = new Map<number, OpenFile>();
  /** Type and free space that statfs tells of every path; a test may change them. */
  fileSystem: HostStatfs = {
    type: TMPFS_MAGIC,
    blockSize: 4096,
    blocksAvailable: 1e6,
    filesFree: 1e6,
  };
  /** While set, every call that needs room fails with this code: "ENOSPC", "EROFS", "EDQUOT". */
  full: string | undefined;
  readonly #root: Inode;
  readonly #clock: FakeClock;
  #lastIno = 0;
  #changes = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.#root = this.#inode(S_IFDIR | 0o755);
  }

  // ---- for tests

  /** Writes a file and the directories above it. */
  put(path: string, content: string | Uint8Array, mode = 0o644): void {
    this.putDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
    const inode = this.#inode(S_IFREG | mode);
    inode.bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const { parent, name } = this.#place(path, "open");
    parent.entries.set(name, inode);
    this.#touch(parent);
  }

  /** Makes a directory and those above it. */
  putDirectory(path: string, mode = 0o755): void {
    let at = this.#root;
    for (const name of parts(path)) {
      const next = at.entries.get(name) ?? this.#inode(S_IFDIR | mode);
      at.entries.set(name, next);
      at = next;
    }
  }

  /** The file as text, undefined when there is none. */
  text(path: string): string | undefined {
    const bytes = this.bytes(path);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** The file's bytes, undefined when there is none. */
  bytes(path: string): Uint8Array | undefined {
    return this.#find(path, true)?.bytes;
  }

  /** Paths of all that is there but directories, sorted. */
  list(under = "/"): string[] {
    const found: string[] = [];
    const walk = (inode: Inode, path: string): void => {
      for (const [name, child] of inode.entries) {
        const childPath = path === "/" ? `/${name}` : `${path}/${name}`;
        if ((child.mode & S_IFMT) !== S_IFDIR) found.push(childPath);
        walk(child, childPath);
      }
    };
    const start = this.#find(under, true);
    if (start) walk(start, under);
    return found.sort();
  }

  // ---- the host's calls

  open(path: string, flags: number, mode = 0o666): number {
    const inode =
      (flags & O_TMPFILE) === O_TMPFILE ? this.#unnamed(mode) : this.#opened(path, flags, mode);
    if (flags & O_TRUNC && (flags & O_PATH) === 0) inode.bytes = new Uint8Array();
    return this.adopt({ inode, flags, offset: 0 });
  }

  close(fd: number): void {
    const file = this.#file(fd, "close");
    this.descriptors.delete(fd);
    if (![...this.descriptors.values()].includes(file)) file.inode.locks.delete(file);
  }

  read(fd: number, length: number): Uint8Array {
    const file = this.#file(fd, "read");
    if ((file.inode.mode & S_IFMT) === S_IFDIR) throw hostError("read", "EISDIR");
    if ((file.flags & O_ACCMODE) === 1) throw hostError("read", "EBADF");
    const part = file.inode.bytes.slice(file.offset, file.offset + length);
    file.offset += part.length;
    return part;
  }

  write(fd: number, bytes: Uint8Array): number {
    const { inode, flags, offset } = this.#file(fd, "write");
    if ((flags & O_ACCMODE) === 0) throw hostError("write", "EBADF");
    this.#needRoom("write");
    const at = flags & O_APPEND ? inode.bytes.length : offset;
    const longer = new Uint8Array(Math.max(inode.bytes.length, at + bytes.length));
    longer.set(inode.bytes);
    longer.set(bytes, at);
    inode.bytes = longer;
    inode.mtime = this.#clock.now() / 1000;
    this.#file(fd, "write").offset = at + bytes.length;
    return bytes.length;
  }

  fsync(fd: number): void {
    this.#file(fd, "fsync");
  }

  fdatasync(fd: number): void {
    this.#file(fd, "fdatasync");
  }

  ftruncate(fd: number, length: number): void {
    const { inode } = this.#file(fd, "ftruncate");
    const cut = new Uint8Array(length);
    cut.set(inode.bytes.subarray(0, length));
    inode.bytes = cut;
  }

  rename(from: string, to: string): void {
    const source = this.#place(from, "rename");
    const inode = source.parent.entries.get(source.name);
    if (!inode) throw hostError("rename", "ENOENT", from);
    const target = this.#place(to, "rename");
    const existing = target.parent.entries.get(target.name);
    if (existing && (existing.mode & S_IFMT) === S_IFDIR) {
      if ((inode.mode & S_IFMT) !== S_IFDIR) throw hostError("rename", "EISDIR", to);
      if (existing.entries.size > 0) throw hostError("rename", "ENOTEMPTY", to);
    }
    source.parent.entries.delete(source.name);
    target.parent.entries.set(target.name, inode);
    this.#touch(source.parent, target.parent);
  }

  linkat(fd: number, path: string): void {
    const { inode } = this.#file(fd, "linkat");
    const { parent, name } = this.#place(path, "linkat");
    if (parent.entries.has(name)) throw hostError("linkat", "EEXIST", path);
    this.#needRoom("linkat", path);
    inode.nlink += 1;
    parent.entries.set(name, inode);
    this.#touch(parent);
  }

  unlink(path: string): void {
    const { parent, name } = this.#place(path, "unlink");
    const inode = parent.entries.get(name);
    if (!inode) throw hostError("unlink", "ENOENT", path);
    if ((inode.mode & S_IFMT) === S_IFDIR) throw hostError("unlink", "EISDIR", path);
    inode.nlink -= 1;
    parent.entries.delete(name);
    this.#touch(parent);
  }

  mkdir(path: string, mode: number): void {
    const { parent, name } = this.#place(path, "mkdir");
    if (parent.entries.has(name) || name === "") throw hostError("mkdir", "EEXIST", path);
    this.#needRoom("mkdir", path);
    parent.entries.set(name, this.#inode(S_IFDIR | mode));
    this.#touch(parent);
  }

  rmdir(path: string): void {
    const { parent, name } = this.#place(path, "rmdir");
    const inode = parent.entries.get(name);
    if (!inode) throw hostError("rmdir", "ENOENT", path);
    if ((inode.mode & S_IFMT) !== S_IFDIR) throw hostError("rmdir", "ENOTDIR", path);
    if (inode.entries.size > 0) throw hostError("rmdir", "ENOTEMPTY", path);
    parent.entries.delete(name);
    this.#touch(parent);
  }

  readdir(path: string): string[] {
    const inode = this.#existing(path, true, "readdir");
    if ((inode.mode & S_IFMT) !== S_IFDIR) throw hostError("readdir", "ENOTDIR", path);
    return [...inode.entries.keys()];
  }

  stat(path: string): HostStat {
    return statOf(this.#existing(path, true, "stat"));
  }

  lstat(path: string): HostStat {
    return statOf(this.#existing(path, false, "lstat"));
  }

  fstat(fd: number): HostStat {
    return statOf(this.#file(fd, "fstat").inode);
  }

  access(path: string, mode: number): void {
    const inode = this.#existing(path, true, "access");
    const executable = (inode.mode & 0o111) !== 0;
    if (mode & 1 && !executable) throw hostError("access", "EACCES", path);
    if (mode & 2 && this.full === "EROFS") throw hostError("access", "EROFS", path);
  }

  symlink(target: string, path: string): void {
    const { parent, name } = this.#place(path, "symlink");
    if (parent.entries.has(name)) throw hostError("symlink", "EEXIST", path);
    const inode = this.#inode(S_IFLNK | 0o777);
    inode.target = target;
    parent.entries.set(name, inode);
    this.#touch(parent);
  }

  readlink(path: string): string {
    const inode = this.#existing(path, false, "readlink");
    if ((inode.mode & S_IFMT) !== S_IFLNK) throw hostError("readlink", "EINVAL", path);
    return inode.target;
  }

  chmod(path: string, mode: number): void {
    const inode = this.#existing(path, true, "chmod");
    inode.mode = (inode.mode & S_IFMT) | mode;
  }

  statfs(path: string): HostStatfs {
    this.#existing(path, true, "statfs");
    return { ...this.fileSystem };
  }

  fstatfs(fd: number): HostStatfs {
    this.#file(fd, "fstatfs");
    return { ...this.fileSystem };
  }

  /** A lock that another descriptor holds is never given up here: a blocking call waits out its time and fails. */
  flock(fd: number, operation: number, timeoutMs?: number): void {
    const file = this.#file(fd, "flock");
    const { locks } = file.inode;
    if (operation & LOCK_UN) {
      locks.delete(file);
      return;
    }
    const wanted = operation & (LOCK_SH | LOCK_EX);
    const held = [...locks].some(([by, kind]) => by !== file && (kind | wanted) & LOCK_EX);
    if (!held) locks.set(file, wanted);
    else if (operation & LOCK_NB) throw hostError("flock", "EAGAIN");
    else if (timeoutMs === undefined) throw new Error("fake flock: this would wait for ever");
    else {
      this.#clock.sleep(timeoutMs);
      throw hostError("flock", "ETIMEDOUT");
    }
  }

  /** Gives an open file the lowest free descriptor from 3 on. */
  adopt(file: OpenFile): number {
    let fd = 3;
    while (this.descriptors.has(fd)) fd += 1;
    this.descriptors.set(fd, file);
    return fd;
  }

  // ---- inside

  #inode(mode: number): Inode {
    this.#lastIno += 1;
    return {
      ino: this.#lastIno,
      mode,
      mtime: this.#clock.now() / 1000,
      nlink: 1,
      bytes: new Uint8Array(),
      target: "",
      entries: new Map(),
      locks: new Map(),
    };
  }

  /** A directory whose entries change gets a time of its own, as kernels from 6.13 on give it (multigrain). */
  #touch(...directories: Inode[]): void {
    this.#changes += 1;
    for (const directory of directories) {
      directory.mtime = this.#clock.now() / 1000 + this.#changes / 1e6;
    }
  }

  #unnamed(mode: number): Inode {
    this.#needRoom("open");
    const inode = this.#inode(S_IFREG | mode);
    inode.nlink = 0;
    return inode;
  }

  #opened(path: string, flags: number, mode: number): Inode {
    const existing = this.#find(path, (flags & O_NOFOLLOW) === 0);
    if (!existing) {
      if ((flags & O_CREAT) === 0) throw hostError("open", "ENOENT", path);
      const { parent, name } = this.#place(path, "open");
      this.#needRoom("open", path);
      const inode = this.#inode(S_IFREG | mode);
      parent.entries.set(name, inode);
      this.#touch(parent);
      return inode;
    }
    if (flags & O_CREAT && flags & O_EXCL) throw hostError("open", "EEXIST", path);
    const type = existing.mode & S_IFMT;
    if (type === S_IFLNK && (flags & O_PATH) === 0) throw hostError("open", "ELOOP", path);
    if (type === S_IFDIR && flags & O_ACCMODE) throw hostError("open", "EISDIR", path);
    if (flags & O_DIRECTORY && type !== S_IFDIR) throw hostError("open", "ENOTDIR", path);
    if (flags & O_ACCMODE && this.full === "EROFS") throw hostError("open", "EROFS", path);
    return existing;
  }

  #needRoom(syscall: string, path?: string): void {
    if (this.full !== undefined) throw hostError(syscall, this.full, path);
  }

  #file(fd: number, syscall: string): OpenFile {
    const file = this.descriptors.get(fd);
    if (!file) throw hostError(syscall, "EBADF");
    return file;
  }

  #existing(path: string, follow: boolean, syscall: string): Inode {
    const inode = this.#find(path, follow);
    if (!inode) throw hostError(syscall, "ENOENT", path);
    return inode;
  }

  /** The directory a path lies in and its last part. */
  #place(path: string, syscall: string): { parent: Inode; name: string } {
    const all = parts(path);
    const name = all.pop() ?? "";
    const parent = this.#find(`/${all.join("/")}`, true);
    if (!parent) throw hostError(syscall, "ENOENT", path);
    if ((parent.mode & S_IFMT) !== S_IFDIR) throw hostError(syscall, "ENOTDIR", path);
    return { parent, name };
  }

  #find(path: string, follow: boolean, depth = 0): Inode | undefined {
    if (depth > 40) throw hostError("open", "ELOOP", path);
    const all = parts(path);
    let at: Inode = this.#root;
    for (const [index, name] of all.entries()) {
      if ((at.mode & S_IFMT) !== S_IFDIR) throw hostError("open", "ENOTDIR", path);
      const next = at.entries.get(name);
      if (!next) return undefined;
      const last = index === all.length - 1;
      if ((next.mode & S_IFMT) === S_IFLNK && (follow || !last)) {
        const base = `/${all.slice(0, index).join("/")}`;
        const target = next.target.startsWith("/") ? next.target : `${base}/${next.target}`;
        return this.#find([target, ...all.slice(index + 1)].join("/"), follow, depth + 1);
      }
      at = next;
    }
    return at;
  }
}

function parts(path: string): string[] {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return kept;
}

function statOf({ ino, mode, bytes, mtime, nlink }: Inode): HostStat {
  return { dev: 1, ino, mode, uid: 0, gid: 0, nlink, size: bytes.length, mtime };
}
