/*
 * durable - `durable FOLDER THREADS COUNT`: so many files of 1 KiB, each written, fsynced,
 * renamed, and its folder fsynced, before the next of its thread. Prints how many a second.
 *
 * What no durable queue of one file a message can do without, with nothing around it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int folder;
static long count;
static atomic_long next;

static void check(int failed, const char *what) {
  if (!failed) return;
  perror(what);
  exit(1);
}

static void *writes(void *none) {
  char staged[32], name[32], body[1024];
  memset(body, 'x', sizeof body);
  for (long n; (n = next++) < count;) {
    snprintf(staged, sizeof staged, ".%ld", n);
    snprintf(name, sizeof name, "m%ld", n);
    int fd = openat(folder, staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    check(fd < 0, "open");
    check(write(fd, body, sizeof body) != sizeof body, "write");
    check(fsync(fd), "fsync");
    check(close(fd), "close");
    check(renameat(folder, staged, folder, name), "rename");
    check(fsync(folder), "fsync of the folder");
  }
  return none;
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  struct timespec began, ended;
  int threads = atoi(argv[2]);
  pthread_t all[256];
  count = atol(argv[3]);
  folder = open(argv[1], O_RDONLY | O_DIRECTORY);
  check(folder < 0, argv[1]);
  clock_gettime(CLOCK_MONOTONIC, &began);
  for (int i = 0; i < threads; i++) check(pthread_create(&all[i], NULL, writes, NULL), "thread");
  for (int i = 0; i < threads; i++) pthread_join(all[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &ended);
  double seconds = ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) / 1e9;
  printf("%.3f\n", count / seconds);
}
