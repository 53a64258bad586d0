// SPDX-License-Identifier: MIT
#pragma once
// The peers that run the task in threads of this program, those that were found. Each has two threads for it.

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#ifdef BENCH_HAS_ASIO
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#endif

#ifdef BENCH_HAS_TBB
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_group.h>
#endif

namespace bench {

constexpr int kThreads = 2;

inline long no_op(long x) {
  asm volatile("" : "+r"(x));
  return x + 1;
}

// What everybody writes: mutex, condition variable, deque of functions.
class ThreadPool {
 public:
  ThreadPool() {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
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

#ifdef BENCH_HAS_ASIO
class AsioPool {
 public:
  ~AsioPool() { pool_.join(); }
  std::future<long> submit(long value) {
    std::packaged_task<long()> task([value] { return no_op(value); });
    std::future<long> result = task.get_future();
    asio::post(pool_, std::move(task));
    return result;
  }

 private:
  asio::thread_pool pool_{kThreads};
};
#endif

#ifdef BENCH_HAS_TBB
// There are no futures: each task has its own place for the result, and all are waited for. Who waits is one of the two
// threads and runs tasks, too; a single one mostly never leaves it.
class TbbGroup {
 public:
  long call(long value) {
    long result = 0;
    group_.run([value, &result] { result = no_op(value); });
    group_.wait();
    return result;
  }
  // Result i is that of no_op(i).
  void call_all(std::vector<long>& results) {
    long value = 0;
    for (long& result : results) group_.run([value = value++, &result] { result = no_op(value); });
    group_.wait();
  }

 private:
  tbb::global_control limit_{tbb::global_control::max_allowed_parallelism, kThreads};
  tbb::task_group group_;
};
#endif

}  // namespace bench
