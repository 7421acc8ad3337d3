/* A load on an iSCSI target: sessions, each with a number of commands outstanding, from one thread.
 *   load HOST PORT TARGET LUN BYTES WORK SESSIONS DEPTH SIZE SECONDS SERVER-PID
 *   load fill FILE BYTES
 * WORK: random-read, random-write, sequential-read, sequential-write, for SECONDS after a fifth of that to warm up,
 * on a volume of BYTES that was made by `fill`; what is written is what is there. SECONDS 0: slices (measure.h), between
 * which answers wait to be read.
 * Every answer is judged: a status, a residual, an offset or a length other than expected is an error, and so is a
 * first block with other content. Prints one line of JSON. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "load.h"

enum { INPUT_BYTES = 1 << 20 };
enum { READ_10 = 0x28, WRITE_10 = 0x2a };

Options options;
static uint8_t input[INPUT_BYTES];
/* Read once for all that arrived together. */
static double now;

static uint32_t nextLba(Session *session) {
  uint32_t blocks = options.size / BLOCK_BYTES;
  uint64_t places = options.blocks / blocks;
  if (!options.isRandom) return session->place++ % places * blocks;
  session->place ^= session->place << 13;
  session->place ^= session->place >> 7;
  session->place ^= session->place << 17;
  return session->place % places * blocks;
}

static void putData(Session *session, uint32_t lba) {
  for (uint32_t at = 0; at < options.size / BLOCK_BYTES; at++) {
    putBlock(session->out + session->outLength, lba + at);
    session->outLength += BLOCK_BYTES;
  }
}

static void beginCommand(Session *session) {
  int at = 0;
  while (session->slots[at].tag) at++;
  Slot *slot = &session->slots[at];
  slot->sent = now;
  slot->tag = ++session->sequence << 8 | at;
  slot->lba = nextLba(session);
  slot->arrived = slot->dataSn = 0;
  session->inFlight++;
  uint8_t *header = session->out + session->outLength, *cdb = header + CDB;
  memset(header, 0, BHS_BYTES);
  header[0] = COMMAND;
  header[1] = FINAL | SIMPLE | (options.isWrite ? WRITES : READS);
  header[9] = options.lun;
  put32(header + TAG, slot->tag);
  put32(header + EXPECTED_BYTES, options.size);
  put32(header + CMD_SN, session->cmdSn++);
  put32(header + EXP_STAT_SN, session->expStatSn);
  cdb[0] = options.isWrite ? WRITE_10 : READ_10;
  put32(cdb + 2, slot->lba);
  uint32_t blocks = options.size / BLOCK_BYTES;
  cdb[7] = blocks >> 8;
  cdb[8] = blocks;
  session->outLength += BHS_BYTES;
  if (!options.isWrite) return;
  put32(header + 4, options.size);
  putData(session, slot->lba);
}

/* As many as may be outstanding: by the depth, and by the target's window (RFC 7143 §4.2.2.1). */
static void beginCommands(Session *session) {
  while (session->inFlight < options.depth && (int32_t)(session->maxCmdSn - session->cmdSn) >= 0)
    beginCommand(session);
  if (session->outLength > 0) sendAll(session->socket, session->out, session->outLength);
  session->outLength = 0;
}

static Slot *slotOf(Session *session, const uint8_t *header) {
  uint32_t tag = get32(header + TAG);
  Slot *slot = &session->slots[tag % DEPTH_MAX];
  if (!tag || slot->tag != tag) fail("an answer to no command");
  return slot;
}

static void endCommand(Session *session, Slot *slot, int isGood) {
  if (!options.isWrite) isGood = isGood && slot->arrived == options.size && isBlock(slot->first, slot->lba);
  counters.calls++;
  counters.bytes += options.isWrite ? options.size : slot->arrived;
  if (!isGood) counters.errors++;
  tookSeconds(now - slot->sent);
  slot->tag = 0;
  session->inFlight--;
}

/* Its data were copied once, by recv, as any initiator has to; the first block is kept. */
static void takeData(Session *session, const uint8_t *bytes, uint32_t length) {
  if (session->header[0] == DATA_IN) {
    Slot *slot = slotOf(session, session->header);
    if (slot->arrived < BLOCK_BYTES) {
      uint32_t room = BLOCK_BYTES - slot->arrived;
      memcpy(slot->first + slot->arrived, bytes, length < room ? length : room);
    }
    slot->arrived += length;
  }
  session->dataLeft -= length;
}

