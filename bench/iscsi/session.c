/* Login with a fixed text, straight to the operational stage (RFC 7143 §6.3). */
#include <stdio.h>
#include <stdlib.h>
#include "load.h"

enum { TEXT_MAX = 8192, LOGIN_ROUNDS_MAX = 4, ATTENTIONS_MAX = 4 };
enum { CSG_OPERATIONAL = 1 << 2, NSG_FULL_FEATURE = 3 };

/* As a PDU: header, then the data; for login and what comes right after it. */
typedef struct { uint8_t header[BHS_BYTES]; uint8_t data[TEXT_MAX]; uint32_t length; } Pdu;

static void sendPdu(Session *session, Pdu *pdu) {
  put32(pdu->header + 4, pdu->length);
  memset(pdu->data + pdu->length, 0, padded(pdu->length) - pdu->length);
  sendAll(session->socket, pdu->header, BHS_BYTES);
  sendAll(session->socket, pdu->data, padded(pdu->length));
}

static void receivePdu(Session *session, Pdu *pdu) {
  receiveAll(session->socket, pdu->header, BHS_BYTES);
  pdu->length = dataLengthOf(pdu->header);
  if (pdu->length >= TEXT_MAX - 4) fail("an answer to a login that is too long");
  receiveAll(session->socket, pdu->data, padded(pdu->length));
  pdu->data[pdu->length] = 0;
  takeNumbers(session, pdu->header);
}

static void putKey(Pdu *pdu, const char *pair) {
  size_t length = strlen(pair) + 1;
  memcpy(pdu->data + pdu->length, pair, length);
  pdu->length += length;
}

static const char *const offers[] = {
    "SessionType=Normal",         "HeaderDigest=None",
    "DataDigest=None",            "ErrorRecoveryLevel=0",
    "InitialR2T=No",              "ImmediateData=Yes",
    "MaxRecvDataSegmentLength=262144", "MaxBurstLength=1048576",
    "FirstBurstLength=262144",    "MaxConnections=1",
    "MaxOutstandingR2T=1",        "DefaultTime2Wait=0",
    "DefaultTime2Retain=0",       "DataPDUInOrder=Yes",
    "DataSequenceInOrder=Yes",    "InitiatorName=iqn.2026-01.test.sidus:load",
};

/* Value of a key in an answer, or what holds where the answer does not name it. */
static const char *answered(const Pdu *pdu, const char *key, const char *otherwise) {
  size_t length = strlen(key);
  for (const char *at = (const char *)pdu->data; at < (const char *)pdu->data + pdu->length; at += strlen(at) + 1)
    if (!strncmp(at, key, length) && at[length] == '=') return at + length + 1;
  return otherwise;
}

/* All that a write has goes along with its command. */
static void judgeAnswer(const Pdu *pdu, uint32_t *longest, uint32_t *burst) {
  if (strcmp(answered(pdu, "ImmediateData", "Yes"), "Yes")) fail("no immediate data");
  const char *segment = answered(pdu, "MaxRecvDataSegmentLength", 0);
  const char *first = answered(pdu, "FirstBurstLength", 0);
  if (segment) *longest = atoi(segment);
  if (first) *burst = atoi(first);
}

static void logIn(Session *session, int number) {
  /* §13.12, §13.14: what holds where nobody says otherwise. */
  uint32_t longest = 8192, burst = 65536;
  Pdu pdu = {.length = 0};
  char name[300];
  snprintf(name, sizeof name, "TargetName=%s", options.target);
  putKey(&pdu, name);
  for (size_t at = 0; at < sizeof offers / sizeof *offers; at++) putKey(&pdu, offers[at]);
  for (int round = 0; round < LOGIN_ROUNDS_MAX; round++) {
    memset(pdu.header, 0, BHS_BYTES);
    pdu.header[0] = LOGIN | IMMEDIATE;
    pdu.header[1] = FINAL | CSG_OPERATIONAL | NSG_FULL_FEATURE;
    /* §11.12.5: a qualifier of its own makes every session another one. */
    pdu.header[8] = 0x80;
    put32(pdu.header + 10, number);
    put32(pdu.header + CMD_SN, session->cmdSn);
    put32(pdu.header + EXP_STAT_SN, session->expStatSn);
    sendPdu(session, &pdu);
    receivePdu(session, &pdu);
    if (pdu.header[0] != LOGIN_RESPONSE || pdu.header[36]) fail("the login is refused");
    judgeAnswer(&pdu, &longest, &burst);
    if (pdu.header[1] == (FINAL | CSG_OPERATIONAL | NSG_FULL_FEATURE)) {
      if (options.isWrite && options.size > (longest < burst ? longest : burst)) fail("writes need more than immediate data");
      return;
    }
    pdu.length = 0;
  }
  fail("the login does not end");
}

/* TEST UNIT READY until it is: a new session has unit attentions (SAM-5 §5.14). */
static void becomeReady(Session *session) {
  for (int tried = 0; tried < ATTENTIONS_MAX; tried++) {
    Pdu pdu = {.header = {COMMAND, FINAL | SIMPLE}, .length = 0};
    pdu.header[9] = options.lun;
    put32(pdu.header + CMD_SN, session->cmdSn++);
    put32(pdu.header + EXP_STAT_SN, session->expStatSn);
    sendPdu(session, &pdu);
    receivePdu(session, &pdu);
    if (pdu.header[0] != SCSI_RESPONSE) fail("no answer to TEST UNIT READY");
    if (!pdu.header[2] && !pdu.header[3]) return;
  }
  fail("the unit is not ready");
}

void takeNumbers(Session *session, const uint8_t *header) {
  session->maxCmdSn = get32(header + MAX_CMD_SN);
  /* StatSN of Data-In counts where it has the status. */
  if ((header[0] & 0x3f) != DATA_IN || header[1] & HAS_STATUS) session->expStatSn = get32(header + STAT_SN) + 1;
}

void openSession(Session *session, int number) {
  session->socket = dial(options.host, options.port);
  session->cmdSn = 1;
  logIn(session, number);
  becomeReady(session);
}
