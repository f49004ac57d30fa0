// Operations that TensorFlow has none for, registered with it when this is loaded, on the processor: causal attention with its
// bias, without scores in memory; what passes compute row by row, with gradients, in one operation each; a step of AdamW; and
// chains of operations. Exports setThreads(count), keepChain(program), dropChain(number) and instructionSets, and for tests
// numChains(), tilesComputed() and useInstructions(name).
#include <node_api.h>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"
#include "adamw.h"
#include "attention.h"
#include "chain.h"
#include "team.h"

#define INLINE static inline __attribute__((always_inline))

// The widest instruction set that the processor has is chosen when it runs.
#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")
#define LANES 16
#define BLOCK_ROWS 8
namespace avx512 {
#include "vector.inc"
#include "attention.inc"
#include "product.inc"
#include "rows.inc"
}  // namespace avx512
#undef LANES
#undef BLOCK_ROWS
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define LANES 8
#define BLOCK_ROWS 4
namespace avx2 {
#include "vector.inc"
#include "attention.inc"
#include "product.inc"
#include "rows.inc"
}  // namespace avx2
#undef LANES
#undef BLOCK_ROWS
#pragma GCC pop_options
#endif
#define LANES 4
#define BLOCK_ROWS 4
namespace plain {
#include "vector.inc"
#include "attention.inc"
#include "product.inc"
#include "rows.inc"
}  // namespace plain

namespace {

/** The functions of one instruction set. */
struct Kernels {
  const char* name;
  long (*scratchFloats)(const Attention&, bool gradients);
  long (*attend)(const Attention&, long batch, long head, long from, long to, float* scratch);
  long (*attendBack)(const Attention&, const AttentionGradient&, long batch, long head, float* scratch);
  void (*gelu)(const float* x, float* y, long count);
  void (*sigmoid)(const float* x, float* y, long count);
  void (*hyperbolicTangent)(const float* x, float* y, long count);
  void (*errorFunction)(const float* x, float* y, long count);
  void (*geluGradient)(const float* x, const float* dy, float* dx, long count);
  void (*normalizeRow)(const float* x, const float* scale, const float* shift, float epsilon, float* y, long D);
  void (*normalizeRowGradient)(const float* x, const float* scale, float epsilon, const float* dy, float* dx,
                               float* dScale, float* dShift, long D);
  void (*addRow)(const float* x, float* sums, long D);
  void (*adamw)(const AdamwStep& step, const float* gradient, const float* first, const float* second,
                const float* before, float* newFirst, float* newSecond, float* after, long count);
  void (*multiplyRow)(const float* x, const float* weight, const float* bias, float* y, long D, long width, long from,
                      long to);
  void (*multiplyByRows)(const float* x, const float* rows, float* y, long D, long from, long to);
  void (*attendSlots)(const float* q, const float* k, const float* v, const float* added, float* out, long C, long D,
                      float* scores);
  void (*softmaxRow)(const float* x, float* y, long D);
  float (*crossEntropyRow)(const float* x, long target, float* gradient, long V);
  long tileRows, tileColumns;
  void (*copyRows)(const float* from, long row, long step, long count, long depth, float* to);
  void (*copyColumns)(const float* from, long row, long step, long count, long depth, float* to);
  void (*productTile)(long depth, const float* a, const float* b, float* c, long cRow, bool adds, const float* row,
                      const float* matrix, long rows, long columns);
};

/** Those that this processor has, the widest first. */
const std::vector<Kernels>& kernelSets() {
#define OF(set)                                                                                          \
  Kernels {                                                                                              \
#set, set::scratchFloats, set::attend, set::attendBack, set::gelu, set::sigmoid, set::hyperbolicTangent, \
        set::errorFunction, set::geluGradient, set::normalizeRow, set::normalizeRowGradient,             \
        set::addRow, set::adamw, set::multiplyRow, set::multiplyByRows, set::attendSlots,                \
        set::softmaxRow, set::crossEntropyRow, set::TILE_ROWS, set::TILE_COLUMNS, set::copyRows,         \
        set::copyColumns, set::productTile                                                               \
  }
  static const std::vector<Kernels> sets = [] {
    std::vector<Kernels> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq"))
      found.push_back(OF(avx512));
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(OF(avx2));
#endif
    found.push_back(OF(plain));
    return found;
  }();
#undef OF
  return sets;
}

std::atomic<const Kernels*> chosen{nullptr};

const Kernels& kernels() { return chosen ? *chosen : kernelSets()[0]; }

std::atomic<long> tilesComputed{0};

/** One run of an operation. */
struct Run {
  TF_OpKernelContext* const context;
  TF_Status* const status = TF_NewStatus();
  std::vector<TF_Tensor*> held;
  explicit Run(TF_OpKernelContext* context) : context(context) {}
  ~Run() {
    for (TF_Tensor* tensor : held) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status);
  }
  TF_Tensor* input(int index) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context, index, &tensor, status);
    held.push_back(tensor);
    return tensor;
  }
  /** Null for a tensor without numbers: what is not there. */
  const float* numbers(int index) {
    TF_Tensor* tensor = input(index);
    return TF_TensorElementCount(tensor) ? static_cast<const float*>(TF_TensorData(tensor)) : nullptr;
  }
  float* output(int index, const std::vector<int64_t>& shape) {
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    TF_Tensor* tensor = TF_AllocateOutput(context, index, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                          count * sizeof(float), status);
    held.push_back(tensor);
    return static_cast<float*>(TF_TensorData(tensor));
  }
};

