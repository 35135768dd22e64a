// The cheapest call there can be into native code: a function that does nothing.
#include <node_api.h>

static napi_value empty(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "empty", NAPI_AUTO_LENGTH, empty, NULL, &function) != napi_ok) return NULL;
  if (napi_set_named_property(env, exports, "empty", function) != napi_ok) return NULL;
  return exports;
}
