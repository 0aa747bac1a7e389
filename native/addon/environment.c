#include "environment.h"

#include <stdlib.h>

static void leave(void *data) {
  environment *environment = data;
  for (int32_t i = 0; i < environment->lane_count; i++) {
    if (environment->lanes[i] != NULL) lane_leave(environment->lanes[i]);
  }
  free(environment->lanes);
  free(environment->hubs);
  free(environment->exits);
  free(environment->text.owned);
  free(environment);
}

environment *environment_create(napi_env env) {
  environment *created = calloc(1, sizeof *created);
  if (created != NULL) napi_add_env_cleanup_hook(env, leave, created);
  return created;
}

int32_t environment_add_hub(environment *environment, hub *hub) {
  struct hub **hubs = realloc(environment->hubs, (size_t)(environment->hub_count + 1) * sizeof *hubs);
  if (hubs == NULL) return -1;
  environment->hubs = hubs;
  hubs[environment->hub_count] = hub;
  return environment->hub_count++;
}

int32_t environment_add_lane(environment *environment, lane *lane) {
  struct lane **lanes = realloc(environment->lanes, (size_t)(environment->lane_count + 1) * sizeof *lanes);
  if (lanes == NULL) return -1;
  environment->lanes = lanes;
  lanes[environment->lane_count] = lane;
  return environment->lane_count++;
}

int32_t environment_add_exits(environment *environment, exits *exits) {
  struct exits **all = realloc(environment->exits, (size_t)(environment->exits_count + 1) * sizeof *all);
  if (all == NULL) return -1;
  environment->exits = all;
  environment->exits[environment->exits_count] = exits;
  return environment->exits_count++;
}

void *throw(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

hub *take_hub(napi_env env, napi_callback_info info, size_t count, napi_value *arguments, environment **environment) {
  *environment = take_arguments(env, info, count, arguments);
  if (*environment == NULL) return NULL;
  int32_t id = -1;
  napi_get_value_int32(env, arguments[0], &id);
  return id >= 0 && id < (*environment)->hub_count ? (*environment)->hubs[id] : throw(env, "no such hub");
}

lane *take_lane(napi_env env, napi_callback_info info, size_t count, napi_value *arguments, environment **environment) {
  *environment = take_arguments(env, info, count, arguments);
  if (*environment == NULL) return NULL;
  int32_t id = -1;
  napi_get_value_int32(env, arguments[0], &id);
  lane *lane = id >= 0 && id < (*environment)->lane_count ? (*environment)->lanes[id] : NULL;
  return lane != NULL ? lane : throw(env, "no such lane");
}

napi_value int_value(napi_env env, int32_t number) {
  napi_value value = NULL;
  napi_create_int32(env, number, &value);
  return value;
}

napi_value bool_value(napi_env env, int truth) {
  napi_value value = NULL;
  napi_get_boolean(env, truth != 0, &value);
  return value;
}
