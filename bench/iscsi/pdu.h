/* iSCSI PDUs (RFC 7143 §11) as far as a load of READ(10) and WRITE(10) needs them. No digests, no AHS. */
#ifndef PDU_H
#define PDU_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

enum { BHS_BYTES = 48, BLOCK_BYTES = 512 };

/* §11.2.1.2; all else that a target may send ends the load. */
enum { COMMAND = 0x01, LOGIN = 0x03, SCSI_RESPONSE = 0x21, LOGIN_RESPONSE = 0x23, DATA_IN = 0x25 };
enum { IMMEDIATE = 0x40 };

/* Flags of byte 1: §11.3.1, §11.4.1, §11.7.1. */
enum { FINAL = 0x80, READS = 0x40, WRITES = 0x20, SIMPLE = 0x01 };
enum { RESIDUALS = 0x1e, DATA_RESIDUALS = 0x06, HAS_STATUS = 0x01 };

/* Where fields are in a header. */
enum { TAG = 16, EXPECTED_BYTES = 20, CMD_SN = 24, STAT_SN = 24, EXP_STAT_SN = 28, MAX_CMD_SN = 32, CDB = 32 };
enum { DATA_SN = 36, BUFFER_OFFSET = 40, RESIDUAL = 44 };

static inline uint32_t get32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return ntohl(value);
}

static inline void put32(uint8_t *at, uint32_t value) {
  value = htonl(value);
  memcpy(at, &value, 4);
}

/* §11.2.1.6: DataSegmentLength, 24 bits after TotalAHSLength. */
static inline uint32_t dataLengthOf(const uint8_t *header) { return get32(header + 4) & 0xffffff; }

static inline uint32_t padded(uint32_t length) { return (length + 3) & ~3u; }

#endif
