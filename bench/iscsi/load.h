/* What the load's parts share. */
#ifndef LOAD_H
#define LOAD_H

#include "../measure.h"
#include "../sockets.h"
#include "pdu.h"

enum { DEPTH_MAX = 64 };

/* One command that is not answered yet. */
typedef struct {
  double sent;
  uint32_t tag; /* 0: free */
  uint32_t lba;
  uint32_t arrived; /* bytes of data */
  uint32_t dataSn;
  uint8_t first[BLOCK_BYTES];
} Slot;

typedef struct {
  int socket;
  int inFlight;
  uint32_t cmdSn, maxCmdSn, expStatSn;
  uint32_t sequence;
  Slot slots[DEPTH_MAX];
  uint8_t *out;
  size_t outLength;
  /* The PDU that arrives. */
  uint8_t header[BHS_BYTES];
  uint32_t headerLength;
  uint32_t dataLeft, paddingLeft;
  /* Where the next command is: a state of chance, or a block. */
  uint64_t place;
} Session;

typedef struct {
  const char *host;
  int port;
  const char *target;
  int lun;
  uint64_t blocks; /* of the volume */
  int isWrite, isRandom;
  int sessions, depth;
  uint32_t size;
  double seconds;
  int pid;
} Options;

extern Options options;

/* session.c: logs in and waits until the unit is ready. `number` makes its ISID. */
void openSession(Session *session, int number);
/* What came with a header of the target's: the window, and which answers arrived. */
void takeNumbers(Session *session, const uint8_t *header);

/* pattern.c: what every block of a filled volume is. */
void putBlock(uint8_t *into, uint32_t lba);
int isBlock(const uint8_t *bytes, uint32_t lba);
int fillFile(const char *path, uint64_t bytes);

#endif
