/**
 * Flags of open(2) and types of stat(2), as x86-64 has them.
 * @see open(2), inode(7), include/uapi/asm-generic/fcntl.h
 * @module
 */

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_TMPFILE = 0o20000000 | O_DIRECTORY;

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/** True for a directory's `mode`. */
export function isDirectory({ mode }: { mode: number }): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

/** True for a regular file's `mode`. */
export function isRegularFile({ mode }: { mode: number }): boolean {
  return (mode & S_IFMT) === S_IFREG;
}
