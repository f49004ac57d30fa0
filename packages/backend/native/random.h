// TensorFlow's StatelessRandomUniform, number by number the same: Philox 4×32-10 (Salmon et al., 2011), with the key and counter
// that TensorFlow makes of two seeds (core/kernels/stateless_random_ops.cc).
#pragma once
#include <cstdint>
#include <cstring>

class Philox {
 public:
  struct Four {
    uint32_t numbers[4];
  };

  explicit Philox(const int32_t* seeds) {
    const uint64_t first = static_cast<int64_t>(seeds[0]), second = static_cast<int64_t>(seeds[1]);
    const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
    key_[0] = 0x3ec8f720;
    key_[1] = 0x02461e29;
    const Four mixed = rounds({{low(first), low(first >> 32), low(second), low(second >> 32)}});
    key_[0] = mixed.numbers[0];
    key_[1] = mixed.numbers[1];
    rest_[0] = mixed.numbers[2];
    rest_[1] = mixed.numbers[3];
  }

  /** `count` numbers from 0 up to but not including 1, four at a time from the `group`-th four on. */
  void fill(uint64_t group, int64_t count, float* to) const {
    for (; count > 0; group++, count -= 4, to += 4) {
      // The upper half of the counter begins at what the seeds gave, and no tensor is long enough to carry into it.
      const Four four = rounds({{static_cast<uint32_t>(group), static_cast<uint32_t>(group >> 32), rest_[0], rest_[1]}});
      for (int i = 0; i < 4 && i < count; i++) to[i] = unit(four.numbers[i]);
    }
  }

 private:
  Four rounds(Four at) const {
    uint32_t key[] = {key_[0], key_[1]};
    for (int round = 0; round < 10; round++) {
      const uint64_t a = 0xD2511F53ull * at.numbers[0], b = 0xCD9E8D57ull * at.numbers[2];
      at = {{static_cast<uint32_t>(b >> 32) ^ at.numbers[1] ^ key[0], static_cast<uint32_t>(b),
             static_cast<uint32_t>(a >> 32) ^ at.numbers[3] ^ key[1], static_cast<uint32_t>(a)}};
      key[0] += 0x9E3779B9u;
      key[1] += 0xBB67AE85u;
    }
    return at;
  }

  /** 23 bits as the mantissa of a number from 1 to 2, less 1. */
  static float unit(uint32_t bits) {
    const uint32_t number = 127u << 23 | (bits & 0x7fffffu);
    float result;
    std::memcpy(&result, &number, sizeof result);
    return result - 1.0f;
  }

  uint32_t key_[2], rest_[2];
};