/** Attributes of attention, read when a graph or an eager op is made. */
struct Settings {
  int32_t batchSize, numHeads, pairStride, window, sinks;
  bool projected, trainsSlopes, trainsTable;
};

void* readSettings(TF_OpKernelConstruction* construction) {
  auto* settings = new Settings;
  TF_Status* status = TF_NewStatus();
  const auto integer = [&](const char* name) {
    int32_t value = 0;
    TF_OpKernelConstruction_GetAttrInt32(construction, name, &value, status);
    if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
    return value;
  };
  settings->batchSize = integer("batch_size");
  settings->numHeads = integer("num_heads");
  settings->pairStride = integer("pair_stride");
  settings->window = integer("window");
  settings->sinks = integer("sinks");
  settings->projected = integer("projected") != 0;
  settings->trainsSlopes = integer("trains_slopes") != 0;
  settings->trainsTable = integer("trains_table") != 0;
  TF_DeleteStatus(status);
  return settings;
}

void deleteSettings(void* settings) { delete static_cast<Settings*>(settings); }

std::vector<int64_t> shapeOf(TF_Tensor* tensor) {
  std::vector<int64_t> shape;
  for (int i = 0; i < TF_NumDims(tensor); i++) shape.push_back(TF_Dim(tensor, i));
  return shape;
}

/** Sizes of attention's arrays. */
struct Sizes {
  int64_t numQueries, numKeys, headDim, documentRows;
};

/** The inputs q, k, v, rotation, slopes, table, gate, padding, documents; null for what is not there. */
constexpr int ATTENTION_INPUTS = 9;

Attention attentionOf(const Settings& settings, const Sizes& sizes, const float* const* inputs) {
  Attention all = {};
  all.batchSize = settings.batchSize;
  const long H = all.numHeads = settings.numHeads;
  const long L = all.numQueries = sizes.numQueries, K = all.numKeys = sizes.numKeys, D = all.headDim = sizes.headDim;
  all.q = inputs[0];
  if (settings.projected) {
    // [B·L, 3·H·D], queries, keys and values in turn.
    all.k = all.q + H * D;
    all.v = all.q + 2 * H * D;
    all.ofQueries = all.ofKeys = {L * 3 * H * D, D, 3 * H * D};
    all.ofOut = {L * H * D, D, H * D};
  } else {
    // [B, H, Q or K, D]
    all.k = inputs[1];
    all.v = inputs[2];
    all.ofQueries = all.ofOut = {H * L * D, L * D, D};
    all.ofKeys = {H * K * D, K * D, D};
  }
  all.rotation = inputs[3];
  all.pairStride = settings.pairStride;
  all.slopes = inputs[4];
  all.table = inputs[5];
  all.gate = inputs[6];
  all.padding = inputs[7];
  all.documents = inputs[8];
  all.documentRows = sizes.documentRows;
  all.window = settings.window > 0 ? settings.window : all.numKeys;
  all.sinks = settings.sinks;
  return all;
}

