// A chain of operations, run as one: a token of decoding, a step of training. TensorFlow's executor takes longer for a small one
// than that computes, and its threads wait for one another. src/compile/chains.ts writes the program, with all shapes, strides and
// places in memory.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

/** What an instruction does; the same list is in src/compile/chain-program.ts. */
enum class Does : int64_t {
  add,
  subtract,
  multiply,
  divide,
  power,
  larger,
  smaller,
  less,
  lessOrEqual,
  greater,
  greaterOrEqual,
  addIntegers,
  subtractIntegers,
  largerInteger,
  smallerInteger,
  negate,
  magnitude,
  floor,
  relu,
  exponential,
  logarithm,
  logarithmOf1Plus,
  sigmoid,
  squareRoot,
  square,
  toFloat,
  toInteger,
  sum,
  softmax,
  copy,
  gather,
  gatherAt,
  normalize,
  gelu,
  multiplyRows,
  product,
  attendSlots,
  update,
  matrixProduct,
  attention,
  attentionGradient,
  geluGradient,
  normalizeGradient,
  sumRows,
  sumSegments,
  crossEntropy,
  adamw,
  isNotANumber,
  sign,
  select,
  zero,
  random,
  hyperbolicTangent,
  errorFunction,
  lessInteger,
  greaterOrEqualInteger,
};

/** A value: `offset` numbers of four bytes into a slot. From 0 on, slots are the chain's own; −1 is for what is not there. */
struct Place {
  int64_t slot, offset;
  bool isInput() const { return slot < -1; }
  int64_t input() const { return -2 - slot; }
};

struct Instruction {
  Does does;
  /** The result's, then the operands'. */
  std::vector<Place> places;
  std::vector<int64_t> sizes;
};

struct Result {
  Place place;
  std::vector<int64_t> shape;
};

struct Chain {
  /** Where each slot begins in the chain's memory, and how much that has. */
  std::vector<int64_t> offsets;
  int64_t memory = 0;
  /** Of all products, for which most of the time goes. */
  int64_t multiplications = 0;
  std::vector<Result> results;
  std::vector<Instruction> instructions;
};

/** Reads the numbers of a program in turn. */
struct ProgramReader {
  const int32_t* at;
  int64_t next() { return *at++; }
  std::vector<int64_t> list() {
    const int64_t count = next();
    std::vector<int64_t> numbers(at, at + count);
    at += count;
    return numbers;
  }
  Place place() {
    const int64_t slot = next();
    return {slot, next()};
  }
};

inline Chain readChain(const int32_t* program) {
  ProgramReader read{program};
  Chain chain;
  chain.offsets = read.list();
  chain.memory = read.next();
  for (int64_t count = read.next(); count > 0; count--) {
    const Place place = read.place();
    chain.results.push_back({place, read.list()});
  }
  for (int64_t count = read.next(); count > 0; count--) {
    Instruction instruction{static_cast<Does>(read.next()), {}, {}};
    for (int64_t places = read.next(); places > 0; places--) instruction.places.push_back(read.place());
    instruction.sizes = read.list();
    const auto& sizes = instruction.sizes;
    if (instruction.does == Does::multiplyRows) chain.multiplications += sizes[0] * sizes[1] * sizes[2];
    if (instruction.does == Does::matrixProduct) chain.multiplications += sizes[0] * sizes[1] * sizes[2] * sizes[3];
    if (instruction.does == Does::product) chain.multiplications += sizes[0] * sizes[1] * sizes[2] * sizes[3];
    if (instruction.does == Does::attendSlots) chain.multiplications += 2 * sizes[7] * sizes[2] * sizes[4];
    chain.instructions.push_back(std::move(instruction));
  }
  return chain;
}

/** out = f(a, b) along `rank` axes; an operand that is the same along an axis has stride 0 there. */
template <class T, class F>
void elementwise(int64_t rank, const int64_t* dims, const int64_t* strideA, const int64_t* strideB, const T* a,
                 const T* b, T*& out, F f) {
  if (rank > 1) {
    for (int64_t i = 0; i < dims[0]; i++)
      elementwise(rank - 1, dims + 1, strideA + 1, strideB + 1, a + i * strideA[0], b + i * strideB[0], out, f);
    return;
  }
  const int64_t count = rank ? dims[0] : 1, stepA = rank ? strideA[0] : 0, stepB = rank ? strideB[0] : 0;
  T* const to = out;
  // The usual steps on their own, for the compiler makes vectors of them.
  if (stepA == 1 && stepB == 1)
    for (int64_t i = 0; i < count; i++) to[i] = f(a[i], b[i]);
  else if (stepA == 1 && stepB == 0)
    for (int64_t i = 0; i < count; i++) to[i] = f(a[i], *b);
  else if (stepA == 0 && stepB == 1)
    for (int64_t i = 0; i < count; i++) to[i] = f(*a, b[i]);
  else
    for (int64_t i = 0; i < count; i++) to[i] = f(a[i * stepA], b[i * stepB]);
  out += count;
}

/** sizes: rank, dims, strides of a, strides of b. share(count, numbers, task) has threads do task(from, to) of the first axis. */
template <class T, class F, class Share>
void binary(const Instruction& instruction, const float* a, const float* b, float* out, const Share& share, F f) {
  const int64_t *sizes = instruction.sizes.data(), rank = *sizes++;
  const int64_t *dims = sizes, *stepsA = sizes + rank, *stepsB = sizes + 2 * rank;
  const int64_t rows = rank ? dims[0] : 1;
  int64_t width = 1;
  for (int64_t axis = 1; axis < rank; axis++) width *= dims[axis];
  share(rows, width, [&](int64_t from, int64_t to) {
    std::vector<int64_t> part(dims, dims + rank);
    if (rank) part[0] = to - from;
    const int64_t skipA = rank ? from * stepsA[0] : 0, skipB = rank ? from * stepsB[0] : 0;
    T* at = reinterpret_cast<T*>(out) + from * width;
    elementwise(rank, part.data(), stepsA, stepsB, reinterpret_cast<const T*>(a) + skipA,
                reinterpret_cast<const T*>(b) + skipB, at, f);
  });
}

/** sizes: how many numbers. */
template <class F, class Share>
void unary(const Instruction& instruction, const float* x, float* out, const Share& share, F f) {
  share(instruction.sizes[0], 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) out[i] = f(x[i]);
  });
}

/** sizes: rank, dims, strides of the source, strides of the result. */
inline void copyStrided(int64_t rank, const int64_t* dims, const int64_t* from, const int64_t* to, const float* x,
                        float* y) {
  if (rank == 0) {
    *y = *x;
    return;
  }
  if (rank == 1 && from[0] == 1 && to[0] == 1) {
    std::memcpy(y, x, dims[0] * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < dims[0]; i++) {
    if (rank == 1) y[i * to[0]] = x[i * from[0]];
    else copyStrided(rank - 1, dims + 1, from + 1, to + 1, x + i * from[0], y + i * to[0]);
  }
}
