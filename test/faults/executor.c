/* Runs many programs, one after another, for a test that asks for thousands: a process start from Node costs ten times
 * what most of our programs take.
 *
 * Request on stdin:  "BLOCK INPUT MILLISECONDS\n", then BLOCK bytes: program and environment, each ended by a zero byte,
 *                    then INPUT bytes for its stdin.
 * Answer on stdout:  "STATUS SIGNAL MICROSECONDS LEFT OUT ERR\n", then OUT and ERR bytes of its stdout and stderr.
 *
 * STATUS is -1 when SIGNAL ended it; a program that takes longer than MILLISECONDS is killed. LEFT counts the processes it
 * left behind, which are killed. A program that cannot be executed has status 127 and says so on stderr. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "../kernel/streams.h"

enum { MOST_ENTRIES = 256 };

static pid_t start(char **environment, int fds[3][2]) {
  for (int at = 0; at < 3; at++) if (pipe2(fds[at], O_CLOEXEC)) die("pipe2");
  pid_t child = vfork();
  if (child < 0) die("vfork");
  if (child == 0) {
    char *argv[] = {environment[0], 0};
    dup2(fds[0][0], 0), dup2(fds[1][1], 1), dup2(fds[2][1], 2);
    signal(SIGPIPE, SIG_DFL);
    execve(environment[0], argv, environment + 1);
    dprintf(2, "execute %s: %s\n", environment[0], strerror(errno));
    _exit(127);
  }
  close(fds[0][0]), close(fds[1][1]), close(fds[2][1]);
  fcntl(fds[0][1], F_SETFL, O_NONBLOCK);
  return child;
}

/* Orphans become this process' children: whoever is left is one that the program should have waited for, or ended. */
static int end_orphans(void) {
  int count = 0, status;
  char path[64], list[4096];
  for (;;) {
    pid_t orphan = waitpid(-1, &status, WNOHANG);
    if (orphan < 0) return count;
    if (orphan > 0) {
      count++;
      continue;
    }
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, list, sizeof list - 1);
    close(fd);
    list[length > 0 ? length : 0] = 0;
    for (char *at = list, *end; (orphan = strtol(at, &end, 10)) > 0; at = end) kill(orphan, SIGKILL);
    usleep(1000);
  }
}

static void run(char **environment, const char *input, size_t length, long limit_ms) {
  static struct text out, err;
  int fds[3][2], status = 0, is_over = 0;
  long begin = microseconds(), deadline = begin + limit_ms * 1000;
  out.length = err.length = 0;
  pid_t child = start(environment, fds);
  struct pollfd all[] = {{fds[0][1], POLLOUT, 0}, {fds[1][0], POLLIN, 0}, {fds[2][0], POLLIN, 0}};
  while (all[1].fd >= 0 || all[2].fd >= 0) {
    long left = is_over ? 1000000 : deadline - microseconds();
    int ready = left > 0 ? poll(all, 3, left / 1000 + 1) : 0;
    if (ready < 0 && errno != EINTR) die("poll");
    if (ready == 0 && is_over) break; /* an orphan holds the pipes */
    if (ready == 0 && microseconds() >= deadline) kill(child, SIGKILL), is_over = 1;
    if (ready <= 0) continue;
    if (all[0].revents) give(&all[0], &input, &length);
    if (all[1].revents) take(&all[1], &out);
    if (all[2].revents) take(&all[2], &err);
  }
  while (waitpid(child, &status, 0) < 0) if (errno != EINTR) die("waitpid");
  long took = microseconds() - begin;
  for (int at = 0; at < 3; at++) if (all[at].fd >= 0) close(all[at].fd);
  printf("%d %d %ld %d %zu %zu\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
         took, end_orphans(), out.length, err.length);
  fwrite(out.bytes, 1, out.length, stdout);
  fwrite(err.bytes, 1, err.length, stdout);
  fflush(stdout);
}

int main(void) {
  size_t block, length;
  long limit_ms;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  signal(SIGPIPE, SIG_IGN);
  while (scanf("%zu %zu %ld", &block, &length, &limit_ms) == 3 && getchar() == '\n') {
    char *environment[MOST_ENTRIES] = {0};
    char *text = malloc(block + length + 1);
    if (!text || fread(text, 1, block + length, stdin) != block + length) die("read request");
    int count = 0;
    for (char *at = text; at < text + block && count < MOST_ENTRIES - 1; at += strlen(at) + 1) environment[count++] = at;
    run(environment, text + block, length, limit_ms);
    free(text);
  }
  return 0;
}
