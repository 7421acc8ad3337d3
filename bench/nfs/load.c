/* A load on an NFSv3 server over TCP: a number of connections, each with a number of calls outstanding.
 *   load HOST PORT MOUNT-PORT EXPORT LIST WORK CONNECTIONS DEPTH SIZE SECONDS SERVER-PID
 * WORK: null getattr lookup access read readdirplus mixed, for SECONDS after a fifth of that to warm up (synthetic.c);
 * SECONDS 0: slices (measure.h), between which replies wait to be read;
 * trace, until every connection replayed it, SECONDS at the most (trace.c).
 * Every reply is judged: a status other than expected, missing data or a reply that is cut short is an error.
 * Prints one line of JSON. */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"

Options options;
Handle root;

enum { INPUT_BYTES = 1 << 20 };
static uint8_t input[INPUT_BYTES];
static int isTrace;
/* Read once for all that arrived together. */
static double now;

int dialServer(int port) { return dial(options.host, port); }

In callAndWait(int socket, Out *out) {
  sendAll(socket, out->start, endCall(out));
  size_t length = 0;
  for (uint32_t mark = 0; !(mark & 0x80000000u);) {
    uint8_t bytes[4];
    receiveAll(socket, bytes, 4);
    In in = {bytes, bytes + 4, 0};
    mark = get32(&in);
    uint32_t part = mark & 0x7fffffffu;
    if (part > INPUT_BYTES - length) fail("a reply that is too long");
    receiveAll(socket, input + length, part);
    length += part;
  }
  In in = {input, input + length, 0};
  get32(&in);
  if (!accepted(&in)) fail("a call was not accepted");
  return in;
}

static void mountExport(void) {
  int socket = dialServer(options.mountPort);
  uint8_t buffer[CALL_BYTES_MAX + 1024];
  Out out = beginCall(buffer, 1, MOUNT, 1);
  putOpaque(&out, options.exported, strlen(options.exported));
  In in = callAndWait(socket, &out);
  if (get32(&in)) fail("MNT is refused");
  getHandle(&in, &root);
  close(socket);
}

/* xid: the slot in its low byte, which number in the others. */
Slot *beginNext(Conn *conn, uint32_t procedure, Out *out) {
  int at = 0;
  while (conn->slots[at].xid) at++;
  Slot *slot = &conn->slots[at];
  uint32_t xid = ++conn->sequence << 8 | at;
  *slot = (Slot){.sent = now, .xid = xid, .procedure = procedure, .node = -1, .learns = -1};
  conn->inFlight++;
  *out = beginCall(conn->out + conn->outLength, xid, NFS, procedure);
  return slot;
}

void endNext(Conn *conn, Out *out) { conn->outLength += endCall(out); }

/* Whether the data of READ are as many as said and expected. */
static int isWholeRead(In *in, const Slot *slot, uint64_t recordLength, const uint8_t *record) {
  skipAttributes(in);
  uint32_t count = get32(in);
  get32(in);
  uint32_t length = get32(in);
  uint64_t end = (uint64_t)(in->at - record) + ((length + 3) & ~3u);
  counters.bytes += count;
  return count == slot->length && length == count && recordLength == end;
}

static int isGood(Conn *conn, const Slot *slot) {
  In in = {conn->record + 4, conn->record + conn->kept, 0};
  if (!accepted(&in)) return 0;
  if (slot->procedure == NULL_) return 1;
  if (get32(&in) != slot->status) return 0;
  if (slot->status) return !in.bad;
  if (slot->procedure == READ) return isWholeRead(&in, slot, conn->recordLength, conn->record) && !in.bad;
  if (isTrace) learn(conn, slot, &in);
  /* Attributes, a handle or names: no good reply is shorter. */
  return !in.bad && conn->recordLength > 100;
}

static void takeReply(Conn *conn) {
  In in = {conn->record, conn->record + conn->kept, 0};
  uint32_t xid = get32(&in);
  Slot *slot = &conn->slots[(xid & 0xff) % DEPTH_MAX];
  if (slot->xid != xid) fail("a reply to no call");
  counters.calls++;
  if (!isGood(conn, slot)) counters.errors++;
  tookSeconds(now - slot->sent);
  slot->xid = 0;
  conn->inFlight--;
  conn->kept = conn->recordLength = 0;
  if (isTrace) nextTrace(conn);
  else nextSynthetic(conn);
}

