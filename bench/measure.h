/* What all loads measure: how many calls, how long each took, and the CPU that server and load used. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

/* Of what the load found since it was warm. */
typedef struct { uint64_t calls, bytes, errors, added; } Counters;
extern Counters counters;

/* When that began: seconds of the clock, and of CPU. */
typedef struct { double at, server, own; } Start;

void die(const char *what) __attribute__((noreturn));
void fail(const char *what) __attribute__((noreturn));

double clockNow(void);
void tookSeconds(double seconds);
/* How long the load is to run next; 0: no more. The seconds of its command line, once; where those are 0, what each line
 * of the standard input says, so that one load can run now and then while others do. */
double nextSlice(double seconds);
/* `server`: its process. */
Start startMeasuring(int server);
/* One line of JSON. */
void printMeasured(int server, Start start);

#endif
