#include "claims.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct claim {
  struct claim *next;
  uint64_t owner;
  unsigned times;
  char identity[];
} claim;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static claim *claims;

/* A number for the calling thread that no other one has had: the system gives its own ids again. */
static uint64_t self(void) {
  static _Atomic uint64_t last;
  static _Thread_local uint64_t number;
  if (number == 0) number = ++last;
  return number;
}

/* Where the claim of a library is, or the end of the list. Under the lock. */
static claim **find(const char *identity) {
  claim **at = &claims;
  while (*at != NULL && strcmp((*at)->identity, identity) != 0) at = &(*at)->next;
  return at;
}

static claim *make(const char *identity) {
  claim *made = calloc(1, sizeof *made + strlen(identity) + 1);
  if (made == NULL) return NULL;
  made->owner = self();
  strcpy(made->identity, identity);
  return made;
}

int claims_take(const char *identity) {
  pthread_mutex_lock(&lock);
  claim **at = find(identity);
  if (*at == NULL) *at = make(identity);
  int is_owner = *at != NULL && (*at)->owner == self();
  if (is_owner) (*at)->times++;
  pthread_mutex_unlock(&lock);
  return is_owner;
}

void claims_drop(const char *identity) {
  pthread_mutex_lock(&lock);
  claim **at = find(identity);
  claim *dropped = *at;
  if (dropped != NULL && dropped->owner == self() && --dropped->times == 0) {
    *at = dropped->next;
    free(dropped);
  }
  pthread_mutex_unlock(&lock);
}
