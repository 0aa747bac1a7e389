#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

status_page *status_attach(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return NULL;
  if ((size_t)status.st_size < sizeof(status_file)) {
    errno = EINVAL;
    return NULL;
  }
  status_page *page = calloc(1, sizeof *page);
  if (page == NULL) return NULL;
  page->file = mmap(NULL, sizeof(status_file), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (page->file != MAP_FAILED) return page;
  free(page);
  return NULL;
}

status_slot *status_claim(status_page *page) {
  if (page == NULL) return NULL;
  for (int i = 0; i < STATUS_OWN_SLOT; i++) {
    unsigned char unclaimed = 0;
    if (atomic_compare_exchange_strong(&page->claimed[i], &unclaimed, 1)) return &page->file->slots[i];
  }
  return NULL;
}

void status_unclaim(status_page *page, status_slot *slot) {
  if (slot != NULL) atomic_store(&page->claimed[slot - page->file->slots], 0);
}

static int matches(const char *label, const char *plugin, const char *symbol) {
  char wanted[STATUS_LABEL_SIZE];
  snprintf(wanted, sizeof wanted, "%s\n%s", plugin, symbol);
  return strcmp(label, wanted) == 0;
}

/* A library that is opened again and again takes its labels once. */
static uint32_t find(const status_page *page, const char *plugin, const char *const *symbols, uint32_t count) {
  for (uint32_t first = 0; first + count <= page->label_count; first++) {
    uint32_t same = 0;
    while (same < count && matches(page->file->labels[first + same], plugin, symbols[same])) same++;
    if (same == count) return first + 1;
  }
  return 0;
}

uint32_t status_label(status_page *page, const char *plugin, const char *const *symbols, uint32_t count) {
  if (page == NULL) return 0;
  uint32_t known = find(page, plugin, symbols, count);
  if (known != 0) return known;
  uint32_t first = page->label_count;
  if (count > STATUS_OWN_LABEL - first) return 0;
  for (uint32_t i = 0; i < count; i++) {
    snprintf(page->file->labels[first + i], STATUS_LABEL_SIZE, "%s\n%s", plugin, symbols[i]);
  }
  page->label_count = first + count;
  return first + 1;
}
