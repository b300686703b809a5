/* Starts programs for a test process: a fork of Node copies the page tables of a hundred megabytes, one of this does not.
 *
 *   starter REQUESTS ANSWERS     two FIFOs; it lives until nobody can write a request any more.
 *
 * Request:  "ARGUMENTS ENVIRONMENT BLOCK INPUT MILLISECONDS\n": two counts, then BLOCK bytes: that many arguments and entries
 *           of the environment, each ended by a zero byte, then INPUT bytes for its stdin.
 * Answer:   "STATUS OUT ERR REPORT\n" in 48 bytes, then OUT, ERR and REPORT bytes of what it wrote to descriptors 1, 2 and 3.
 *
 * STATUS is as waitpid(2) has it. A program that takes longer than MILLISECONDS is killed; one that cannot be executed has
 * exit status 127 and says so on stderr.
 *
 * With 0 MILLISECONDS the program stays, and STATUS is its process id: the answer comes with the first that it writes to descriptor 1,
 * or without it when it ended before; then nobody reads that any more. Its stdin ends, without INPUT, when this program does; its stderr is this program's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "streams.h"

enum { STREAMS = 4 };

/* Descriptors 0 to 3 of the child are pipes; ours are close-on-exec, and the child's ends are moved out of the way first. */
static pid_t start(char **argv, char **environment, struct pollfd ours[STREAMS]) {
  int theirs[STREAMS];
  for (int at = 0; at < STREAMS; at++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) die("pipe2");
    ours[at] = (struct pollfd){ends[at == 0], at == 0 ? POLLOUT : POLLIN, 0};
    if ((theirs[at] = fcntl(ends[at != 0], F_DUPFD_CLOEXEC, 10)) < 0) die("fcntl");
    close(ends[at != 0]);
  }
  pid_t child = vfork();
  if (child < 0) die("vfork");
  if (child == 0) {
    for (int at = 0; at < STREAMS; at++) dup2(theirs[at], at);
    signal(SIGPIPE, SIG_DFL);
    execve(argv[0], argv, environment);
    dprintf(2, "execute %s: %s\n", argv[0], strerror(errno));
    _exit(127);
  }
  for (int at = 0; at < STREAMS; at++) close(theirs[at]);
  fcntl(ours[0].fd, F_SETFL, O_NONBLOCK);
  return child;
}

/* @returns its process id; what it says first goes into the text */
static pid_t stay(char **argv, char **environment, struct text *said) {
  static int life[2] = {-1, -1};
  int out[2];
  if (life[0] < 0 && pipe2(life, O_CLOEXEC)) die("pipe2");
  if (pipe2(out, O_CLOEXEC)) die("pipe2");
  pid_t child = vfork();
  if (child < 0) die("vfork");
  if (child == 0) {
    dup2(life[0], 0), dup2(out[1], 1);
    signal(SIGPIPE, SIG_DFL);
    execve(argv[0], argv, environment);
    dprintf(2, "execute %s: %s\n", argv[0], strerror(errno));
    _exit(127);
  }
  close(out[1]);
  struct pollfd first = {out[0], POLLIN, 0};
  while (said->length == 0 && first.fd >= 0) take(&first, said);
  if (first.fd >= 0) close(first.fd);
  return child;
}

static void start_to_stay(char **argv, char **environment, FILE *answers) {
  static struct text said;
  said.length = 0;
  pid_t child = stay(argv, environment, &said);
  fprintf(answers, "%11d %11zu %11d %11d\n", child, said.length, 0, 0);
  fwrite(said.bytes, 1, said.length, answers);
  fflush(answers);
}

static void run(char **argv, char **environment, const char *input, size_t length, long limit_ms, FILE *answers) {
  static struct text texts[STREAMS];
  struct pollfd ours[STREAMS];
  int status = 0, is_over = 0;
  long deadline = microseconds() + limit_ms * 1000;
  for (int at = 1; at < STREAMS; at++) texts[at].length = 0;
  pid_t child = start(argv, environment, ours);
  while (ours[1].fd >= 0 || ours[2].fd >= 0 || ours[3].fd >= 0) {
    long left = is_over ? 1000000 : deadline - microseconds();
    int ready = left > 0 ? poll(ours, STREAMS, left / 1000 + 1) : 0;
    if (ready < 0 && errno != EINTR) die("poll");
    if (ready == 0 && is_over) break; /* an orphan holds the pipes */
    if (ready == 0 && microseconds() >= deadline) kill(child, SIGKILL), is_over = 1;
    if (ready <= 0) continue;
    if (ours[0].revents) give(&ours[0], &input, &length);
    for (int at = 1; at < STREAMS; at++) if (ours[at].revents) take(&ours[at], &texts[at]);
  }
  for (int at = 0; at < STREAMS; at++) if (ours[at].fd >= 0) close(ours[at].fd);
  while (waitpid(child, &status, 0) < 0) if (errno != EINTR) die("waitpid");
  fprintf(answers, "%11d %11zu %11zu %11zu\n", status, texts[1].length, texts[2].length, texts[3].length);
  for (int at = 1; at < STREAMS; at++) fwrite(texts[at].bytes, 1, texts[at].length, answers);
  fflush(answers);
}

/* @returns where the next list begins */
static char *list(char *at, char **entries, size_t count) {
  for (size_t index = 0; index < count; index++, at += strlen(at) + 1) entries[index] = at;
  entries[count] = 0;
  return at;
}

int main(int argc, char **argv) {
  size_t arguments, environment, block, length;
  long limit_ms;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  if (argc != 3) return fputs("usage: starter REQUESTS ANSWERS\n", stderr), 2;
  FILE *requests = fopen(argv[1], "re"), *answers = fopen(argv[2], "we");
  if (!requests || !answers) die("fopen");
  while (fscanf(requests, "%zu %zu %zu %zu %ld", &arguments, &environment, &block, &length, &limit_ms) == 5 &&
         getc(requests) == '\n') {
    char *text = malloc(block + length + 1);
    char **entries = calloc(arguments + environment + 2, sizeof *entries);
    if (!text || !entries || fread(text, 1, block + length, requests) != block + length) die("read request");
    char *rest = list(text, entries, arguments);
    list(rest, entries + arguments + 1, environment);
    while (waitpid(-1, 0, WNOHANG) > 0) continue; /* those that stayed and have been killed */
    if (limit_ms == 0) start_to_stay(entries, entries + arguments + 1, answers);
    else run(entries, entries + arguments + 1, text + block, length, limit_ms, answers);
    free(entries), free(text);
  }
  return 0;
}
