/* answer NAME PORT...   what the containers of test pods run: on each port, tcp and udp, both families, it answers
 *                       whatever it is sent with "NAME PEER", PEER being the address of who asked.
 * answer wait           does nothing: the process that holds a pod's namespaces.
 * Both end at once on SIGTERM, as a process 1 does only when it says so. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64 };

static void leave(int signal) { _exit(signal == SIGTERM ? 0 : 1); }

static void reap(int signal) {
  while (signal == SIGCHLD && waitpid(-1, 0, WNOHANG) > 0) continue;
}

static void need(int ok, const char *what) {
  if (ok >= 0) return;
  perror(what);
  exit(1);
}

static int bound(int type, int port) {
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int yes = 1, no = 0, fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
  need(fd, "socket");
  need(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "SO_REUSEADDR");
  need(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no), "IPV6_V6ONLY");
  need(bind(fd, (void *)&any, sizeof any), "bind");
  if (type == SOCK_STREAM) need(listen(fd, 64), "listen");
  return fd;
}

static int text(char *out, size_t size, const char *name, const struct sockaddr_in6 *peer) {
  char address[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &peer->sin6_addr, address, sizeof address);
  const char *shown = strncmp(address, "::ffff:", 7) ? address : address + 7;
  return snprintf(out, size, "%s %s\n", name, shown);
}

static void answer(int fd, int type, const char *name) {
  char question[2048], said[512];
  struct sockaddr_in6 peer;
  socklen_t length = sizeof peer;
  if (type == SOCK_DGRAM) {
    if (recvfrom(fd, question, sizeof question, 0, (void *)&peer, &length) < 0) return;
    int size = text(said, sizeof said, name, &peer);
    if (sendto(fd, said, size, 0, (void *)&peer, length) < 0) perror("sendto");
    return;
  }
  int connection = accept(fd, (void *)&peer, &length);
  struct timeval patience = {.tv_sec = 1};
  if (connection < 0) return;
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  int size = text(said, sizeof said, name, &peer);
  if (read(connection, question, sizeof question) > 0 && write(connection, said, size) < 0) perror("write");
  close(connection);
}

int main(int argc, char **argv) {
  struct pollfd sockets[MOST];
  int types[] = {SOCK_STREAM, SOCK_DGRAM}, count = 0;
  signal(SIGTERM, leave);
  signal(SIGINT, leave);
  signal(SIGCHLD, reap);
  signal(SIGPIPE, SIG_IGN);
  for (int i = 2; i < argc && count < MOST; i++)
    for (int t = 0; t < 2; t++, count++) sockets[count] = (struct pollfd){bound(types[t], atoi(argv[i])), POLLIN, 0};
  for (;;) {
    if (count == 0) pause();
    else if (poll(sockets, count, -1) > 0)
      for (int i = 0; i < count; i++)
        if (sockets[i].revents) answer(sockets[i].fd, types[i % 2], argv[1]);
  }
}
