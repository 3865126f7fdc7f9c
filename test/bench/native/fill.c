/*
 * fill - `fill FOLDER FROM TO DUE LANE`: empty files with names of messages that are due from
 * DUE (epoch seconds) on, a millisecond apart. mknod makes each with one call and no descriptor.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 6 || chdir(argv[1]) != 0) return 64;
  long from = atol(argv[2]), to = atol(argv[3]);
  char stamp[32], name[128];
  for (long n = from; n < to; n++) {
    time_t due = atol(argv[4]) + n / 1000;
    if (n == from || n % 1000 == 0) strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", gmtime(&due));
    snprintf(name, sizeof name, "%s.%03ldZ,1,01JD3Z8K6Q%016ld@%s", stamp, n % 1000, n, argv[5]);
    if (mknod(name, S_IFREG | 0640, 0) != 0) {
      perror(name);
      return 1;
    }
  }
}
