// Sends what a library writes to file descriptor 2 while it is loaded to a file: exports divert(path) and restore().
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static int own = -1;

static napi_value divert(napi_env env, napi_callback_info info) {
  char path[4096];
  size_t length = 0, count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (napi_get_value_string_utf8(env, argument, path, sizeof path, &length) != napi_ok || own >= 0) return NULL;
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return NULL;
  own = fcntl(2, F_DUPFD_CLOEXEC, 3);
  if (own >= 0) dup2(file, 2);
  close(file);
  return NULL;
}

static napi_value restore(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
  if (own < 0) return NULL;
  dup2(own, 2);
  close(own);
  own = -1;
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "divert", NAPI_AUTO_LENGTH, divert, NULL, &function);
  napi_set_named_property(env, exports, "divert", function);
  napi_create_function(env, "restore", NAPI_AUTO_LENGTH, restore, NULL, &function);
  napi_set_named_property(env, exports, "restore", function);
  return exports;
}
