/**
 * Ways to start a program: what a case puts before it, see `TrialCall.through`.
 * @module
 */

/** bash in which `"$0"` is the program. Its stdin is a socket, as a remote login's, for which it would read .bashrc. */
export function sh(script: string): readonly string[] {
  return ["bash", "--norc", "-c", script];
}

/** With these arguments. */
export function withArguments(text: string): readonly string[] {
  return sh(`exec "$0" ${text}`);
}

/** With these redirections, as `2>&-`. */
export function redirected(redirections: string): readonly string[] {
  return sh(`exec "$0" ${redirections}`);
}

/** In a working directory that is gone. */
export const inNoDirectory = sh('d=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$0"');

/** stderr is a pipe that is full and that nobody reads. */
export const withFullStderr = sh(
  'd=$(mktemp -d) && mkfifo "$d/f" && exec 3<>"$d/f" && rm -r "$d" && ' +
    "dd if=/dev/zero of=/dev/fd/3 bs=65536 count=1 oflag=nonblock 2>/dev/null; " +
    'exec "$0" 2>&3 3>&-',
);

/** stdin comes byte by byte. */
export const byteByByte = sh(
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own syntax
  'while IFS= read -rN1 c; do printf %s "$c"; done | { "$0"; }; exit "${PIPESTATUS[1]}"',
);

/** stdin stays open for a while behind the last byte. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own syntax
export const heldOpen = sh('{ cat; sleep 0.5; } | { "$0"; }; exit "${PIPESTATUS[1]}"');

/** stdin is a pipe that says nothing. It is closed when the program ends. */
export const withIdleStdin = sh('exec 3< <(exec sleep 60); "$0" <&3; s=$?; kill $!; exit $s');

/** stdin is a socket. */
export const withSocketStdin: readonly string[] = [
  "python3",
  "-c",
  `
import socket, subprocess, sys
ours, theirs = socket.socketpair()
ours.sendall(sys.stdin.buffer.read())
ours.shutdown(socket.SHUT_WR)
sys.exit(subprocess.run(sys.argv[1:], stdin=theirs).returncode)`,
];

/** The environment has another entry of that name behind all others. */
export function withSecondEntry(entry: string): readonly string[] {
  const script = `
import ctypes, os, sys
libc = ctypes.CDLL(None)
names = [k + "=" + v for k, v in os.environ.items()] + [${JSON.stringify(entry)}]
envp = (ctypes.c_char_p * (len(names) + 1))(*[n.encode() for n in names], None)
argv = (ctypes.c_char_p * 2)(sys.argv[1].encode(), None)
libc.execve(sys.argv[1].encode(), argv, envp)`;
  return ["python3", "-c", script];
}

/** As a user without any right. */
export const asNobody: readonly string[] = [
  "setpriv",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
  "--inh-caps=-all",
  "--bounding-set=-all",
];