Attention readInputs(Run& run, const Settings& settings, std::vector<int64_t>& shape) {
  const float* inputs[ATTENTION_INPUTS];
  for (int i = 0; i < ATTENTION_INPUTS; i++) inputs[i] = run.numbers(i);
  shape = shapeOf(run.input(0));
  Sizes sizes;
  if (settings.projected) {
    sizes.numQueries = sizes.numKeys = shape[0] / settings.batchSize;
    sizes.headDim = shape[1] / 3 / settings.numHeads;
  } else {
    sizes.numQueries = shape[2];
    sizes.numKeys = TF_Dim(run.input(1), 2);
    sizes.headDim = shape[3];
  }
  sizes.documentRows = TF_TensorElementCount(run.input(8)) / sizes.numQueries;
  return attentionOf(settings, sizes, inputs);
}

/** Runs task(0) to task(count − 1), shared among threads. */
using RunTasks = std::function<void(long count, const std::function<void(long)>& task)>;

const RunTasks ofTeam = [](long count, const std::function<void(long)>& task) { team().run(count, task); };

std::vector<int64_t> outShape(const Settings& settings, const Attention& all, const std::vector<int64_t>& shape) {
  if (settings.projected) return {shape[0], shape[1] / 3};
  return shape;
}

void runAttention(const Attention& all, const RunTasks& runTasks) {
  const long B = all.batchSize, H = all.numHeads, Q = all.numQueries;
  const Kernels& set = kernels();
  const long floats = set.scratchFloats(all, false);
  // A head's queries are shared where there are few heads; parts end at multiples of 64.
  const long tiles = (Q + 63) / 64, wanted = (4 * team().size() + B * H - 1) / (B * H);
  const long parts = wanted < tiles ? wanted : tiles;
  runTasks(B * H * parts, [&](long task) {
    // Long rows first.
    const long part = parts - 1 - task / (B * H), head = task % (B * H);
    const long from = tiles * part / parts * 64, to = tiles * (part + 1) / parts * 64;
    tilesComputed += set.attend(all, head / H, head % H, from, to < Q ? to : Q, scratch(floats));
  });
}

void runAttentionGradient(const Attention& all, const AttentionGradient& gradient, const RunTasks& runTasks) {
  const Kernels& set = kernels();
  const long floats = set.scratchFloats(all, true), H = all.numHeads;
  runTasks(all.batchSize * H, [&](long head) {
    tilesComputed += set.attendBack(all, gradient, head / H, head % H, scratch(floats));
  });
}

void attend(void* kernel, TF_OpKernelContext* context) {
  const Settings& settings = *static_cast<Settings*>(kernel);
  Run run(context);
  std::vector<int64_t> shape;
  Attention all = readInputs(run, settings, shape);
  const long B = all.batchSize, H = all.numHeads, Q = all.numQueries;
  all.out = run.output(0, outShape(settings, all, shape));
  all.logSums = run.output(1, {B, H, Q, 2});
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  runAttention(all, ofTeam);
}

/** The inputs of attention, then out, logSums, dOut; gives the gradients of q, k, v, slopes, table and gate. */
void attendBack(void* kernel, TF_OpKernelContext* context) {
  const Settings& settings = *static_cast<Settings*>(kernel);
  Run run(context);
  std::vector<int64_t> shape;
  Attention all = readInputs(run, settings, shape);
  const long B = all.batchSize, H = all.numHeads, Q = all.numQueries, K = all.numKeys, D = all.headDim;
  all.out = const_cast<float*>(run.numbers(9));
  all.logSums = const_cast<float*>(run.numbers(10));
  AttentionGradient gradient = {};
  gradient.dOut = run.numbers(11);
  gradient.dQ = run.output(0, shape);
  gradient.dK = run.output(1, settings.projected ? std::vector<int64_t>{0} : std::vector<int64_t>{B, H, K, D});
  gradient.dV = run.output(2, settings.projected ? std::vector<int64_t>{0} : std::vector<int64_t>{B, H, K, D});
  if (settings.projected) {
    gradient.dK = gradient.dQ + H * D;
    gradient.dV = gradient.dQ + 2 * H * D;
  }
  const auto none = std::vector<int64_t>{0};
  float* dSlopes = run.output(3, settings.trainsSlopes ? std::vector<int64_t>{B, H} : none);
  float* dTable = run.output(4, settings.trainsTable ? std::vector<int64_t>{B, H, K} : none);
  float* dGate = run.output(5, all.gate ? std::vector<int64_t>{B, H, K} : none);
  if (settings.trainsSlopes) gradient.dSlopes = dSlopes;
  if (settings.trainsTable) gradient.dTable = dTable;
  if (all.gate) gradient.dGate = dGate;
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  runAttentionGradient(all, gradient, ofTeam);
}

