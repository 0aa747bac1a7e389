/* A byte to another process and back over a socket pair, both sides asleep until it comes: what the system itself takes
 * for a call that is alone. Prints the median and the 99th percentile in microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRIPS 20000

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static void echo(int fd) {
  char byte;
  while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1) continue;
  _exit(0);
}

int main(void) {
  static double trips[TRIPS];
  int ends[2];
  char byte = 0;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    close(ends[0]);
    echo(ends[1]);
  }
  close(ends[1]);
  for (int i = 0; i < TRIPS; i++) {
    double start = microseconds();
    if (write(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1) return 1;
    trips[i] = microseconds() - start;
  }
  close(ends[0]);
  waitpid(child, NULL, 0);
  qsort(trips, TRIPS, sizeof *trips, by_size);
  printf("{\"p50\":%.2f,\"p99\":%.2f}\n", trips[TRIPS / 2], trips[TRIPS / 100 * 99]);
  return 0;
}
