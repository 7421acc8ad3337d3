/* What the load's parts share. */
#ifndef LOAD_H
#define LOAD_H

#include "../measure.h"
#include "../sockets.h"

typedef struct {
  const char *host;
  int port;
  const char *name;
  /* What the file has in it: everything that arrives is compared. */
  const uint8_t *content;
  size_t bytes;
  int blockBytes, windowBlocks, clients;
  double seconds;
  int pid;
} Options;

extern Options options;
/* Read once for all that arrived together. */
extern double now;

/* Each opens its clients at once, where they are not open, and adds them to `poll`; takes what one of them has got; looks
 * after the silent; and leaves the server in peace until `open` is called again. */
typedef struct {
  void (*open)(int poll);
  void (*take)(int client);
  void (*look)(void);
  void (*rest)(void);
} Protocol;

extern const Protocol tftp, http;

/* Of the file, at an offset: anything else, or more than there is, is an error. */
void judge(size_t offset, const uint8_t *bytes, size_t length);

#endif
