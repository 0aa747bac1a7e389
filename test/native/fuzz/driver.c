/* Runs a fuzz target without libFuzzer: over each file of a corpus, then over so many random mutations of them.
 *
 * usage: driver <runs> <seed> <file>... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

/* xorshift64 (Marsaglia, 2003). */
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static size_t mutate(uint8_t *bytes, size_t size, const uint8_t *other, size_t other_size) {
  static const uint32_t telling[] = { 0, 1, 7, 8, 9, 35, 36, 37, 255, 65535, 65536, 65537, 0x3fffffff, 0x40000000, 0x40000001, 0xffffffff };
  size_t at = size == 0 ? 0 : next() % size;
  switch (next() % 6) {
    case 0: if (size > 0) bytes[at] ^= (uint8_t)(1u << (next() % 8)); break;
    case 1: if (size > 0) bytes[at] = (uint8_t)next(); break;
    case 2: if (size - at >= 4) memcpy(bytes + at, &telling[next() % (sizeof telling / sizeof *telling)], 4); break;
    case 3: size = at; break;
    case 4: {
      size_t length = other_size == 0 ? 0 : next() % other_size;
      if (at + length > LARGEST) length = LARGEST - at;
      memcpy(bytes + at, other, length);
      if (at + length > size) size = at + length;
      break;
    }
    default: {
      size_t length = size - at;
      if (size + length > LARGEST) length = LARGEST - size;
      memcpy(bytes + size, bytes + at, length);
      size += length;
    }
  }
  return size;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  long runs = atol(argv[1]);
  int count = argc - 3;
  state = strtoull(argv[2], NULL, 10) * 2 + 1;
  uint8_t **files = calloc((size_t)count, sizeof *files), *bytes = malloc(LARGEST);
  size_t *sizes = calloc((size_t)count, sizeof *sizes);
  for (int i = 0; i < count; i++) {
    FILE *file = fopen(argv[i + 3], "rb");
    if (file == NULL) return 2;
    files[i] = malloc(LARGEST);
    sizes[i] = fread(files[i], 1, LARGEST, file);
    fclose(file);
    LLVMFuzzerTestOneInput(files[i], sizes[i]);
  }
  for (long run = 0; run < runs; run++) {
    size_t from = next() % (size_t)count, with = next() % (size_t)count;
    size_t size = sizes[from];
    memcpy(bytes, files[from], size);
    for (uint64_t times = 1 + next() % 4; times > 0; times--) size = mutate(bytes, size, files[with], sizes[with]);
    LLVMFuzzerTestOneInput(bytes, size);
  }
  for (int i = 0; i < count; i++) free(files[i]);
  free(files);
  free(sizes);
  free(bytes);
  printf("%d files, %ld mutations\n", count, runs);
  return 0;
}
