// SPDX-License-Identifier: MIT
// Tiny tasks: the executor against two bare rings in shared memory (the limit) and against thread pools.
//   bench_submit [ROUNDS] [TASKS]
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <brigade/brigade.hpp>

#include "os/clone.hpp"
#include "os/cpu.hpp"
#include "os/futex.hpp"
#include "os/memory.hpp"
#include "os/pidfd.hpp"
#include "support/measure.hpp"

namespace {

using namespace brigade;

long no_op(long x) {
  asm volatile("" : "+r"(x));
  return x + 1;
}

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
    os::commit(mapping_.data(), sizeof(Rings));
    rings_.awake.store(1);
    worker_ = os::clone_process(os::Parent::caller);
    if (worker_.pid == 0) serve();
  }
  ~BareRings() {
    os::send_signal(worker_.pidfd, 9);
    os::wait_for_exit(worker_.pidfd, os::kNever);
    os::reap(worker_.pidfd);
  }

  // Between measurements the worker sleeps, so that it takes no CPU from the others.
  void set_awake(bool awake) {
    rings_.awake.store(awake ? 1 : 0);
    os::futex_wake(rings_.awake, 1, os::Scope::processes);
  }

  long call(long value) {
    submit(value);
    return collect();
  }
  void submit(long value) {
    while (head_ - rings_.results.taken.load(std::memory_order_relaxed) >= kSlots) stash_.push_back(collect());
    rings_.tasks.slots[head_ % kSlots] = {no_op, value};
    rings_.tasks.published.store(++head_, std::memory_order_release);
  }
  long collect() {
    while (rings_.results.published.load(std::memory_order_acquire) == tail_) os::cpu_relax();
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
          os::futex_wait(rings_.awake, 0, os::kNever, os::Scope::processes);
        os::cpu_relax();
      }
      const Message task = rings_.tasks.slots[n % kSlots];
      rings_.results.slots[n % kSlots].value = task.function(task.value);
      rings_.results.published.store(n + 1, std::memory_order_release);
    }
  }

  os::Fd memory_ = os::make_memfd("bench-rings", sizeof(Rings));
  os::Mapping mapping_ =
      os::Mapping::of(memory_, 0, sizeof(Rings), os::Mapping::Access::read_write, os::Mapping::Inherit::yes);
  Rings& rings_;
  os::NewProcess worker_;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::vector<long> stash_;
};

// What everybody writes: mutex, condition variable, deque of functions.
class ThreadPool {
 public:
  explicit ThreadPool(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~ThreadPool() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  std::future<long> submit(long value) {
    auto task = std::make_shared<std::packaged_task<long()>>([value] { return no_op(value); });
    std::future<long> result = task->get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.emplace_back([task] { (*task)(); });
    }
    wake_.notify_one();
    return result;
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

void expect(bool right) {
  if (!right) std::abort();
}

template <class Submit>
double submit_all(long tasks, Submit submit) {
  const double from = bench::now_ns();
  using Future = decltype(submit(0L));
  std::vector<Future> futures;
  futures.reserve(static_cast<std::size_t>(tasks));
  for (long i = 0; i < tasks; ++i) futures.push_back(submit(i));
  long sum = 0;
  for (Future& future : futures) {
    if constexpr (requires { future.result(); }) {
      sum += future.result();
    } else {
      sum += future.get();
    }
  }
  expect(sum == tasks * (tasks + 1) / 2);
  return (bench::now_ns() - from) / static_cast<double>(tasks);
}

double bare_all(BareRings& rings, long tasks) {
  rings.set_awake(true);
  rings.stash().clear();
  const double from = bench::now_ns();
  for (long i = 0; i < tasks; ++i) rings.submit(i);
  long sum = 0;
  for (const long value : rings.stash()) sum += value;
  for (std::size_t left = static_cast<std::size_t>(tasks) - rings.stash().size(); left > 0; --left)
    sum += rings.collect();
  expect(sum == tasks * (tasks + 1) / 2);
  const double time = (bench::now_ns() - from) / static_cast<double>(tasks);
  rings.set_awake(false);
  return time;
}

template <class Call>
double one_at_a_time(Call call) {
  constexpr double kBudgetMs = 100;
  return bench::median_call_ns(kBudgetMs, [&] { expect(call(7) == 8); });
}

}  // namespace

int main(int argc, char** argv) {
  init(argc, argv);
  BareRings rings;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  const long tasks = argc > 2 ? std::atol(argv[2]) : 200'000;
  ProcessPoolExecutor one(1);
  ProcessPoolExecutor two(2);
  ThreadPool threads(2);
  const auto async = [](long x) { return std::async(std::launch::async, no_op, x); };
  bench::compare(
      "one task at a time: submit().result()", "ns", rounds,
      {
          {"two bare rings, one worker process (limit)",
           [&] {
             rings.set_awake(true);
             const double time = one_at_a_time([&](long x) { return rings.call(x); });
             rings.set_awake(false);
             return time;
           }},
          {"brigade, 1 worker", [&] { return one_at_a_time([&](long x) { return one.submit(no_op, x).result(); }); }},
          {"brigade, 2 workers", [&] { return one_at_a_time([&](long x) { return two.submit(no_op, x).result(); }); }},
          {"thread pool, mutex and condition variable",
           [&] { return one_at_a_time([&](long x) { return threads.submit(x).get(); }); }},
          {"std::async", [&] { return one_at_a_time([&](long x) { return async(x).get(); }); }},
      });
  bench::compare(
      std::to_string(tasks) + " tasks submitted, then all results", "ns per task", rounds,
      {
          {"two bare rings, one worker process (limit)", [&] { return bare_all(rings, tasks); }},
          {"brigade, 1 worker", [&] { return submit_all(tasks, [&](long x) { return one.submit(no_op, x); }); }},
          {"brigade, 2 workers", [&] { return submit_all(tasks, [&](long x) { return two.submit(no_op, x); }); }},
          {"thread pool, mutex and condition variable",
           [&] { return submit_all(tasks, [&](long x) { return threads.submit(x); }); }},
      });
}
