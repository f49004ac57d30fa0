// The operation that runs chains (chain.h), and the programs that JavaScript keeps for it; a part of operations.cc. Letters:
// N rows, D features, C slots, B batch, H heads, G heads of keys and values, Q queries, M/K/N sizes of a product.
#pragma once
#include "products.h"
#include "random.h"

/** Chains by number, for as long as JavaScript keeps them. */
class Chains {
 public:
  int64_t keep(const int32_t* program) {
    auto chain = std::make_shared<const Chain>(readChain(program));
    std::lock_guard<std::mutex> lock(mutex_);
    kept_[++last_] = std::move(chain);
    return last_;
  }
  void drop(int64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    kept_.erase(number);
  }
  int64_t count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<int64_t>(kept_.size());
  }
  /** Null where it was dropped. */
  std::shared_ptr<const Chain> of(int64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = kept_.find(number);
    return found == kept_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<int64_t, std::shared_ptr<const Chain>> kept_;
  int64_t last_ = 0;
};

/** Never freed: kernels may run while the process ends. */
Chains& chains() {
  static Chains* const only = new Chains;
  return *only;
}

void* readNumber(TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  auto* number = new int64_t(0);
  TF_OpKernelConstruction_GetAttrInt64(construction, "chain", number, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return number;
}

/** Multiplications from which on helpers get a part of an instruction, and from which on a chain asks for helpers. */
constexpr int64_t WORTH_A_PART = 1 << 14, WORTH_HELPERS = 1 << 20;

/** The sum of each of N rows of D numbers, in blocks of numbers, and in float64. */
void sumNumbers(const float* x, float* sums, int64_t N, int64_t D, const Share& share) {
  constexpr int64_t BLOCK = 1 << 13, LANES_APART = 8;
  const int64_t blocks = std::max<int64_t>(1, (D + BLOCK - 1) / BLOCK);
  std::vector<double> partial(N * blocks);
  share(N * blocks, std::min(D, BLOCK), [&](long first, long end) {
    for (long at = first; at < end; at++) {
      const int64_t begin = at % blocks * BLOCK, count = std::min(BLOCK, D - begin);
      const float* from = x + at / blocks * D + begin;
      double apart[LANES_APART] = {};
      int64_t i = 0;
      for (; i + LANES_APART <= count; i += LANES_APART)
        for (int64_t lane = 0; lane < LANES_APART; lane++) apart[lane] += from[i + lane];
      for (; i < count; i++) apart[0] += from[i];
      partial[at] = std::accumulate(apart, apart + LANES_APART, 0.0);
    }
  });
  for (int64_t row = 0; row < N; row++)
    sums[row] = static_cast<float>(std::accumulate(&partial[row * blocks], &partial[row * blocks] + blocks, 0.0));
}

/** The bits of 1, which stands for what is true. */
constexpr int32_t TRUE_BITS = 0x3f800000;

/** Runs one instruction; `at` gives the memory of its n-th place. @returns false for an index outside of what it gathers from */
template <class At>
bool execute(const Instruction& instruction, const At& at, Helpers& helpers) {
  const int64_t* sizes = instruction.sizes.data();
  const Kernels& set = kernels();
  float* const out = at(0);
  /** Shares `count` units of so many numbers or multiplications each. */
  const Share share = [&](long count, long numbers, const std::function<void(long, long)>& task) {
    const int64_t worth = count * numbers / WORTH_A_PART, most = std::min<int64_t>(count, 4 * team().size());
    const int64_t parts = std::max<int64_t>(1, std::min(worth, most));
    helpers.share(parts, [&](long part) { task(count * part / parts, count * (part + 1) / parts); });
  };
  const RunTasks runTasks = [&](long count, const std::function<void(long)>& task) { helpers.share(count, task); };
  const auto floats = [&](auto f) { binary<float>(instruction, at(1), at(2), out, share, f); };
  const auto integers = [&](auto f) { binary<int32_t>(instruction, at(1), at(2), out, share, f); };
  const auto each = [&](auto f) { unary(instruction, at(1), out, share, f); };
  const auto inVectors = [&](void (*f)(const float*, float*, long)) {
    constexpr int64_t BLOCK = 1024;
    share((sizes[0] + BLOCK - 1) / BLOCK, BLOCK, [&](long from, long to) {
      f(at(1) + from * BLOCK, out + from * BLOCK, std::min<int64_t>(to * BLOCK, sizes[0]) - from * BLOCK);
    });
  };
  switch (instruction.does) {
    case Does::add: floats([](float a, float b) { return a + b; }); break;
    case Does::subtract: floats([](float a, float b) { return a - b; }); break;
    case Does::multiply: floats([](float a, float b) { return a * b; }); break;
    case Does::divide: floats([](float a, float b) { return a / b; }); break;
    case Does::power: floats([](float a, float b) { return std::pow(a, b); }); break;
    // What is no number stays so.
    case Does::larger: floats([](float a, float b) { return a > b || a != a ? a : b; }); break;
    case Does::smaller: floats([](float a, float b) { return a < b || a != a ? a : b; }); break;
    // What is true is 1, and what is false 0.
    case Does::less: floats([](float a, float b) { return a < b ? 1.0f : 0.0f; }); break;
    case Does::lessOrEqual: floats([](float a, float b) { return a <= b ? 1.0f : 0.0f; }); break;
    case Does::greater: floats([](float a, float b) { return a > b ? 1.0f : 0.0f; }); break;
    case Does::greaterOrEqual: floats([](float a, float b) { return a >= b ? 1.0f : 0.0f; }); break;
    case Does::lessInteger: integers([](int32_t a, int32_t b) { return a < b ? TRUE_BITS : 0; }); break;
    case Does::greaterOrEqualInteger: integers([](int32_t a, int32_t b) { return a >= b ? TRUE_BITS : 0; }); break;
    case Does::addIntegers: integers([](int32_t a, int32_t b) { return a + b; }); break;
    case Does::subtractIntegers: integers([](int32_t a, int32_t b) { return a - b; }); break;
    case Does::largerInteger: integers([](int32_t a, int32_t b) { return std::max(a, b); }); break;
    case Does::smallerInteger: integers([](int32_t a, int32_t b) { return std::min(a, b); }); break;
    case Does::negate: each([](float x) { return -x; }); break;
    case Does::magnitude: each([](float x) { return std::fabs(x); }); break;
    case Does::floor: each([](float x) { return std::floor(x); }); break;
    case Does::relu: each([](float x) { return x < 0 ? 0 : x; }); break;
    case Does::exponential: each([](float x) { return std::exp(x); }); break;
    case Does::logarithm: each([](float x) { return std::log(x); }); break;
    case Does::logarithmOf1Plus: each([](float x) { return std::log1p(x); }); break;
    case Does::sigmoid: inVectors(set.sigmoid); break;
    case Does::hyperbolicTangent: inVectors(set.hyperbolicTangent); break;
    case Does::errorFunction: inVectors(set.errorFunction); break;
    case Does::isNotANumber: each([](float x) { return x != x ? 1.0f : 0.0f; }); break;
    case Does::sign: each([](float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; }); break;
    case Does::zero: std::fill_n(out, sizes[0], 0.0f); break;
    case Does::random: {
      const Philox philox(reinterpret_cast<const int32_t*>(at(1)));
      share((sizes[0] + 3) / 4, 16, [&](long from, long to) {
        philox.fill(from, std::min<int64_t>(to * 4, sizes[0]) - from * 4, out + from * 4);
      });
      break;
    }
    case Does::select:
      // What is true is 1.
      share(sizes[0], 1, [&](long from, long to) {
        const float *chooses = at(1), *a = at(2), *b = at(3);
        for (long i = from; i < to; i++) out[i] = chooses[i] != 0 ? a[i] : b[i];
      });
      break;
    case Does::squareRoot: each([](float x) { return std::sqrt(x); }); break;
    case Does::square: each([](float x) { return x * x; }); break;
    case Does::toFloat:
      for (int64_t i = 0; i < sizes[0]; i++) out[i] = static_cast<float>(reinterpret_cast<const int32_t*>(at(1))[i]);
      break;
    case Does::toInteger:
      for (int64_t i = 0; i < sizes[0]; i++) reinterpret_cast<int32_t*>(out)[i] = static_cast<int32_t>(at(1)[i]);
      break;
    case Does::sum:
      sumNumbers(at(1), out, sizes[0], sizes[1], share);
      break;
    case Does::softmax:
      share(sizes[0], 4 * sizes[1], [&](long from, long to) {
        for (long row = from; row < to; row++) set.softmaxRow(at(1) + row * sizes[1], out + row * sizes[1], sizes[1]);
      });
      break;
    case Does::copy: {
      const int64_t rank = sizes[0], *dims = sizes + 1, *from = dims + rank, *to = from + rank;
      int64_t width = 1;
      for (int64_t axis = 1; axis < rank; axis++) width *= dims[axis];
      share(rank ? dims[0] : 1, width, [&](long first, long end) {
        std::vector<int64_t> part(dims, dims + rank);
        if (rank) part[0] = end - first;
        const int64_t skip = rank ? first * from[0] : 0, skipTo = rank ? first * to[0] : 0;
        copyStrided(rank, part.data(), from, to, at(1) + skip, out + skipTo);
      });
      break;
    }
    case Does::gather: {
      const int64_t outer = sizes[0], rows = sizes[1], width = sizes[2], count = sizes[3];
      const int32_t* indices = reinterpret_cast<const int32_t*>(at(2));
      for (int64_t i = 0; i < count; i++)
        if (indices[i] < 0 || indices[i] >= rows) return false;
      const float* x = at(1);
      share(outer * count, width, [&](long from, long to) {
        for (long i = from; i < to; i++)
          std::memcpy(out + i * width, x + (i / count * rows + indices[i % count]) * width, width * sizeof(float));
      });
      break;
    }
    case Does::gatherAt: {
      const int64_t count = sizes[0], width = sizes[1], depth = sizes[2];
      const int32_t* indices = reinterpret_cast<const int32_t*>(at(2));
      const float* x = at(1);
      std::atomic<bool> isInside{true};
      share(count, width + depth, [&](long from, long to) {
        for (long i = from; i < to; i++) {
          int64_t row = 0;
          for (int64_t axis = 0; axis < depth; axis++) {
            const int64_t index = indices[i * depth + axis], size = sizes[3 + axis];
            if (index < 0 || index >= size) {
              isInside = false;
              return;
            }
            row = row * size + index;
          }
          std::memcpy(out + i * width, x + row * width, width * sizeof(float));
        }
      });
      if (!isInside) return false;
      break;
    }
    case Does::normalize:
      share(sizes[0], sizes[1], [&](long from, long to) {
        for (long row = from; row < to; row++)
          set.normalizeRow(at(1) + row * sizes[1], at(2), at(3), *at(4), out + row * sizes[1], sizes[1]);
      });
      break;
    case Does::normalizeGradient: {
      // dx, gradients of scale and maybe shift; x, scale, epsilon, dy.
      const int64_t N = sizes[0], D = sizes[1], sums = sizes[2];
      sumOverRows(N, sums * D, at(1), share, [&](long row, float* into) {
        set.normalizeRowGradient(at(2) + row * D, at(3), *at(4), at(5) + row * D, out + row * D, into,
                                 sums == 2 ? into + D : nullptr, D);
      });
      break;
    }
    case Does::gelu: inVectors(set.gelu); break;
    case Does::geluGradient:
      share((sizes[0] + 1023) / 1024, 1024, [&](long from, long to) {
        set.geluGradient(at(1) + from * 1024, at(2) + from * 1024, out + from * 1024,
                         std::min<int64_t>(to * 1024, sizes[0]) - from * 1024);
      });
      break;
    case Does::sumRows:
      sumOverRows(sizes[0], sizes[1], out, share,
                  [&](long row, float* into) { set.addRow(at(1) + row * sizes[1], into, sizes[1]); });
      break;
    case Does::sumSegments: {
      const int64_t N = sizes[0], D = sizes[1], segments = sizes[2];
      const int32_t* segment = reinterpret_cast<const int32_t*>(at(2));
      for (int64_t row = 0; row < N; row++)
        if (segment[row] >= segments) return false;
      share((D + COLUMNS - 1) / COLUMNS, (N + segments) * COLUMNS, [&](long from, long to) {
        const int64_t begin = from * COLUMNS, width = std::min<int64_t>(to * COLUMNS, D) - begin;
        for (int64_t i = 0; i < segments; i++) std::fill_n(out + i * D + begin, width, 0.0f);
        for (int64_t row = 0; row < N; row++)
          if (segment[row] >= 0) set.addRow(at(1) + row * D + begin, out + segment[row] * D + begin, width);
      });
      break;
    }
    case Does::crossEntropy: {
      // Losses, gradients or nothing; logits, targets.
      const int64_t N = sizes[0], V = sizes[1];
      const int32_t* targets = reinterpret_cast<const int32_t*>(at(3));
      for (int64_t row = 0; row < N; row++)
        if (targets[row] < 0 || targets[row] >= V) return false;
      share(N, 4 * V, [&](long from, long to) {
        for (long row = from; row < to; row++)
          out[row] = set.crossEntropyRow(at(2) + row * V, targets[row], at(1) ? at(1) + row * V : nullptr, V);
      });
      break;
    }
    case Does::adamw: {
      // First and second moment and parameters after the step; numbers, constants, factor, decays, gradient, moments, parameters.
      const AdamwStep step = adamwStep(at(3), at(4), at(5), at(6)[sizes[1]]);
      share((sizes[0] + 1023) / 1024, 1024, [&](long from, long to) {
        const int64_t i = from * 1024, count = std::min<int64_t>(to * 1024, sizes[0]) - i;
        set.adamw(step, at(7) + i, at(8) + i, at(9) + i, at(10) + i, out + i, at(1) + i, at(2) + i, count);
      });
      break;
    }
    case Does::attention:
    case Does::attentionGradient: {
      const bool isGradient = instruction.does == Does::attentionGradient;
      // The gradient's results are six, and it has three more operands: the result, sums and the result's gradient.
      const int first = isGradient ? 6 : 2;
      const Settings settings{static_cast<int32_t>(sizes[0]), static_cast<int32_t>(sizes[1]), static_cast<int32_t>(sizes[2]),
                              static_cast<int32_t>(sizes[3]), static_cast<int32_t>(sizes[4]), sizes[5] != 0, sizes[6] != 0,
                              sizes[7] != 0};
      const float* inputs[ATTENTION_INPUTS];
      for (int i = 0; i < ATTENTION_INPUTS; i++) inputs[i] = at(first + i);
      Attention all = attentionOf(settings, {sizes[8], sizes[9], sizes[10], sizes[11]}, inputs);
      if (!isGradient) {
        all.out = out;
        all.logSums = at(1);
        runAttention(all, runTasks);
        break;
      }
      all.out = at(first + ATTENTION_INPUTS);
      all.logSums = at(first + ATTENTION_INPUTS + 1);
      AttentionGradient gradient = {};
      gradient.dOut = at(first + ATTENTION_INPUTS + 2);
      gradient.dQ = out;
      gradient.dK = settings.projected ? out + all.numHeads * all.headDim : at(1);
      gradient.dV = settings.projected ? out + 2 * all.numHeads * all.headDim : at(2);
      gradient.dSlopes = at(3);
      gradient.dTable = at(4);
      gradient.dGate = at(5);
      runAttentionGradient(all, gradient, runTasks);
      break;
    }
    case Does::matrixProduct: {
      // Pairs of matrices, with what one pair begins with; strides of rows and of numbers in each.
      const int64_t pairs = sizes[0], M = sizes[1], K = sizes[2], N = sizes[3], stepA = sizes[4], stepB = sizes[5];
      const auto multiply = [&](int64_t pair, const RunTasks& run) {
        multiplyMatrices(M, K, N, {at(1) + pair * stepA, sizes[6], sizes[7]}, {at(2) + pair * stepB, sizes[8], sizes[9]},
                         at(3), at(4), out + pair * M * N, scratch<Use::panels>(panelFloats(M, K, N)), run);
      };
      const bool isOfMany = pairs >= 2 * team().size() && M * K * N < WORTH_HELPERS;
      if (isOfMany) helpers.share(pairs, [&](long pair) { multiply(pair, alone); });
      else
        for (int64_t pair = 0; pair < pairs; pair++) multiply(pair, runTasks);
      break;
    }
    case Does::multiplyRows: {
      const int64_t N = sizes[0], D = sizes[1], width = sizes[2];
      share((width + COLUMNS - 1) / COLUMNS, N * D * COLUMNS, [&](int64_t from, int64_t to) {
        for (int64_t row = 0; row < N; row++)
          set.multiplyRow(at(1) + row * D, at(2), at(3), out + row * width, D, width, from * COLUMNS,
                          std::min(to * COLUMNS, width));
      });
      break;
    }
    case Does::product: {
      // Pairs of matrices [M, K] and [K, N], or [N, K] where the second is transposed.
      const int64_t pairs = sizes[0], M = sizes[1], K = sizes[2], N = sizes[3], stepA = sizes[4], stepB = sizes[5];
      share((N + COLUMNS - 1) / COLUMNS, pairs * M * K * COLUMNS, [&](int64_t from, int64_t to) {
        const int64_t first = from * COLUMNS, end = std::min(to * COLUMNS, N);
        for (int64_t row = 0; row < pairs * M; row++) {
          const float* x = at(1) + row / M * stepA + row % M * K;
          const float* matrix = at(2) + row / M * stepB;
          if (sizes[6]) set.multiplyByRows(x, matrix, out + row * N, K, first, end);
          else set.multiplyRow(x, matrix, nullptr, out + row * N, K, N, first, end);
        }
      });
      break;
    }
    case Does::attendSlots: {
      const int64_t H = sizes[0], Q = sizes[1], D = sizes[2], G = sizes[3], C = sizes[4], rows = sizes[7];
      share(rows, 2 * C * D, [&](int64_t from, int64_t to) {
        for (int64_t row = from; row < to; row++) {
          const int64_t batch = row / Q / H, head = row / Q % H, of = (batch * G + head / (H / G)) * C * D;
          const float* added = at(4) + batch * sizes[5] + head * sizes[6] + row % Q * C;
          set.attendSlots(at(1) + row * D, at(2) + of, at(3) + of, added, out + row * D, C, D, scratch(C + MOST_LANES));
        }
      });
      break;
    }
    case Does::update: {
      // Rows of a variable, in place; they count around, as in TensorFlow.
      const int64_t count = sizes[0], width = sizes[1], rows = sizes[2];
      const int32_t* indices = reinterpret_cast<const int32_t*>(at(1));
      for (int64_t i = 0; i < count; i++)
        std::memcpy(out + (indices[i] % rows + rows) % rows * width, at(2) + i * width, width * sizeof(float));
      break;
    }
  }
  return true;
}

/** The inputs of a chain → its results. */
void runChain(void* kernel, TF_OpKernelContext* context) {
  Run run(context);
  const auto kept = chains().of(*static_cast<int64_t*>(kernel));
  if (!kept) {
    TF_SetStatus(run.status, TF_FAILED_PRECONDITION, "AlibiChain: its program was dropped");
    return TF_OpKernelContext_Failure(context, run.status);
  }
  const Chain& chain = *kept;
  std::vector<TF_Tensor*> inputs(TF_NumInputs(context));
  std::vector<float*> read(inputs.size());
  for (size_t i = 0; i < inputs.size(); i++)
    read[i] = static_cast<float*>(TF_TensorData(inputs[i] = run.input(static_cast<int>(i))));
  float* const own = scratch<Use::chain>(chain.memory);
  std::vector<float*> slots(chain.offsets.size());
  for (size_t slot = 0; slot < slots.size(); slot++)
    slots[slot] = chain.offsets[slot] < 0 ? nullptr : own + chain.offsets[slot];
  // A result that has a slot to itself is made where TensorFlow wants it.
  for (size_t i = 0; i < chain.results.size(); i++) {
    const auto& [place, shape] = chain.results[i];
    if (place.slot < 0 || chain.offsets[place.slot] >= 0) continue;
    slots[place.slot] = run.output(static_cast<int>(i), shape);
    if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  }
  const auto at = [&](const Place& place) -> float* {
    if (place.slot == -1) return nullptr;
    return (place.isInput() ? read[place.input()] : slots[place.slot]) + place.offset;
  };
  Helpers helpers;
  bool isInside = true;
  const auto work = [&] {
    for (const Instruction& instruction : chain.instructions) {
      isInside = execute(instruction, [&](int place) { return at(instruction.places[place]); }, helpers);
      if (!isInside) break;
    }
    helpers.leave();
  };
  if (chain.multiplications < WORTH_HELPERS) work();
  else team().run(team().size(), [&](long thread) { thread ? helpers.help() : work(); });
  if (!isInside) {
    TF_SetStatus(run.status, TF_INVALID_ARGUMENT, "AlibiChain: expected indices within what is gathered from");
    return TF_OpKernelContext_Failure(context, run.status);
  }
  for (size_t i = 0; i < chain.results.size(); i++) {
    const auto& [place, shape] = chain.results[i];
    const int index = static_cast<int>(i);
    if (place.slot >= 0 && chain.offsets[place.slot] < 0) continue;
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    if (place.isInput() && count == TF_TensorElementCount(inputs[place.input()])) {
      // A variable that was written in place, maybe in another shape: the same memory.
      const int64_t nothing = 0;
      TF_Tensor* same = TF_AllocateTensor(TF_FLOAT, &nothing, 1, 0);
      run.held.push_back(same);
      TF_TensorBitcastFrom(inputs[place.input()], TF_FLOAT, same, shape.data(), static_cast<int>(shape.size()), run.status);
      TF_SetOutput(context, index, same, run.status);
    } else {
      float* out = run.output(index, shape);
      if (TF_GetCode(run.status) == TF_OK) std::memcpy(out, at(place), count * sizeof(float));
    }
    if (TF_GetCode(run.status) != TF_OK) return TF_OpKernelContext_Failure(context, run.status);
  }
}

/** Registers the operation of chains, whose inputs and results are lists. @throws std::string, TensorFlow's message */
void defineChain() {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder("AlibiChain");
  for (const char* attribute : {"chain: int", "num_floats: int >= 0", "num_integers: int >= 0", "num_results: int >= 0"})
    TF_OpDefinitionBuilderAddAttr(definition, attribute);
  TF_OpDefinitionBuilderAddInput(definition, "floats: num_floats * float");
  TF_OpDefinitionBuilderAddInput(definition, "integers: num_integers * int32");
  TF_OpDefinitionBuilderAddOutput(definition, "results: num_results * float");
  // It writes in variables, so no two are the same.
  TF_OpDefinitionBuilderSetIsStateful(definition, true);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, unknownShapes);
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder("AlibiChain",
                             TF_NewKernelBuilder("AlibiChain", "CPU", readNumber, runChain,
                                                 [](void* number) { delete static_cast<int64_t*>(number); }),
                             status);
  const std::string message = TF_GetCode(status) == TF_OK ? "" : TF_Message(status);
  TF_DeleteStatus(status);
  if (!message.empty()) throw message;
}