/** Numbers from which on it pays to share them: waking a thread takes some 50 µs, in which one reads a megabyte. */
constexpr long WORTH_SHARING = 1 << 15, WORTH_SHARING_READS = 1 << 20;

/** Columns of a product that one thread computes: no two threads write to the same line of the cache. */
constexpr long COLUMNS = 64;

/** Shares `count` units of work that are `numbers` numbers each: task(from, to). */
void share(long count, long numbers, const std::function<void(long, long)>& task, long worth = WORTH_SHARING) {
  const long parts = count * numbers < worth ? 1 : count < 4 * team().size() ? count : 4 * team().size();
  team().run(parts, [&](long part) { task(count * part / parts, count * (part + 1) / parts); });
}

using Share = std::function<void(long count, long numbers, const std::function<void(long, long)>& task)>;

const Share amongTeam = [](long count, long numbers, const std::function<void(long, long)>& task) {
  share(count, numbers, task);
};

/** x → GELU(x), of any shape. */
void gelu(void*, TF_OpKernelContext* context) {
  Run run(context);
  TF_Tensor* input = run.input(0);
  const float* x = static_cast<const float*>(TF_TensorData(input));
  float* y = run.output(0, shapeOf(input));
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  constexpr long BLOCK = 1024;
  const long count = TF_TensorElementCount(input);
  share((count + BLOCK - 1) / BLOCK, BLOCK, [&](long from, long to) {
    const long end = to * BLOCK < count ? to * BLOCK : count;
    kernels().gelu(x + from * BLOCK, y + from * BLOCK, end - from * BLOCK);
  });
}

/** x [N, D], scale [D], shift [D] or empty, epsilon [1] → [N, D]: layer normalisation, or of the root mean square without a shift. */
void normalize(void*, TF_OpKernelContext* context) {
  Run run(context);
  TF_Tensor* input = run.input(0);
  const float* x = static_cast<const float*>(TF_TensorData(input));
  const float *scale = run.numbers(1), *shift = run.numbers(2), *epsilon = run.numbers(3);
  float* y = run.output(0, shapeOf(input));
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  const long N = TF_Dim(input, 0), D = TF_Dim(input, 1);
  share(N, D, [&](long from, long to) {
    for (long row = from; row < to; row++)
      kernels().normalizeRow(x + row * D, scale, shift, *epsilon, y + row * D, D);
  });
}

/** x and dy of any shape → the gradient of gelu. */
void geluGradient(void*, TF_OpKernelContext* context) {
  Run run(context);
  TF_Tensor* input = run.input(0);
  const float *x = static_cast<const float*>(TF_TensorData(input)), *dy = run.numbers(1);
  float* dx = run.output(0, shapeOf(input));
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  const long count = TF_TensorElementCount(input);
  share((count + 1023) / 1024, 1024, [&](long from, long to) {
    const long end = to * 1024 < count ? to * 1024 : count;
    kernels().geluGradient(x + from * 1024, dy + from * 1024, dx + from * 1024, end - from * 1024);
  });
}

/**
 * Sums over N rows in parts that depend on N alone, so that results do not depend on the threads: task(row, sums) adds a row to
 * `width` sums, which `total` gets in the end.
 */
void sumOverRows(long N, long width, float* total, const Share& share, const std::function<void(long, float*)>& task) {
  const long rows = std::max<long>(32, (N + 31) / 32), parts = std::max<long>(1, (N + rows - 1) / rows);
  std::vector<float> sums(parts * width);
  share(parts, rows * width, [&](long from, long to) {
    for (long part = from; part < to; part++)
      for (long row = part * rows, end = std::min(N, row + rows); row < end; row++) task(row, &sums[part * width]);
  });
  std::fill_n(total, width, 0.0f);
  for (long part = 0; part < parts; part++) kernels().addRow(&sums[part * width], total, width);
}

