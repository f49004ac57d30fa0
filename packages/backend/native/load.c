// Loads a library for all that comes after it: exports load(path), which returns the loader's message where it fails.
#include <dlfcn.h>
#include <node_api.h>
#include <stddef.h>

static napi_value load(napi_env env, napi_callback_info info) {
  char path[4096];
  size_t length = 0, count = 1;
  napi_value argument, message;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (napi_get_value_string_utf8(env, argument, path, sizeof path, &length) != napi_ok) return NULL;
  if (dlopen(path, RTLD_NOW | RTLD_GLOBAL)) return NULL;
  napi_create_string_utf8(env, dlerror(), NAPI_AUTO_LENGTH, &message);
  return message;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "load", NAPI_AUTO_LENGTH, load, NULL, &function);
  napi_set_named_property(env, exports, "load", function);
  return exports;
}
