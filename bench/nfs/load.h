/* What the load's parts share. */
#ifndef LOAD_H
#define LOAD_H

#include <stdio.h>
#include <stdlib.h>
#include "../measure.h"
#include "../sockets.h"
#include "wire.h"

enum { DEPTH_MAX = 64, PAGE_BYTES = 16384, RECORD_KEPT = 192 * 1024, HEAD_BYTES = 256 };

/* One call that is not answered yet. */
typedef struct {
  double sent;
  uint32_t xid;
  uint32_t procedure; /* of NFS */
  uint32_t status;    /* expected */
  uint32_t length;    /* of data expected from READ */
  int node;           /* that the reply is about: of a trace, or -1 */
  int learns;         /* node whose handle LOOKUP answers, or -1 */
} Slot;

/* What one node of a trace knows of a file. */
typedef struct { Handle handle; uint64_t cookie; uint8_t verifier[8]; } Known;

typedef struct {
  int socket;
  int inFlight;
  uint32_t sequence;
  Slot slots[DEPTH_MAX];
  uint8_t out[DEPTH_MAX * CALL_BYTES_MAX];
  size_t outLength;
  /* The record that arrives. */
  uint8_t mark[4];
  int markLength;
  uint32_t fragmentLeft;
  int isLast;
  uint8_t *record;
  uint32_t kept;
  uint64_t recordLength;
  /* Synthetic work: file and offset. */
  int file;
  uint64_t offset;
  uint32_t turn;
  /* A trace. */
  Known *known;
  int next;
} Conn;

typedef struct {
  const char *host;
  int port, mountPort;
  const char *exported, *list, *work;
  int conns, depth;
  uint32_t size;
  double seconds;
  int pid;
} Options;

extern Options options;
extern Handle root;

/* load.c: a call of NFS on a free slot; its arguments are then written to the Out. */
Slot *beginNext(Conn *conn, uint32_t procedure, Out *out);
void endNext(Conn *conn, Out *out);
int dialServer(int port);
/* One call and its reply, up to the results. */
In callAndWait(int socket, Out *out);

/* synthetic.c */
void openSynthetic(void);
void startSynthetic(Conn *conn, int number);
void nextSynthetic(Conn *conn);

/* trace.c */
void openTrace(void);
void startTrace(Conn *conn);
/* As many calls as may be outstanding now. */
void nextTrace(Conn *conn);
int traceEnded(const Conn *conn);
void learn(Conn *conn, const Slot *slot, In *in);

#endif
