/*
 * receiver - answers 200 to every request, and tells when the first and the last came.
 *
 * So cheap that the sender is what is measured: one thread, epoll, the end of a request by its
 * Content-Length. Speaks the protocol of receiver.ts: its port on stdout, then for each line on
 * stdin a line of JSON. Ends with its stdin, so that it never outlives who started it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1 << 16, EVENTS = 256 };

struct connection {
  int fd;
  size_t kept;
  char bytes[MOST];
};

static const char ANSWER[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
static unsigned long count;
static double first, last;

static double now_ms(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1e3 + at.tv_nsec / 1e6;
}

/* Answers what is whole; -1 when the connection cannot go on. */
static int answer(struct connection *peer) {
  char *from = peer->bytes;
  size_t left = peer->kept;
  for (;;) {
    char *end = memmem(from, left, "\r\n\r\n", 4);
    if (end == NULL) break;
    *end = 0;
    char *length = strcasestr(from, "\r\ncontent-length:");
    size_t size = end - from + 4 + (length == NULL ? 0 : strtoul(length + 17, NULL, 10));
    *end = '\r';
    if (left < size) break;
    last = now_ms();
    if (count++ == 0) first = last;
    if (write(peer->fd, ANSWER, sizeof ANSWER - 1) < 0) return -1;
    from += size;
    left -= size;
  }
  memmove(peer->bytes, from, left);
  peer->kept = left;
  return left == MOST - 1 ? -1 : 0;
}

static void greet(int epoll, int door) {
  int fd, yes = 1;
  while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct connection *peer = malloc(sizeof *peer);
    if (peer == NULL) exit(1);
    peer->fd = fd;
    peer->kept = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

static void hear(struct connection *peer) {
  ssize_t got = read(peer->fd, peer->bytes + peer->kept, MOST - 1 - peer->kept);
  if (got > 0) {
    peer->kept += got;
    peer->bytes[peer->kept] = 0;
    if (answer(peer) == 0) return;
  }
  close(peer->fd);
  free(peer);
}

static void command(void) {
  char line[64];
  ssize_t got = read(0, line, sizeof line - 1);
  if (got <= 0) exit(0);
  if (memmem(line, got, "reset", 5) != NULL) count = 0;
  printf("{\"count\":%lu,\"first\":%.3f,\"last\":%.3f}\n", count, first, last);
}

int main(void) {
  static char stdin_mark;
  struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0);
  if (bind(door, (struct sockaddr *)&at, size) || listen(door, 1024) ||
      getsockname(door, (struct sockaddr *)&at, &size)) {
    perror("receiver");
    return 1;
  }
  event.data.ptr = NULL;
  epoll_ctl(epoll, EPOLL_CTL_ADD, door, &event);
  event.data.ptr = &stdin_mark;
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("{\"port\":%d}\n", ntohs(at.sin_port));
  for (;;) {
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      void *who = events[i].data.ptr;
      if (who == NULL) greet(epoll, door);
      else if (who == &stdin_mark) command();
      else hear(who);
    }
  }
}
