#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
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

/* Seconds that all threads of a process had a processor, those that ended too, in nanoseconds: /proc counts in ticks. */
static double cpuOf(int pid) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &time)) fail("no such server");
  return time.tv_sec + time.tv_nsec * 1e-9;
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

double nextSlice(double seconds) {
  static int isDone;
  char line[32];
  if (seconds == 0) return fgets(line, sizeof line, stdin) ? atof(line) : 0;
  return isDone++ ? 0 : seconds;
}

Start startMeasuring(int server) {
  counters = (Counters){.added = counters.added};
  memset(latencies, 0, sizeof latencies);
  return (Start){clockNow(), cpuOf(server), ownCpu()};
}

void printMeasured(int server, Start start) {
  double seconds = clockNow() - start.at;
  printf("{\"calls\":%lu,\"seconds\":%.4f,\"bytes\":%lu,\"errors\":%lu,\"added\":%lu,\"p50Us\":%d,\"p99Us\":%d,"
         "\"serverCpu\":%.6f,\"loadCpu\":%.6f}\n",
         counters.calls, seconds, counters.bytes, counters.errors, counters.added, percentile(0.5), percentile(0.99),
         cpuOf(server) - start.server, ownCpu() - start.own);
  fflush(stdout);
}