/**
 * x [N, D], scale [D], epsilon [1], dy [N, D] → the gradients of normalize: dx [N, D], and dScale and dShift in [2, D], or dScale
 * in [1, D].
 */
template <bool isCentered>
void normalizeGradient(void*, TF_OpKernelContext* context) {
  Run run(context);
  TF_Tensor* input = run.input(0);
  const float* x = static_cast<const float*>(TF_TensorData(input));
  const float *scale = run.numbers(1), *epsilon = run.numbers(2), *dy = run.numbers(3);
  const long N = TF_Dim(input, 0), D = TF_Dim(input, 1), sums = isCentered ? 2 : 1;
  float *dx = run.output(0, {N, D}), *dParameters = run.output(1, {sums, D});
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  sumOverRows(N, sums * D, dParameters, amongTeam, [&](long row, float* into) {
    kernels().normalizeRowGradient(x + row * D, scale, *epsilon, dy + row * D, dx + row * D, into,
                                   isCentered ? into + D : nullptr, D);
  });
}

/** x [N, D] → the sum of its rows, [D]: the gradient of what is added to each. */
void sumRows(void*, TF_OpKernelContext* context) {
  Run run(context);
  TF_Tensor* input = run.input(0);
  const float* x = static_cast<const float*>(TF_TensorData(input));
  const long N = TF_Dim(input, 0), D = TF_Dim(input, 1);
  float* total = run.output(0, {D});
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  sumOverRows(N, D, total, amongTeam, [&](long row, float* into) { kernels().addRow(x + row * D, into, D); });
}

/**
 * A step of AdamW for one array.
 *
 * @param numbers - learning rate, correction and epsilon of the step
 * @param constants - beta1, beta2, 1 − beta1, 1 − beta2, decay of weights
 * @param factor - that clips; null for 1
 * @param decays - 1 or 0
 */
AdamwStep adamwStep(const float* numbers, const float* constants, const float* factor, float decays) {
  const float decay = decays * numbers[0] * constants[4];
  return {constants[0], constants[1], constants[2], constants[3], numbers[0] * numbers[1], numbers[2], decay, factor ? *factor : 1};
}

/**
 * numbers, constants and factor [] or empty, as adamwStep takes them, decays for each array, gradient and both moments, flat [N],
 * and P arrays with N numbers in all → both moments and the arrays after the step.
 */
void adamw(void*, TF_OpKernelContext* context) {
  Run run(context);
  const float *numbers = run.numbers(0), *constants = run.numbers(1), *factor = run.numbers(2), *decays = run.numbers(3);
  const float *gradient = run.numbers(4), *first = run.numbers(5), *second = run.numbers(6);
  const int64_t N = TF_TensorElementCount(run.input(4));
  float *newFirst = run.output(0, {N}), *newSecond = run.output(1, {N});
  constexpr int INPUTS = 7, OUTPUTS = 2;
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  int64_t at = 0;
  for (int p = 0; p < TF_NumInputs(context) - INPUTS; p++) {
    TF_Tensor* input = run.input(INPUTS + p);
    const float* before = static_cast<const float*>(TF_TensorData(input));
    const int64_t count = TF_TensorElementCount(input);
    float* after = run.output(OUTPUTS + p, shapeOf(input));
    if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
    const AdamwStep step = adamwStep(numbers, constants, factor, decays[p]);
    constexpr int64_t BLOCK = 1 << 12;
    share((count + BLOCK - 1) / BLOCK, BLOCK, [&](long from, long to) {
      const int64_t begin = from * BLOCK, end = std::min<int64_t>(to * BLOCK, count);
      kernels().adamw(step, gradient + at + begin, first + at + begin, second + at + begin, before + begin,
                      newFirst + at + begin, newSecond + at + begin, after + begin, end - begin);
    });
    at += count;
  }
}

