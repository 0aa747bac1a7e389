/* spawn.h - starts a program. What that costs does not grow with the memory of this process, as it does by fork. */
#ifndef DLSERVE_SPAWN_H
#define DLSERVE_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

/* What a descriptor of the program is, besides one of this process. */
enum spawn_descriptor { SPAWN_PIPE = -1, SPAWN_NOTHING = -2 };

#define SPAWN_MOST_DESCRIPTORS 32

typedef struct {
  const char *lent_executable;
  char *const *lent_arguments;   /* the first is the program's name; NULL ends them */
  char *const *lent_environment; /* likewise */
  uint32_t descriptor_count; /* SPAWN_MOST_DESCRIPTORS at most */
  int32_t *descriptors; /* what each of the program's is to be: in place of SPAWN_PIPE comes our end of it */
} spawn_request;

/* Starts it in a session of its own, with all signals as they are by default. 0, or errno: nothing is left open then. */
int spawn(const spawn_request *request, pid_t *process);

#endif
