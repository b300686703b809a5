/* What a program that starts others does with their pipes: takes what they write, gives them their stdin, looks at the clock.
 * Descriptors are non-blocking or have been polled; at its end one is closed and becomes -1, which poll(2) passes over. */
#pragma once
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What was read so far; more than this is not read. */
enum { LARGEST_OUTPUT = 256 << 20 };

struct text {
  char *bytes;
  size_t length, room;
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void take(struct pollfd *from, struct text *text) {
  if (text->room - text->length < 65536) {
    text->room = text->room * 2 + 65536;
    if (!(text->bytes = realloc(text->bytes, text->room))) die("realloc");
  }
  ssize_t length = read(from->fd, text->bytes + text->length, text->room - text->length);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length > 0) text->length += length;
  if (length > 0 && text->length < LARGEST_OUTPUT) return;
  close(from->fd);
  from->fd = -1;
}

static void give(struct pollfd *to, const char **input, size_t *left) {
  ssize_t length = *left ? write(to->fd, *input, *left) : 0;
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length > 0) *input += length, *left -= length;
  if (length >= 0 && *left) return;
  close(to->fd); /* all is written, or nobody reads */
  to->fd = -1;
}