/** x [N, D], weight [D, width], bias [width] or empty → [N, width], for few rows: reads the weights once a row. */
void multiplyRows(void*, TF_OpKernelContext* context) {
  Run run(context);
  TF_Tensor *input = run.input(0), *second = run.input(1);
  const float *x = static_cast<const float*>(TF_TensorData(input)), *bias = run.numbers(2);
  const float* weight = static_cast<const float*>(TF_TensorData(second));
  const long N = TF_Dim(input, 0), D = TF_Dim(second, 0), width = TF_Dim(second, 1);
  float* y = run.output(0, {N, width});
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  share((width + COLUMNS - 1) / COLUMNS, COLUMNS * D, [&](long from, long to) {
    const long end = to * COLUMNS < width ? to * COLUMNS : width;
    for (long row = 0; row < N; row++)
      kernels().multiplyRow(x + row * D, weight, bias, y + row * width, D, width, from * COLUMNS, end);
  }, WORTH_SHARING_READS);
}

/** q [B, H, Q, D], k and v [B, G, C, D], added [B or 1, H or 1, Q, C] → [B, H, Q, D]: each query over the slots of a cache. */
void attendSlots(void*, TF_OpKernelContext* context) {
  Run run(context);
  TF_Tensor *queries = run.input(0), *keys = run.input(1), *more = run.input(3);
  const float *q = static_cast<const float*>(TF_TensorData(queries)), *v = run.numbers(2);
  const float *k = static_cast<const float*>(TF_TensorData(keys)), *added = static_cast<const float*>(TF_TensorData(more));
  float* out = run.output(0, shapeOf(queries));
  if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  const long B = TF_Dim(queries, 0), H = TF_Dim(queries, 1), Q = TF_Dim(queries, 2), D = TF_Dim(queries, 3);
  const long G = TF_Dim(keys, 1), C = TF_Dim(keys, 2);
  const bool byBatch = TF_Dim(more, 0) > 1, byHead = TF_Dim(more, 1) > 1;
  share(B * H * Q, C * D, [&](long from, long to) {
    for (long row = from; row < to; row++) {
      const long batch = row / Q / H, head = row / Q % H, query = row % Q;
      const long of = batch * G + head / (H / G);
      const long bias = ((byBatch ? batch : 0) * (byHead ? H : 1) + (byHead ? head : 0)) * Q + query;
      kernels().attendSlots(q + row * D, k + of * C * D, v + of * C * D, added + bias * C, out + row * D, C, D,
                            scratch(C + MOST_LANES));
    }
  }, WORTH_SHARING_READS);
}

void unknownShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

#include "run-chain.h"

const char* const INPUTS[] = {"q", "k", "v", "rotation", "slopes", "table", "gate", "padding", "documents"};
const char* const ATTRIBUTES[] = {"batch_size", "num_heads", "pair_stride", "window",
                                  "sinks",      "projected", "trains_slopes", "trains_table"};

using Names = std::vector<const char*>;

/** Registers an operation and its kernel. @throws std::string, TensorFlow's message */
void define(const char* name, const Names& inputs, const Names& outputs, void (*compute)(void*, TF_OpKernelContext*),
            bool hasSettings = false, bool hasList = false) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(definition, (std::string(input) + ": float").c_str());
  for (const char* output : outputs)
    TF_OpDefinitionBuilderAddOutput(definition, (std::string(output) + ": float").c_str());
  if (hasSettings)
    for (const char* attribute : ATTRIBUTES)
      TF_OpDefinitionBuilderAddAttr(definition, (std::string(attribute) + ": int").c_str());
  if (hasList) {
    TF_OpDefinitionBuilderAddInput(definition, "arrays: count * float");
    TF_OpDefinitionBuilderAddOutput(definition, "updated: count * float");
    TF_OpDefinitionBuilderAddAttr(definition, "count: int");
  }
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, unknownShapes);
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(name,
                             TF_NewKernelBuilder(name, "CPU", hasSettings ? readSettings : nullptr, compute,
                                                 hasSettings ? deleteSettings : nullptr),
                             status);
  const std::string message = TF_GetCode(status) == TF_OK ? "" : TF_Message(status);
  TF_DeleteStatus(status);
  if (!message.empty()) throw message;
}

