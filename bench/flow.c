/* flow serve PORT                     answers every TCP connection: 'r' back for each 'r', and takes 'b' for nothing
 * flow connect ADDRESS PORT COUNT     us of each new connection, from connect(2) to the first answer
 * flow ask ADDRESS PORT COUNT         us of each request and response on one connection
 * flow bulk ADDRESS PORT MILLISECONDS bytes a second that one connection takes
 * The figures are on one line. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char block[65536];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct sockaddr_in place(const char *address, const char *port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, address, &at.sin_addr) != 1) die(address);
  return at;
}

static int dial(const struct sockaddr_in *to) {
  int on = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0) die("socket");
  if (connect(s, (const struct sockaddr *)to, sizeof *to)) die("connect");
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return s;
}

static void ask(int s) {
  char answer;
  if (write(s, "r", 1) != 1 || read(s, &answer, 1) != 1) die("ask");
}

/* One process a connection: they last long enough. */
static void serve(const char *port) {
  struct sockaddr_in at = place("0.0.0.0", port);
  int on = 1, s = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(s, (struct sockaddr *)&at, sizeof at) || listen(s, 512)) die("listen");
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int c = accept(s, 0, 0);
    if (c < 0) continue;
    if (fork() != 0) {
      close(c);
      continue;
    }
    setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (ssize_t n; (n = read(c, block, sizeof block)) > 0;)
      if (n == 1 && block[0] == 'r' && write(c, "r", 1) != 1) break;
    _exit(0);
  }
}

static void bulk(const struct sockaddr_in *to, int milliseconds) {
  int s = dial(to);
  memset(block, 'b', sizeof block);
  uint64_t begin = now(), end = begin + milliseconds * 1000000ull, sent = 0;
  while (now() < end) {
    ssize_t n = write(s, block, sizeof block);
    if (n < 0) die("bulk");
    sent += n;
  }
  printf("%.0f\n", sent * 1e9 / (now() - begin));
}

int main(int count, char **words) {
  if (count == 3 && !strcmp(words[1], "serve")) serve(words[2]);
  if (count != 5) return 2;
  struct sockaddr_in to = place(words[2], words[3]);
  int many = atoi(words[4]);
  if (!strcmp(words[1], "bulk")) return bulk(&to, many), 0;
  int is_connect = !strcmp(words[1], "connect"), s = is_connect ? -1 : dial(&to);
  for (int i = 0; i < many; i++) {
    uint64_t begin = now();
    if (is_connect) s = dial(&to);
    ask(s);
    printf("%.1f ", (now() - begin) / 1e3);
    if (is_connect) close(s);
  }
  puts("");
  return 0;
}
