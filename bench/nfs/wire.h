/* XDR (RFC 4506), ONC RPC calls with AUTH_SYS (RFC 5531) and their records, as far as a load needs them. */
#ifndef WIRE_H
#define WIRE_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

enum { NFS = 100003, MOUNT = 100005 };
enum { NULL_ = 0, GETATTR = 1, LOOKUP = 3, ACCESS = 4, READLINK = 5, READ = 6, READDIRPLUS = 17, FSSTAT = 18, FSINFO = 19 };

/* RFC 1813: a handle is at most 64 bytes. */
typedef struct { uint32_t length; uint8_t bytes[64]; } Handle;

/* No call of this load is longer: header and credentials 72, a handle 68, a name 259. */
enum { CALL_BYTES_MAX = 512 };

/* What is being written. */
typedef struct { uint8_t *start, *at; } Out;

static void put32(Out *out, uint32_t value) {
  value = htonl(value);
  memcpy(out->at, &value, 4);
  out->at += 4;
}

static void put64(Out *out, uint64_t value) {
  put32(out, value >> 32);
  put32(out, (uint32_t)value);
}

static void putOpaque(Out *out, const void *bytes, uint32_t length) {
  put32(out, length);
  memcpy(out->at, bytes, length);
  memset(out->at + length, 0, -length & 3);
  out->at += (length + 3) & ~3u;
}

static void putHandle(Out *out, const Handle *handle) { putOpaque(out, handle->bytes, handle->length); }

/* The record mark is written last, by endCall. */
static Out beginCall(uint8_t *buffer, uint32_t xid, uint32_t program, uint32_t procedure) {
  Out out = {buffer, buffer + 4};
  const uint32_t header[] = {xid, 0, 2, program, 3, procedure};
  for (int i = 0; i < 6; i++) put32(&out, header[i]);
  put32(&out, 1); /* AUTH_SYS: stamp, machine, uid, gid, no more groups */
  put32(&out, 24);
  put32(&out, 1);
  putOpaque(&out, "load", 4);
  for (int i = 0; i < 3; i++) put32(&out, 0);
  put32(&out, 0); /* verifier: AUTH_NONE */
  put32(&out, 0);
  return out;
}

static size_t endCall(Out *out) {
  size_t length = out->at - out->start;
  Out mark = {out->start, out->start};
  put32(&mark, 0x80000000u | (uint32_t)(length - 4));
  return length;
}

/* What is being read; past the end all is 0 and `bad` is set. */
typedef struct { const uint8_t *at, *end; int bad; } In;

static const uint8_t *take(In *in, size_t length) {
  static const uint8_t nothing[64];
  if ((size_t)(in->end - in->at) < length) {
    in->bad = 1;
    in->at = in->end;
    return nothing;
  }
  in->at += length;
  return in->at - length;
}

static uint32_t get32(In *in) {
  uint32_t value;
  memcpy(&value, take(in, 4), 4);
  return ntohl(value);
}

static uint64_t get64(In *in) {
  uint64_t high = get32(in);
  return high << 32 | get32(in);
}

static void getHandle(In *in, Handle *handle) {
  uint32_t length = get32(in);
  if (length > sizeof handle->bytes) length = 0, in->bad = 1;
  memcpy(handle->bytes, take(in, (length + 3) & ~3u), length);
  handle->length = length;
}

/* post_op_attr: fattr3 is 84 bytes. */
static void skipAttributes(In *in) {
  if (get32(in)) take(in, 84);
}

/* Up to the results; 0 where the call was not accepted. */
static int accepted(In *in) {
  if (get32(in) != 1 || get32(in) != 0) return 0;
  get32(in);
  uint32_t verifier = get32(in);
  if (verifier > 400) return 0;
  take(in, (verifier + 3) & ~3u);
  return get32(in) == 0 && !in->bad;
}

#endif
