/* Every block is told by its address: a read that got another one, or none, is seen. */
#include <fcntl.h>
#include <unistd.h>
#include "load.h"

enum { WORDS = BLOCK_BYTES / 8, FILL_BLOCKS = 2048 };

static uint64_t wordOf(uint32_t lba, int at) { return ((uint64_t)lba * WORDS + at + 1) * 0x9e3779b97f4a7c15u; }

void putBlock(uint8_t *into, uint32_t lba) {
  for (int at = 0; at < WORDS; at++) {
    uint64_t word = wordOf(lba, at);
    memcpy(into + at * 8, &word, 8);
  }
}

int isBlock(const uint8_t *bytes, uint32_t lba) {
  uint8_t expected[BLOCK_BYTES];
  putBlock(expected, lba);
  return !memcmp(bytes, expected, BLOCK_BYTES);
}

/* It is on disk when it returns. */
int fillFile(const char *path, uint64_t bytes) {
  static uint8_t chunk[FILL_BLOCKS * BLOCK_BYTES];
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ftruncate(file, bytes)) die(path);
  for (uint64_t lba = 0; lba < bytes / BLOCK_BYTES; lba += FILL_BLOCKS) {
    for (int at = 0; at < FILL_BLOCKS; at++) putBlock(chunk + at * BLOCK_BYTES, lba + at);
    uint64_t left = bytes - lba * BLOCK_BYTES;
    size_t length = left < sizeof chunk ? left : sizeof chunk;
    if (pwrite(file, chunk, length, lba * BLOCK_BYTES) != (ssize_t)length) die(path);
  }
  if (fsync(file) || close(file)) die(path);
  return 0;
}
