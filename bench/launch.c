/* Plays the runtime for the benchmark, so cheaply that the programs' own time is what is seen.
 *
 *   launch versions ROUNDS STDIN PROG…   each program once a round, in turn, with CNI_COMMAND=VERSION
 *   launch chain VERB BIN WORK ID…       a chain of CNI programs as libcni runs it, for every ID at the same time
 *
 * WORK holds 1.json, 2.json, …: one configuration a program, ending in `}`; its "type" is the file of BIN that is run.
 * %PORT% in them becomes 20000 + ID. The result of ADD stays in WORK/result-ID for CHECK and DEL. The container is
 * bench-ID, its namespace /run/netns/b-ID. BIN/floor, if WORK/floor exists, is run instead of a chain.
 *
 * versions prints a line a program: peak KiB, then microseconds a round. chain prints "wall MICROSECONDS" and a line an
 * ID: its number, 1 if all succeeded, peak KiB, page faults and microseconds of processor time (both with those of programs
 * they waited for), microseconds, then those of each program. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TEXT = 60000, PROGRAMS = 8, AT_ONCE = 64 };

struct ended { long microseconds, kib, faults, processor; int succeeded; };
struct configuration { char type[64], text[TEXT]; };
struct chain { const char *verb, *bin, *work; int is_floor, count; struct configuration program[PROGRAMS]; };

static void fail(const char *what) {
  fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A descriptor to read the text from; it fits into the pipe's buffer, so nobody has to feed it. */
static int text_pipe(const char *text) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) fail("pipe");
  if (write(ends[1], text, strlen(text)) < 0) fail("write");
  close(ends[1]);
  return ends[0];
}

static long processor_time(const struct rusage *usage) {
  struct timeval user = usage->ru_utime, system = usage->ru_stime;
  return (user.tv_sec + system.tv_sec) * 1000000 + user.tv_usec + system.tv_usec;
}

/* Runs a program to its end; stdout goes into `output` unless that is null. */
static struct ended execute(char **argv, char **env, const char *input, char *output) {
  struct rusage usage;
  int status, out[2], in = text_pipe(input), quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (pipe2(out, O_CLOEXEC)) fail("pipe");
  long start = microseconds();
  pid_t child = vfork();
  if (child == 0) {
    dup2(in, 0);
    dup2(output ? out[1] : quiet, 1);
    if (!getenv("LAUNCH_LOUD")) dup2(quiet, 2);
    execve(argv[0], argv, env);
    _exit(127);
  }
  while (wait4(child, &status, 0, &usage) < 0) if (errno != EINTR) fail("wait4");
  int succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  struct ended ended = {microseconds() - start, usage.ru_maxrss, usage.ru_minflt, processor_time(&usage), succeeded};
  close(out[1]), close(in), close(quiet);
  if (output) {
    ssize_t length = read(out[0], output, TEXT - 1);
    output[length > 0 ? length : 0] = 0;
  }
  close(out[0]);
  return ended;
}

static void read_file(const char *path, char *text) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, text, TEXT - 1);
  text[length > 0 ? length : 0] = 0;
  if (fd >= 0) close(fd);
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fail(path);
  close(fd);
}

static void load(struct chain *chain) {
  char path[4096];
  snprintf(path, sizeof path, "%s/floor", chain->work);
  chain->is_floor = access(path, F_OK) == 0;
  for (chain->count = 0; chain->count < PROGRAMS; chain->count++) {
    struct configuration *program = &chain->program[chain->count];
    snprintf(path, sizeof path, "%s/%d.json", chain->work, chain->count + 1);
    read_file(path, program->text);
    char *type = strstr(program->text, "\"type\":\"");
    if (!type) break;
    sscanf(type + 8, "%63[^\"]", program->type);
  }
}

/* The configuration of one call: %PORT% filled in, prevResult before the last brace. */
static void configuration(char *into, const char *text, int id, const char *previous) {
  snprintf(into, TEXT, "%s", text);
  for (char *port; (port = strstr(into, "%PORT%"));) {
    char number[16];
    snprintf(number, sizeof number, "%-6d", 20000 + id);
    memcpy(port, number, 6);
  }
  if (!previous[0]) return;
  char *brace = strrchr(into, '}');
  snprintf(brace, TEXT - (brace - into), ",\"prevResult\":%s}", previous);
}

static struct ended run_floor(struct chain *chain, int id) {
  char program[4096], verb[16], netns[32], number[16];
  snprintf(program, sizeof program, "%s/floor", chain->bin);
  snprintf(netns, sizeof netns, "b-%d", id);
  snprintf(number, sizeof number, "%d", id);
  size_t length = 0;
  for (; chain->verb[length]; length++) verb[length] = tolower(chain->verb[length]);
  verb[length] = 0;
  return execute((char *[]){program, verb, netns, number, 0}, (char *[]){"PF_SYNC=2", 0}, "{}", 0);
}

