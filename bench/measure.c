#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "measure.h"

enum { LATENCY_MAX_US = 1 << 20 };
static uint32_t latencies[LATENCY_MAX_US];
Counters counters;

void die(const char *what) {
  perror(what);
  exit(2);
}

void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(2);
}

double clockNow(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

void tookSeconds(double seconds) {
  uint64_t us = seconds * 1e6;
  latencies[us < LATENCY_MAX_US ? us : LATENCY_MAX_US - 1]++;
}

/* User and system time of all threads of a process, in seconds: proc(5). */
static double cpuOf(int pid) {
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) die(path);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  unsigned long user = 0, kernel = 0;
  char *state = strrchr(text, ')');
  if (!state) fail("proc");
  sscanf(state + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
  return (double)(user + kernel) / sysconf(_SC_CLK_TCK);
}

static double ownCpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static int percentile(double part) {
  uint64_t all = 0, seen = 0;
  for (int us = 0; us < LATENCY_MAX_US; us++) all += latencies[us];
  for (int us = 0; us < LATENCY_MAX_US; us++)
    if ((seen += latencies[us]) > all * part) return us;
  return 0;
}

Start startMeasuring(int server) {
  counters = (Counters){.added = counters.added};
  memset(latencies, 0, sizeof latencies);
  return (Start){clockNow(), cpuOf(server), ownCpu()};
}

void printMeasured(int server, Start start) {
  double seconds = clockNow() - start.at;
  printf("{\"calls\":%lu,\"seconds\":%.4f,\"bytes\":%lu,\"errors\":%lu,\"added\":%lu,\"p50Us\":%d,\"p99Us\":%d,"
         "\"serverCpu\":%.2f,\"loadCpu\":%.3f}\n",
         counters.calls, seconds, counters.bytes, counters.errors, counters.added, percentile(0.5), percentile(0.99),
         cpuOf(server) - start.server, ownCpu() - start.own);
}