/* Of READ's replies only the head is kept: their data were copied once, by recv, as any client has to. */
static void keep(Conn *conn, const uint8_t *bytes, uint32_t length) {
  uint32_t room = RECORD_KEPT - conn->kept;
  if (conn->kept < HEAD_BYTES) room = HEAD_BYTES - conn->kept;
  else if (conn->slots[conn->record[3] % DEPTH_MAX].procedure == READ) room = 0;
  uint32_t kept = length < room ? length : room;
  memcpy(conn->record + conn->kept, bytes, kept);
  conn->kept += kept;
  conn->recordLength += kept;
  if (kept < length && conn->kept == HEAD_BYTES && kept > 0) return keep(conn, bytes + kept, length - kept);
  conn->recordLength += length - kept;
}

static void takeInput(Conn *conn, const uint8_t *bytes, size_t length) {
  const uint8_t *end = bytes + length;
  while (bytes < end) {
    if (conn->markLength < 4) {
      conn->mark[conn->markLength++] = *bytes++;
      if (conn->markLength < 4) continue;
      In in = {conn->mark, conn->mark + 4, 0};
      uint32_t mark = get32(&in);
      conn->isLast = mark >> 31;
      conn->fragmentLeft = mark & 0x7fffffffu;
    }
    uint32_t part = end - bytes < conn->fragmentLeft ? end - bytes : conn->fragmentLeft;
    keep(conn, bytes, part);
    bytes += part;
    conn->fragmentLeft -= part;
    if (conn->fragmentLeft > 0) return;
    conn->markLength = 0;
    if (conn->isLast) takeReply(conn);
  }
}

static void flush(Conn *conn) {
  if (conn->outLength > 0) sendAll(conn->socket, conn->out, conn->outLength);
  conn->outLength = 0;
}

static Conn *openConns(int poll) {
  Conn *conns = calloc(options.conns, sizeof(Conn));
  for (int i = 0; i < options.conns; i++) {
    Conn *conn = &conns[i];
    conn->socket = dialServer(options.port);
    conn->record = malloc(RECORD_KEPT);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    epoll_ctl(poll, EPOLL_CTL_ADD, conn->socket, &event);
    if (isTrace) startTrace(conn);
    else startSynthetic(conn, i);
  }
  return conns;
}

static Start drive(int poll, Conn *conns) {
  now = clockNow();
  Start start = startMeasuring(options.pid);
  double end = now + options.seconds, warm = isTrace ? 0 : now + options.seconds / 5;
  if (warm > 0) end += options.seconds / 5;
  for (int i = 0; i < options.conns; i++) {
    if (isTrace) nextTrace(&conns[i]);
    else while (conns[i].inFlight < options.depth) nextSynthetic(&conns[i]);
    flush(&conns[i]);
  }
  for (int left = options.conns; left > 0 && now < end;) {
    struct epoll_event events[64];
    int ready = epoll_wait(poll, events, 64, 100);
    for (int i = 0; i < ready; i++) {
      Conn *conn = events[i].data.ptr;
      ssize_t length = recv(conn->socket, input, INPUT_BYTES, MSG_DONTWAIT);
      if (length <= 0) die("the server hung up");
      now = clockNow();
      takeInput(conn, input, length);
      flush(conn);
      if (isTrace && traceEnded(conn)) left--;
    }
    now = clockNow();
    if (warm > 0 && now >= warm) start = startMeasuring(options.pid), warm = 0;
  }
  if (isTrace && now >= end) fail("the replay took too long");
  return start;
}

int main(int count, char **text) {
  if (count != 12) fail("usage: at the head of load.c");
  options = (Options){text[1], atoi(text[2]), atoi(text[3]), text[4], text[5], text[6], atoi(text[7]), atoi(text[8]),
                      atoi(text[9]), atof(text[10]), atoi(text[11])};
  if (options.depth < 1 || options.depth > DEPTH_MAX || options.conns < 1) fail("connections, depth");
  isTrace = !strcmp(options.work, "trace");
  mountExport();
  if (isTrace) openTrace();
  else openSynthetic();
  int poll = epoll_create1(0);
  Conn *conns = openConns(poll);
  for (double seconds = options.seconds; (options.seconds = nextSlice(seconds)) > 0;)
    printMeasured(options.pid, drive(poll, conns));
  return 0;
}