static void judgeHeader(Session *session, const uint8_t *header) {
  if (header[4]) fail("an additional header");
  if (header[0] != DATA_IN && header[0] != SCSI_RESPONSE) fail("a PDU other than Data-In and SCSI Response");
  session->dataLeft = dataLengthOf(header);
  session->paddingLeft = padded(session->dataLeft) - session->dataLeft;
  takeNumbers(session, header);
  if (header[0] != DATA_IN) return;
  Slot *slot = slotOf(session, header);
  if (get32(header + DATA_SN) != slot->dataSn++ || get32(header + BUFFER_OFFSET) != slot->arrived)
    fail("Data-In out of order");
}

static void endPdu(Session *session) {
  const uint8_t *header = session->header;
  session->headerLength = 0;
  if (header[0] == DATA_IN && !(header[1] & HAS_STATUS)) return;
  int isResponse = header[0] == SCSI_RESPONSE;
  int residuals = header[1] & (isResponse ? RESIDUALS : DATA_RESIDUALS);
  int refused = isResponse && header[2];
  endCommand(session, slotOf(session, header), !refused && !header[3] && !residuals && !get32(header + RESIDUAL));
}

static void takeInput(Session *session, const uint8_t *bytes, size_t length) {
  const uint8_t *end = bytes + length;
  while (bytes < end) {
    uint32_t left = end - bytes;
    if (session->headerLength < BHS_BYTES) {
      uint32_t part = BHS_BYTES - session->headerLength;
      if (part > left) part = left;
      memcpy(session->header + session->headerLength, bytes, part);
      session->headerLength += part;
      bytes += part;
      if (session->headerLength < BHS_BYTES) return;
      judgeHeader(session, session->header);
    } else if (session->dataLeft > 0) {
      uint32_t part = left < session->dataLeft ? left : session->dataLeft;
      takeData(session, bytes, part);
      bytes += part;
    } else {
      uint32_t part = left < session->paddingLeft ? left : session->paddingLeft;
      session->paddingLeft -= part;
      bytes += part;
    }
    if (session->dataLeft == 0 && session->paddingLeft == 0) endPdu(session);
  }
}

static Session *openSessions(int poll) {
  Session *sessions = calloc(options.sessions, sizeof(Session));
  uint64_t places = options.blocks * BLOCK_BYTES / options.size;
  for (int i = 0; i < options.sessions; i++) {
    Session *session = &sessions[i];
    session->out = malloc((size_t)options.depth * (BHS_BYTES + (options.isWrite ? options.size : 0)));
    session->place = options.isRandom ? (i + 1) * 0x9e3779b97f4a7c15u : places / options.sessions * i;
    openSession(session, i);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
    epoll_ctl(poll, EPOLL_CTL_ADD, session->socket, &event);
  }
  return sessions;
}

static Start drive(int poll, Session *sessions) {
  now = clockNow();
  Start start = startMeasuring(options.pid);
  double warm = now + options.seconds / 5, end = warm + options.seconds;
  for (int i = 0; i < options.sessions; i++) beginCommands(&sessions[i]);
  while (now < end) {
    struct epoll_event events[64];
    int ready = epoll_wait(poll, events, 64, 100);
    for (int i = 0; i < ready; i++) {
      Session *session = events[i].data.ptr;
      ssize_t length = recv(session->socket, input, INPUT_BYTES, MSG_DONTWAIT);
      if (length <= 0) die("the server hung up");
      now = clockNow();
      takeInput(session, input, length);
      beginCommands(session);
    }
    now = clockNow();
    if (warm > 0 && now >= warm) start = startMeasuring(options.pid), warm = 0;
  }
  return start;
}

static void readOptions(char **text) {
  const char *work = text[6];
  options = (Options){.host = text[1], .port = atoi(text[2]), .target = text[3], .lun = atoi(text[4]),
                      .blocks = strtoull(text[5], 0, 10) / BLOCK_BYTES, .isWrite = strstr(work, "write") != 0,
                      .isRandom = !strncmp(work, "random", 6), .sessions = atoi(text[7]), .depth = atoi(text[8]),
                      .size = atoi(text[9]), .seconds = atof(text[10]), .pid = atoi(text[11])};
  if (options.sessions < 1 || options.depth < 1 || options.depth > DEPTH_MAX) fail("sessions, depth");
  if (options.size < BLOCK_BYTES || options.size % BLOCK_BYTES || options.size / BLOCK_BYTES > options.blocks)
    fail("size");
}

int main(int count, char **text) {
  if (count == 4 && !strcmp(text[1], "fill")) return fillFile(text[2], strtoull(text[3], 0, 10));
  if (count != 12) fail("usage: at the head of load.c");
  readOptions(text);
  int poll = epoll_create1(0);
  Session *sessions = openSessions(poll);
  for (double seconds = options.seconds; (options.seconds = nextSlice(seconds)) > 0;)
    printMeasured(options.pid, drive(poll, sessions));
  return 0;
}
