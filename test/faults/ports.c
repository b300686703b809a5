/* Who answers on published ports: all of them at once, in one process.
 *
 *   ports CLIENT        CLIENT is the network namespace that asks, a file as /run/netns/x.
 *
 * Reads lines `POD PROTOCOL PORT ADDRESS HOSTPORT` from stdin: in namespace POD something listens on PORT (tcp or udp,
 * both families) and says the number of its line; the client asks ADDRESS, HOSTPORT. Writes a line for each: the number
 * of the line whose listener answered, or the error. All sockets are gone when it ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 512, PATIENCE_MS = 5000, ASK_AGAIN_MS = 250 };

static struct { int listener, client, answer, error, stream; } lines[MOST];

static void fail(const char *what, const char *which) {
  fprintf(stderr, "ports: %s \"%s\": %s\n", what, which, strerror(errno));
  exit(1);
}

static void enter(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET)) fail("enter", path);
  close(fd);
}

static int listen_on(int type, int port) {
  int off = 0, on = 1, fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&any, sizeof any)) fail("bind", "::");
  if (type == SOCK_STREAM && listen(fd, 64)) fail("listen", "::");
  return fd;
}

static int connect_to(int type, const char *address, int port) {
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  int is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
  if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1) fail("read address", address);
  int fd = socket(is_six ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr *to = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
  if (connect(fd, to, is_six ? sizeof six : sizeof four) && errno != EINPROGRESS) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

static void say_number(int at) {
  char text[16];
  int length = sprintf(text, "%d\n", at);
  if (lines[at].stream) {
    int fd = accept4(lines[at].listener, 0, 0, SOCK_CLOEXEC);
    if (fd >= 0 && write(fd, text, length) > 0) shutdown(fd, SHUT_WR);
    close(fd);
    return;
  }
  struct sockaddr_in6 from;
  socklen_t size = sizeof from;
  char asked[16];
  if (recvfrom(lines[at].listener, asked, sizeof asked, 0, (struct sockaddr *)&from, &size) < 0) return;
  sendto(lines[at].listener, text, length, 0, (struct sockaddr *)&from, size);
}

static void settle(int at, int answer, int error) {
  lines[at].answer = answer, lines[at].error = error;
  close(lines[at].client);
  lines[at].client = -1;
}

static void hear(int at) {
  char text[16] = "";
  ssize_t length = recv(lines[at].client, text, sizeof text - 1, 0);
  if (length > 0) settle(at, atoi(text), 0);
  else if (length == 0) settle(at, -1, ECONNRESET);
  else if (errno != EAGAIN) settle(at, -1, errno);
}

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
  int count = 0, left = 0, port, host_port;
  char pod[256], protocol[8], address[64], asked[MOST][64];
  int host_ports[MOST];
  if (argc != 2) return 2;
  for (; count < MOST && scanf("%255s %7s %d %63s %d", pod, protocol, &port, address, &host_port) == 5; count++) {
    enter(pod);
    lines[count].stream = !strcmp(protocol, "tcp");
    lines[count].listener = listen_on(lines[count].stream ? SOCK_STREAM : SOCK_DGRAM, port);
    strcpy(asked[count], address), host_ports[count] = host_port;
  }
  enter(argv[1]);
  for (int at = 0; at < count; at++) {
    lines[at].client = connect_to(lines[at].stream ? SOCK_STREAM : SOCK_DGRAM, asked[at], host_ports[at]);
    lines[at].error = lines[at].client < 0 ? errno : ETIMEDOUT;
    lines[at].answer = -1;
    left += lines[at].client >= 0;
  }
  for (long end = now() + PATIENCE_MS, asking = 0; left > 0 && now() < end;) {
    if (now() >= asking) { /* datagrams may be lost: while a neighbour is looked for, only three wait */
      for (int at = 0; at < count; at++)
        if (!lines[at].stream && lines[at].client >= 0 && send(lines[at].client, "?", 1, 0) < 0 && errno != ECONNREFUSED) hear(at);
      asking = now() + ASK_AGAIN_MS;
    }
    struct pollfd both[2 * MOST];
    for (int at = 0; at < count; at++) {
      both[2 * at] = (struct pollfd){.fd = lines[at].listener, .events = POLLIN};
      both[2 * at + 1] = (struct pollfd){.fd = lines[at].client, .events = POLLIN};
    }
    if (poll(both, 2 * count, ASK_AGAIN_MS) < 0) fail("poll", "");
    left = 0;
    for (int at = 0; at < count; at++) {
      if (both[2 * at].revents) say_number(at);
      if (both[2 * at + 1].revents) hear(at);
      left += lines[at].client >= 0;
    }
  }
  for (int at = 0; at < count; at++) {
    if (lines[at].answer >= 0) printf("%d\n", lines[at].answer);
    else printf("%s\n", strerror(lines[at].error));
  }
  return 0;
}