/** @returns what went wrong, or nothing */
std::string defineAll() {
  try {
    Names inputs(std::begin(INPUTS), std::end(INPUTS));
    define("AlibiAttention", inputs, {"out", "log_sums"}, attend, true);
    for (const char* more : {"out", "log_sums", "d_out"}) inputs.push_back(more);
    define("AlibiAttentionGradient", inputs, {"d_q", "d_k", "d_v", "d_slopes", "d_table", "d_gate"}, attendBack, true);
    define("AlibiGelu", {"x"}, {"y"}, gelu);
    define("AlibiGeluGradient", {"x", "dy"}, {"dx"}, geluGradient);
    define("AlibiNormalize", {"x", "scale", "shift", "epsilon"}, {"y"}, normalize);
    define("AlibiLayerNormGradient", {"x", "scale", "epsilon", "dy"}, {"dx", "d_parameters"}, normalizeGradient<true>);
    define("AlibiRmsNormGradient", {"x", "scale", "epsilon", "dy"}, {"dx", "d_parameters"}, normalizeGradient<false>);
    define("AlibiSumRows", {"x"}, {"sum"}, sumRows);
    define("AlibiAdamw", {"numbers", "constants", "factor", "decays", "gradient", "first", "second"},
           {"new_first", "new_second"}, adamw, false, true);
    define("AlibiMultiplyRows", {"x", "weight", "bias"}, {"y"}, multiplyRows);
    define("AlibiAttendSlots", {"q", "k", "v", "added"}, {"out"}, attendSlots);
    defineChain();
    return "";
  } catch (const std::string& message) {
    return message;
  }
}

napi_value setThreads(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t threads = 1;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_int32(env, argument, &threads);
  team().resize(threads);
  return nullptr;
}

/** keepChain(program: Int32Array) → its number. */
napi_value keepChain(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value program, number;
  napi_typedarray_type type;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &program, nullptr, nullptr);
  const napi_status status = napi_get_typedarray_info(env, program, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || type != napi_int32_array) {
    napi_throw_type_error(env, nullptr, "keepChain: expected an Int32Array");
    return nullptr;
  }
  napi_create_int64(env, chains().keep(static_cast<const int32_t*>(data)), &number);
  return number;
}

/** dropChain(number); with the last one goes the memory that this thread has for chains. */
napi_value dropChain(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int64_t number = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_int64(env, argument, &number);
  chains().drop(number);
  if (chains().count() == 0) {
    memoryOf<Use::chain>().release();
    memoryOf<Use::panels>().release();
  }
  return nullptr;
}

/** Computes with one of the instruction sets that the processor has. */
napi_value useInstructions(napi_env env, napi_callback_info info) {
  char name[16] = "";
  size_t length = 0, count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, name, sizeof name, &length);
  for (const Kernels& set : kernelSets())
    if (name == std::string(set.name)) {
      chosen = &set;
      return nullptr;
    }
  napi_throw_error(env, nullptr, "useInstructions: expected one of instructionSets");
  return nullptr;
}

/** A function of JavaScript that gives a count. */
template <int64_t (*count)()>
napi_value counted(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_int64(env, count(), &result);
  return result;
}

int64_t numTiles() { return tilesComputed; }
int64_t numChains() { return chains().count(); }

}  // namespace

NAPI_MODULE_INIT() {
  // A process with several threads of JavaScript loads this more than once; TensorFlow is told once.
  static const std::string problem = defineAll();
  if (!problem.empty()) {
    napi_throw_error(env, nullptr, problem.c_str());
    return nullptr;
  }
  const std::pair<const char*, napi_callback> functions[] = {{"setThreads", setThreads},
                                                             {"tilesComputed", counted<numTiles>},
                                                             {"useInstructions", useInstructions},
                                                             {"keepChain", keepChain},
                                                             {"dropChain", dropChain},
                                                             {"numChains", counted<numChains>}};
  for (const auto& [name, callback] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  napi_value names, name;
  napi_create_array(env, &names);
  for (uint32_t i = 0; i < kernelSets().size(); i++) {
    napi_create_string_utf8(env, kernelSets()[i].name, NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, names, i, name);
  }
  napi_set_named_property(env, exports, "instructionSets", names);
  return exports;
}
