/* A load on servers of files: clients that get one file again and again, all from one thread.
 *   load tftp|http HOST PORT NAME FILE BLOCK-BYTES WINDOW-BLOCKS CLIENTS SECONDS SERVER-PID
 * For SECONDS after a fifth of that to warm up, or in slices where those are 0 (measure.h); FILE is what the file called
 * NAME has in it. Prints one line of JSON, whose calls are megabytes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "load.h"

enum { EVENTS = 128, LOOK_EVERY_MS = 50 };

Options options;
double now;

void judge(size_t offset, const uint8_t *bytes, size_t length) {
  counters.bytes += length;
  int isInside = offset <= options.bytes && length <= options.bytes - offset;
  if (!isInside || memcmp(options.content + offset, bytes, length)) counters.errors++;
}

static void readOptions(char **text) {
  struct stat found;
  int file = open(text[5], O_RDONLY);
  if (file < 0 || fstat(file, &found)) die(text[5]);
  options = (Options){.host = text[2], .port = atoi(text[3]), .name = text[4], .bytes = found.st_size,
                      .blockBytes = atoi(text[6]), .windowBlocks = atoi(text[7]), .clients = atoi(text[8]),
                      .seconds = atof(text[9]), .pid = atoi(text[10])};
  options.content = mmap(0, options.bytes, PROT_READ, MAP_PRIVATE, file, 0);
  if (options.content == MAP_FAILED) die("mmap");
  if (options.clients < 1 || options.windowBlocks < 1 || options.blockBytes < 8) fail("clients, window, block");
}

static Start drive(int poll, const Protocol *protocol) {
  now = clockNow();
  Start start = startMeasuring(options.pid);
  double warm = now + options.seconds / 5, end = warm + options.seconds, looked = now;
  protocol->open(poll);
  while (now < end) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poll, events, EVENTS, LOOK_EVERY_MS);
    now = clockNow();
    for (int i = 0; i < ready; i++) protocol->take(events[i].data.u32);
    if (now - looked > LOOK_EVERY_MS * 1e-3) protocol->look(), looked = now;
    if (warm > 0 && now >= warm) start = startMeasuring(options.pid), warm = 0;
  }
  protocol->rest();
  return start;
}

int main(int count, char **text) {
  if (count != 11) fail("usage: at the head of load.c");
  readOptions(text);
  int poll = epoll_create1(0);
  for (double seconds = options.seconds; (options.seconds = nextSlice(seconds)) > 0;) {
    Start start = drive(poll, strcmp(text[1], "http") ? &tftp : &http);
    counters.calls = counters.bytes / 1000000;
    printMeasured(options.pid, start);
  }
  return 0;
}