static struct ended run_program(struct chain *chain, int index, int id, char *result) {
  char program[4096], verb[64], container[64], netns[64], path[4096], search[4096], input[TEXT];
  struct configuration *which = &chain->program[index];
  snprintf(program, sizeof program, "%s/%s", chain->bin, which->type);
  snprintf(verb, sizeof verb, "CNI_COMMAND=%s", chain->verb);
  snprintf(container, sizeof container, "CNI_CONTAINERID=bench-%d", id);
  snprintf(netns, sizeof netns, "CNI_NETNS=/run/netns/b-%d", id);
  snprintf(path, sizeof path, "CNI_PATH=%s", chain->bin);
  snprintf(search, sizeof search, "PATH=%s", getenv("PATH"));
  configuration(input, which->text, id, result);
  char *env[] = {verb, container, netns, "CNI_IFNAME=eth0", path, search, 0};
  int is_add = !strcmp(chain->verb, "ADD");
  return execute((char *[]){program, 0}, env, input, is_add ? result : 0);
}

static void run_chain(struct chain *chain, int id) {
  char result[TEXT] = "", path[4096], line[512];
  struct ended all = {0, 0, 0, 0, 1};
  int is_add = !strcmp(chain->verb, "ADD"), is_del = !strcmp(chain->verb, "DEL"), used = 0;
  snprintf(path, sizeof path, "%s/result-%d", chain->work, id);
  if (!is_add) read_file(path, result);
  long start = microseconds();
  for (int step = 0; step < (chain->is_floor ? 1 : chain->count) && all.succeeded; step++) {
    int index = is_del ? chain->count - 1 - step : step;
    struct ended one = chain->is_floor ? run_floor(chain, id) : run_program(chain, index, id, result);
    used += snprintf(line + used, sizeof line - used, " %ld", one.microseconds);
    all.succeeded = one.succeeded;
    all.faults += one.faults;
    all.processor += one.processor;
    if (one.kib > all.kib) all.kib = one.kib;
    if (!one.succeeded) fprintf(stderr, "launch: %s of %d, program %d: %s\n", chain->verb, id, index + 1, result);
  }
  all.microseconds = microseconds() - start;
  if (is_add) write_file(path, result);
  dprintf(1, "%d %d %ld %ld %ld %ld%s\n", id, all.succeeded, all.kib, all.faults, all.processor, all.microseconds, line);
}

/* Every ID in a process of its own; they wait for one end of file, which sets all of them off. */
static void run_at_once(struct chain *chain, int count, char **ids) {
  int gate[2], status;
  if (pipe2(gate, O_CLOEXEC)) fail("pipe");
  for (int i = 0; i < count; i++) {
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child) continue;
    char byte;
    close(gate[1]);
    while (read(gate[0], &byte, 1) > 0) continue;
    run_chain(chain, atoi(ids[i]));
    _exit(0);
  }
  close(gate[0]);
  usleep(20000);
  long start = microseconds();
  close(gate[1]);
  while (wait(&status) > 0) continue;
  dprintf(1, "wall %ld\n", microseconds() - start);
}

static int versions(int rounds, const char *input, int count, char **programs) {
  static long took[AT_ONCE][1000], kib[AT_ONCE];
  char *env[] = {"CNI_COMMAND=VERSION", "CNI_PATH=/", 0};
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < count; i++) {
      struct ended ended = execute((char *[]){programs[i], 0}, env, input, 0);
      if (!ended.succeeded) fail(programs[i]);
      took[i][round] = ended.microseconds;
      if (ended.kib > kib[i]) kib[i] = ended.kib;
    }
  }
  for (int i = 0; i < count; i++) {
    printf("%ld", kib[i]);
    for (int round = 0; round < rounds; round++) printf(" %ld", took[i][round]);
    printf("\n");
  }
  return 0;
}

int main(int argc, char **argv) {
  static struct chain chain;
  if (argc > 4 && !strcmp(argv[1], "versions")) {
    int rounds = atoi(argv[2]), count = argc - 4;
    if (rounds > 0 && rounds <= 1000 && count <= AT_ONCE) return versions(rounds, argv[3], count, argv + 4);
  }
  if (argc > 5 && !strcmp(argv[1], "chain")) {
    chain.verb = argv[2], chain.bin = argv[3], chain.work = argv[4];
    load(&chain);
    if (argc > 6) run_at_once(&chain, argc - 5, argv + 5);
    else run_chain(&chain, atoi(argv[5]));
    return 0;
  }
  fputs("usage: launch versions ROUNDS STDIN PROG... | launch chain VERB BIN WORK ID...\n", stderr);
  return 1;
}
