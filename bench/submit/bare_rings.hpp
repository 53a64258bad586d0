// SPDX-License-Identifier: MIT
#pragma once
// What tiny tasks cost at least between two processes.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "os/clone.hpp"
#include "os/cpu.hpp"
#include "os/futex.hpp"
#include "os/memory.hpp"
#include "os/pidfd.hpp"

namespace bench {

// The limit: one worker, fixed messages, spinning on both sides, no death watch, no futures, no exceptions.
class BareRings {
  static constexpr std::uint64_t kSlots = 4096;
  struct Message {
    long (*function)(long);
    long value;
  };
  struct Ring {
    alignas(64) std::atomic<std::uint64_t> published{0};
    alignas(64) std::atomic<std::uint64_t> taken{0};
    alignas(64) Message slots[kSlots];
  };
  struct Rings {
    Ring tasks;
    Ring results;
    alignas(64) std::atomic<std::uint32_t> awake{1};
  };

 public:
  BareRings() : rings_(*reinterpret_cast<Rings*>(mapping_.data())) {
    brigade::os::commit(mapping_.data(), sizeof(Rings));
    rings_.awake.store(1);
    worker_ = brigade::os::clone_process(brigade::os::Parent::caller);
    if (worker_.pid == 0) serve();
  }
  ~BareRings() {
    brigade::os::send_signal(worker_.pidfd, 9);
    brigade::os::wait_for_exit(worker_.pidfd, brigade::os::kNever);
    brigade::os::reap(worker_.pidfd);
  }

  // Between measurements the worker sleeps, so that it takes no CPU from the others.
  void set_awake(bool awake) {
    rings_.awake.store(awake ? 1 : 0);
    brigade::os::futex_wake(rings_.awake, 1, brigade::os::Scope::processes);
  }

  long call(long (*function)(long), long value) {
    submit(function, value);
    return collect();
  }
  void submit(long (*function)(long), long value) {
    while (head_ - rings_.results.taken.load(std::memory_order_relaxed) >= kSlots) stash_.push_back(collect());
    rings_.tasks.slots[head_ % kSlots] = {function, value};
    rings_.tasks.published.store(++head_, std::memory_order_release);
  }
  long collect() {
    while (rings_.results.published.load(std::memory_order_acquire) == tail_) brigade::os::cpu_relax();
    const long value = rings_.results.slots[tail_ % kSlots].value;
    rings_.results.taken.store(++tail_, std::memory_order_release);
    return value;
  }
  std::vector<long>& stash() { return stash_; }

 private:
  [[noreturn]] void serve() {
    for (std::uint64_t n = 0;; ++n) {
      while (rings_.tasks.published.load(std::memory_order_acquire) == n) {
        if (rings_.awake.load(std::memory_order_relaxed) == 0)
          brigade::os::futex_wait(rings_.awake, 0, brigade::os::kNever, brigade::os::Scope::processes);
        brigade::os::cpu_relax();
      }
      const Message task = rings_.tasks.slots[n % kSlots];
      rings_.results.slots[n % kSlots].value = task.function(task.value);
      rings_.results.published.store(n + 1, std::memory_order_release);
    }
  }

  brigade::os::Fd memory_ = brigade::os::make_memfd("bench-rings", sizeof(Rings));
  brigade::os::Mapping mapping_ = brigade::os::Mapping::of(
      memory_, 0, sizeof(Rings), brigade::os::Mapping::Access::read_write, brigade::os::Mapping::Inherit::yes);
  Rings& rings_;
  brigade::os::NewProcess worker_;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::vector<long> stash_;
};

}  // namespace bench
