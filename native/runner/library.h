/* library.h - the library that this process is for. */
#ifndef DLSERVE_LIBRARY_H
#define DLSERVE_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include "../include/dlserve.h"
#include "answers.h"

typedef struct {
  uint32_t concurrency; /* 0: as the library says */
  uint32_t any;         /* what "any number" of the library means */
  double memory;        /* bytes; 0 is no limit */
  double timeout;
  answers_limits limits;
  uint32_t symbol_count;
  const char *lent_path;
  const char *lent_config;
  const char *lent_symbols; /* one after the other, each with its NUL */
} library_request;

/* Why a library can't be served. The stage is one of PROTOCOL_STAGE_; detail an ABI number, or what PluginInit returned. */
typedef struct {
  uint16_t stage;
  int32_t detail;
  const char *words; /* lives as long as the process */
} library_refusal;

typedef struct {
  dlserve_handler **handlers;
  uint32_t symbol_count;
  uint8_t *bodies; /* how each handler takes a body, DLSERVE_BODY_; NULL where all take it as text */
  uint32_t concurrency;
  double timeout; /* milliseconds that a call may be in its handler */
  answers_limits limits;
  dlserve_free *release;          /* or NULL */
  dlserve_stop *stop;             /* or NULL */
  int (*end)(char **given_error); /* its factory's stop, or NULL */
  char *declared;                 /* what PROTOCOL_DECLARED tells, or NULL; owned */
  size_t declared_length;
} library;

/* Stops it. Returns what it says where that was not as it should be, else NULL; lives as long as the process. */
const char *library_stop(const library *library);

/* Opens, checks and initialises it. `stage` is told where it is, because it may not come back. 0 when it is refused. */
int library_open(const library_request *request, library *library, library_refusal *refusal, void (*stage)(uint32_t));

#endif
