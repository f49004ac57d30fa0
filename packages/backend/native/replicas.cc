// TensorFlow's own distributed runtime: a server of this process, and sessions of graphs on it that reach the servers of others.
// tfjs-node has no way to either. Exports startServer, createSession, run and closeSession; all of them wait, and throw
// TensorFlow's message.
#include <arpa/inet.h>
#include <net/if.h>
#include <node_api.h>
#include <sys/socket.h>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>
#include "tensorflow/c/c_api.h"

namespace {

struct Status {
  TF_Status* const status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  bool ok() const { return TF_GetCode(status) == TF_OK; }
};

struct Session {
  TF_Graph* graph;
  TF_Session* session;
};

napi_value fail(napi_env env, const std::string& message) {
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

std::string text(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string result(length, '\0');
  napi_get_value_string_utf8(env, value, &result[0], length + 1, &length);
  return result;
}

struct Bytes {
  void* data = nullptr;
  size_t length = 0;
};

/** The memory of a typed array, of whatever type. */
Bytes bytes(napi_env env, napi_value value) {
  Bytes result;
  napi_typedarray_type type;
  size_t count = 0;
  if (napi_get_typedarray_info(env, value, &type, &count, &result.data, nullptr, nullptr) != napi_ok) return result;
  const size_t width = type == napi_float64_array || type == napi_bigint64_array || type == napi_biguint64_array ? 8
                       : type == napi_int32_array || type == napi_uint32_array || type == napi_float32_array    ? 4
                       : type == napi_int16_array || type == napi_uint16_array                                 ? 2
                                                                                                               : 1;
  result.length = count * width;
  return result;
}

napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  napi_get_named_property(env, object, name, &value);
  return value;
}

std::vector<napi_value> elements(napi_env env, napi_value array) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  std::vector<napi_value> result(length);
  for (uint32_t i = 0; i < length; i++) napi_get_element(env, array, i, &result[i]);
  return result;
}

std::vector<napi_value> arguments(napi_env env, napi_callback_info info, size_t count) {
  std::vector<napi_value> result(count);
  napi_get_cb_info(env, info, &count, result.data(), nullptr, nullptr);
  return result;
}

/**
 * gRPC's server of TensorFlow listens on every address. Its socket is found by its port, and bound to the loopback device.
 *
 * @returns an error's number, or 0
 */
int keepToLoopback(int port) {
  for (int fd = 3; fd < 4096; fd++) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) || !listening) continue;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length)) continue;
    const int own = ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                                        : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
    if (own != port) continue;
    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) ? errno : 0;
  }
  return ENOENT;
}

/** startServer(serverDef, loopbackPort): the session target. It serves until the process ends. A port of 0: all addresses. */
napi_value startServer(napi_env env, napi_callback_info info) {
  const auto args = arguments(env, info, 2);
  const auto definition = bytes(env, args[0]);
  int32_t port = 0;
  napi_get_value_int32(env, args[1], &port);
  Status status;
  TF_Server* server = TF_NewServer(definition.data, definition.length, status.status);
  if (!status.ok()) return fail(env, TF_Message(status.status));
  // It listens already, and answers nobody yet.
  const int error = port ? keepToLoopback(port) : 0;
  if (error) {
    TF_DeleteServer(server);
    return fail(env, std::string("the server cannot be kept to this machine: ") + strerror(error));
  }
  TF_ServerStart(server, status.status);
  if (!status.ok()) return fail(env, TF_Message(status.status));
  napi_value target;
  napi_create_string_utf8(env, TF_ServerTarget(server), NAPI_AUTO_LENGTH, &target);
  return target;
}

/** createSession(graphDef, target, config) */
napi_value createSession(napi_env env, napi_callback_info info) {
  const auto args = arguments(env, info, 3);
  const auto definition = bytes(env, args[0]);
  const auto target = text(env, args[1]);
  const auto config = bytes(env, args[2]);
  Status status;
  TF_Graph* graph = TF_NewGraph();
  TF_ImportGraphDefOptions* importing = TF_NewImportGraphDefOptions();
  TF_Buffer* buffer = TF_NewBufferFromString(definition.data, definition.length);
  TF_GraphImportGraphDef(graph, buffer, importing, status.status);
  TF_DeleteBuffer(buffer);
  TF_DeleteImportGraphDefOptions(importing);
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_SetTarget(options, target.c_str());
  if (status.ok()) TF_SetConfig(options, config.data, config.length, status.status);
  TF_Session* session = status.ok() ? TF_NewSession(graph, options, status.status) : nullptr;
  TF_DeleteSessionOptions(options);
  if (!status.ok()) {
    TF_DeleteGraph(graph);
    return fail(env, TF_Message(status.status));
  }
  napi_value result;
  napi_create_external(env, new Session{graph, session}, nullptr, nullptr, &result);
  return result;
}

