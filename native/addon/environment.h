/* environment.h - what belongs to one JavaScript environment: the main thread's, or a worker's. */
#ifndef DLSERVE_ENVIRONMENT_H
#define DLSERVE_ENVIRONMENT_H

#include "arguments.h"
#include "exits.h"
#include "hub.h"
#include "lane.h"
#include "status.h"

/* Hubs, lanes and those who hear of exits are known to JavaScript by their places here, which are never given twice. */
typedef struct {
  hub **hubs;
  int32_t hub_count;
  lane **lanes;
  int32_t lane_count;
  status_page *status;
  exits **exits;
  int32_t exits_count;
  text_room text;
} environment;

/* Makes one that goes with `env`. NULL when memory is out. */
environment *environment_create(napi_env env);

/* Give a place to each. -1 when memory is out. */
int32_t environment_add_hub(environment *environment, hub *hub);
int32_t environment_add_lane(environment *environment, lane *lane);
int32_t environment_add_exits(environment *environment, exits *exits);

/* A function that JavaScript can call. */
typedef struct {
  const char *name;
  napi_callback function;
} exported;

/* Throws into JavaScript; returns NULL, for a function to return. */
void *throw(napi_env env, const char *message);

/* As take_arguments, for a function whose first argument is the place of a hub or of a lane. NULL with an exception where it is
 * none. */
hub *take_hub(napi_env env, napi_callback_info info, size_t count, napi_value *arguments, environment **environment);
lane *take_lane(napi_env env, napi_callback_info info, size_t count, napi_value *arguments, environment **environment);

napi_value int_value(napi_env env, int32_t number);
napi_value bool_value(napi_env env, int truth);

#endif
