// Threads of our own: TensorFlow's are out of reach of its C interface.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

/** Threads that share tasks with the one that has them. */
class Team {
 public:
  int size() const { return size_; }

  void resize(int size) {
    std::lock_guard<std::mutex> own(busy_), lock(mutex_);
    size_ = size < 1 ? 1 : size;
    while (threads_ < size_ - 1) {
      threads_++;
      std::thread([this, index = threads_, seen = round_] { wait(index, seen); }).detach();
    }
  }

  /** Runs task(0) to task(count − 1), in any order; alone where another operation has the team. */
  void run(long count, const std::function<void(long)>& task) {
    std::unique_lock<std::mutex> own(busy_, std::try_to_lock);
    if (!own || size_ == 1 || count == 1) {
      for (long i = 0; i < count; i++) task(i);
      return;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    task_ = &task;
    count_ = count;
    next_ = 0;
    round_++;
    isOpen_ = true;
    lock.unlock();
    begin_.notify_all();
    share(task, count);
    lock.lock();
    // Who has not woken yet need not.
    isOpen_ = false;
    ended_.wait(lock, [this] { return working_ == 0; });
  }

 private:
  void share(const std::function<void(long)>& task, long count) {
    for (long i = next_++; i < count; i = next_++) task(i);
  }

  void wait(int index, long seen) {
    for (std::unique_lock<std::mutex> lock(mutex_);;) {
      begin_.wait(lock, [&] { return isOpen_ && round_ != seen && index < size_; });
      seen = round_;
      working_++;
      const auto* task = task_;
      const long count = count_;
      lock.unlock();
      share(*task, count);
      lock.lock();
      if (--working_ == 0) ended_.notify_all();
    }
  }

  std::mutex busy_, mutex_;
  std::condition_variable begin_, ended_;
  std::atomic<int> size_{1};
  std::atomic<long> next_{0};
  // Under mutex_.
  const std::function<void(long)>* task_ = nullptr;
  long count_ = 0, round_ = 0;
  int working_ = 0, threads_ = 0;
  bool isOpen_ = false;
};

/** Never freed: its threads wait until the process ends. */
Team& team() {
  static Team* const only = new Team;
  return *only;
}

/** Lanes of the widest vectors. */
constexpr long MOST_LANES = 16;

/** What a thread keeps memory for. */
enum class Use { operation, chain, panels };

/** Memory of one thread. */
struct Memory {
  float* data = nullptr;
  long size = 0;
  void release() {
    std::free(data);
    data = nullptr;
    size = 0;
  }
  ~Memory() { release(); }
};

/** What this thread keeps. */
template <Use use>
Memory& memoryOf() {
  thread_local Memory own;
  return own;
}

/** A thread's memory, which stays for the next operation. */
template <Use use = Use::operation>
float* scratch(long floats) {
  Memory& own = memoryOf<use>();
  if (own.size < floats) {
    own.release();
    own.size = (floats + 1023) / 1024 * 1024;
    own.data = static_cast<float*>(std::aligned_alloc(64, own.size * sizeof(float)));
  }
  return own.data;
}

/**
 * Threads that help with the parts of one instruction after the other, for as long as a chain runs. They wait in a loop, as
 * waking one takes longer than an instruction; nobody waits for one that is not there yet.
 */
class Helpers {
 public:
  /** What a helping thread does until leave(). */
  void help() {
    for (long spins = 0;;) {
      const uint64_t now = state_.load(std::memory_order_acquire);
      if (now == ENDED) return;
      if (takePart(now)) spins = 0;
      else if (++spins > SPINS) std::this_thread::yield();
    }
  }

  /** Runs task(0) to task(parts − 1), shared with who helps. */
  void share(long parts, const std::function<void(long)>& task) {
    if (parts == 1) return task(0);
    if (parts > MOST_PARTS)
      return share(MOST_PARTS, [&](long part) {
        for (long i = parts * part / MOST_PARTS, end = parts * (part + 1) / MOST_PARTS; i < end; i++) task(i);
      });
    task_ = &task;
    done_.store(0, std::memory_order_relaxed);
    state_.store(++round_ << 32 | static_cast<uint64_t>(parts) << 16, std::memory_order_release);
    while (takePart(state_.load(std::memory_order_acquire))) {
    }
    for (long spins = 0; done_.load(std::memory_order_acquire) != parts; spins++)
      if (spins > SPINS) std::this_thread::yield();
  }

  void leave() { state_.store(ENDED, std::memory_order_release); }

 private:
  static constexpr uint64_t ENDED = ~0ull;
  /** Parts of an instruction that have numbers of 16 bits. */
  static constexpr long MOST_PARTS = 0xffff;
  /** How often to look before others may have the core. */
  static constexpr long SPINS = 1000;

  /** @param now - number of the instruction, its parts, those that are taken: 32, 16 and 16 bits */
  bool takePart(uint64_t now) {
    const long parts = now >> 16 & 0xffff, part = now & 0xffff;
    if (part >= parts) return false;
    // It may be another's by now; then there may be more.
    if (!state_.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) return true;
    (*task_)(part);
    done_.fetch_add(1, std::memory_order_release);
    return true;
  }

  std::atomic<uint64_t> state_{0};
  std::atomic<long> done_{0};
  const std::function<void(long)>* task_ = nullptr;
  uint64_t round_ = 0;
};
