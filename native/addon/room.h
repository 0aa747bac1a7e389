/* room.h - memory for large request bodies that JavaScript fills and a job may read without a copy: it lasts until both have let go of it,
 * also when the environment ends while a thread still reads. */
#ifndef DLSERVE_ROOM_H
#define DLSERVE_ROOM_H

#include "environment.h"

typedef struct room room;

/* The room that a Buffer is in, held for whoever asks; NULL where it is in none. Event loop's thread only. */
room *room_hold(napi_env env, napi_value buffer);

/* From any thread; the last one frees it. NULL is none. */
void room_release(room *room);

/* Ended by one without a name. */
extern const exported room_calls[];

#endif