/** closeSession(session): frees it. It is not to be used again. */
napi_value closeSession(napi_env env, napi_callback_info info) {
  const auto args = arguments(env, info, 1);
  void* data = nullptr;
  napi_get_value_external(env, args[0], &data);
  auto* own = static_cast<Session*>(data);
  Status status;
  TF_DeleteSession(own->session, status.status);
  TF_DeleteGraph(own->graph);
  delete own;
  return nullptr;
}

TF_Tensor* tensorOf(napi_env env, napi_value feed) {
  int32_t dtype = 0;
  napi_get_value_int32(env, property(env, feed, "dtype"), &dtype);
  std::vector<int64_t> shape;
  for (napi_value size : elements(env, property(env, feed, "shape"))) {
    int64_t value = 0;
    napi_get_value_int64(env, size, &value);
    shape.push_back(value);
  }
  const auto data = bytes(env, property(env, feed, "data"));
  TF_Tensor* tensor = TF_AllocateTensor(static_cast<TF_DataType>(dtype), shape.data(), shape.size(), data.length);
  memcpy(TF_TensorData(tensor), data.data, data.length);
  return tensor;
}

napi_value fetchedOf(napi_env env, TF_Tensor* tensor) {
  napi_value result, shape, dtype, buffer;
  napi_create_object(env, &result);
  napi_create_int32(env, TF_TensorType(tensor), &dtype);
  napi_create_array(env, &shape);
  for (int i = 0; i < TF_NumDims(tensor); i++) {
    napi_value size;
    napi_create_int64(env, TF_Dim(tensor, i), &size);
    napi_set_element(env, shape, i, size);
  }
  void* memory = nullptr;
  napi_create_arraybuffer(env, TF_TensorByteSize(tensor), &memory, &buffer);
  memcpy(memory, TF_TensorData(tensor), TF_TensorByteSize(tensor));
  napi_set_named_property(env, result, "dtype", dtype);
  napi_set_named_property(env, result, "shape", shape);
  napi_set_named_property(env, result, "buffer", buffer);
  return result;
}

/** run(session, feeds, fetches, runOptions): feeds are { name, dtype, shape, data }, results { dtype, shape, buffer }. */
napi_value run(napi_env env, napi_callback_info info) {
  const auto args = arguments(env, info, 4);
  void* data = nullptr;
  napi_get_value_external(env, args[0], &data);
  const auto* own = static_cast<Session*>(data);
  std::vector<TF_Output> inputs, outputs;
  for (napi_value feed : elements(env, args[1]))
    inputs.push_back({TF_GraphOperationByName(own->graph, text(env, property(env, feed, "name")).c_str()), 0});
  for (napi_value name : elements(env, args[2]))
    outputs.push_back({TF_GraphOperationByName(own->graph, text(env, name).c_str()), 0});
  for (const auto* all : {&inputs, &outputs})
    for (const auto& each : *all)
      if (!each.oper) return fail(env, "run: expected names of the graph's nodes, got another");
  std::vector<TF_Tensor*> fed, fetched(outputs.size());
  for (napi_value feed : elements(env, args[1])) fed.push_back(tensorOf(env, feed));
  const auto limits = bytes(env, args[3]);
  TF_Buffer* options = TF_NewBufferFromString(limits.data, limits.length);
  Status status;
  TF_SessionRun(own->session, options, inputs.data(), fed.data(), inputs.size(), outputs.data(), fetched.data(),
                outputs.size(), nullptr, 0, nullptr, status.status);
  TF_DeleteBuffer(options);
  for (TF_Tensor* tensor : fed) TF_DeleteTensor(tensor);
  if (!status.ok()) return fail(env, TF_Message(status.status));
  napi_value results;
  napi_create_array(env, &results);
  for (size_t i = 0; i < fetched.size(); i++) {
    napi_set_element(env, results, i, fetchedOf(env, fetched[i]));
    TF_DeleteTensor(fetched[i]);
  }
  return results;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  for (const auto& [name, call] : {std::pair{"startServer", startServer}, std::pair{"createSession", createSession},
                                   std::pair{"run", run}, std::pair{"closeSession", closeSession}}) {
    napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  return exports;
}
