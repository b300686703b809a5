/* A CNI program that writes down how it was called and then is the program it stands for.
 *
 * It is started through a link FOLDER/TYPE and reads its own name from argv[0]. FOLDER/.programs/TYPE is the real
 * program, FOLDER/.calls takes one file a part of the call, CALL being the monotonic time in nanoseconds and the pid:
 *   CALL.type   TYPE and the state of CNI_NETNS when it began: "present", "gone" or "unset"
 *   CALL.env    the environment, entries ended by zero bytes
 *   CALL.in     stdin
 *   CALL.out    stdout of the real program
 *   CALL.end    its exit status, or minus the signal that ended it; missing when the client killed the recorder */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char folder[PATH_MAX], type[NAME_MAX + 1], call[64];

static void fail(const char *what) {
  fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
  exit(125);
}

static void name_call(const char *path) {
  char copy[PATH_MAX];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  snprintf(copy, sizeof copy, "%s", path);
  snprintf(type, sizeof type, "%s", basename(copy));
  snprintf(copy, sizeof copy, "%s", path);
  snprintf(folder, sizeof folder, "%s", dirname(copy));
  snprintf(call, sizeof call, "%018lld-%d", now.tv_sec * 1000000000LL + now.tv_nsec, getpid());
}

static int open_part(const char *part, int flags) {
  char path[PATH_MAX + 128];
  snprintf(path, sizeof path, "%s/.calls/%s.%s", folder, call, part);
  int fd = open(path, flags | O_CLOEXEC, 0600);
  if (fd < 0) fail(path);
  return fd;
}

static void write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written < 0 && errno != EINTR) fail("write");
    if (written > 0) bytes += written, length -= written;
  }
}

static void copy(int from, int to) {
  char bytes[65536];
  ssize_t got;
  while ((got = read(from, bytes, sizeof bytes)) != 0) {
    if (got < 0 && errno != EINTR) fail("read");
    if (got > 0) write_all(to, bytes, got);
  }
}

static void write_environment(void) {
  int fd = open_part("env", O_WRONLY | O_CREAT);
  for (char **entry = environ; *entry; entry++) write_all(fd, *entry, strlen(*entry) + 1);
  close(fd);
}

static void write_type(void) {
  const char *netns = getenv("CNI_NETNS");
  struct stat found;
  int fd = open_part("type", O_WRONLY | O_CREAT);
  const char *state = !netns || !*netns ? "unset" : stat(netns, &found) ? "gone" : "present";
  dprintf(fd, "%s %s\n", type, state);
  close(fd);
}

static int run(int in, int out) {
  char program[PATH_MAX + NAME_MAX + 16];
  int status;
  snprintf(program, sizeof program, "%s/.programs/%s", folder, type);
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0) fail("dup2");
    execl(program, program, (char *)0);
    fail(program);
  }
  while (waitpid(child, &status, 0) < 0) if (errno != EINTR) fail("waitpid");
  return status;
}

int main(int argc, char **argv) {
  if (argc < 1) return 125;
  name_call(argv[0]);
  write_type();
  write_environment();
  int in = open_part("in", O_RDWR | O_CREAT), out = open_part("out", O_RDWR | O_CREAT);
  copy(0, in);
  lseek(in, 0, SEEK_SET);
  int status = run(in, out);
  int end = open_part("end", O_WRONLY | O_CREAT);
  dprintf(end, "%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  close(end);
  lseek(out, 0, SEEK_SET);
  copy(out, 1);
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  return WEXITSTATUS(status);
}
