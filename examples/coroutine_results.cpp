// SPDX-License-Identifier: MIT
// co_await of futures: a coroutine reads as if it waited, while workers compute and an event loop does other things.
#include <brigade/brigade.hpp>

#include <condition_variable>
#include <coroutine>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

// A coroutine that begins when it is called and that nobody waits for.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// The smallest event loop: functions that any thread may post, run by one.
class EventLoop {
 public:
  void post(std::function<void()> function) {
    const std::lock_guard lock(mutex_);
    functions_.push_back(std::move(function));
    news_.notify_one();
  }
  void run() {
    for (std::unique_lock lock(mutex_); !stopped_ || !functions_.empty(); lock.lock()) {
      news_.wait(lock, [this] { return !functions_.empty(); });
      const auto function = std::move(functions_.front());
      functions_.pop_front();
      lock.unlock();
      function();
    }
  }
  void stop() { stopped_ = true; }  // in the thread of run(), which does what there is and returns

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::function<void()>> functions_;
  bool stopped_ = false;
};

int square(int x) {
  if (x < 0) throw std::domain_error("Negative value");
  return x * x;
}

Detached compute(brigade::Pool& pool, EventLoop& loop) {
  const auto in_the_loop = [&loop](std::function<void()> go_on) { loop.post(std::move(go_on)); };
  const std::thread::id loop_thread = std::this_thread::get_id();

  const int four = co_await pool.apply_async(square, 2).via(in_the_loop);
  const int sixteen = co_await pool.apply_async(square, four).via(in_the_loop);
  std::printf("one after the other: %d, then %d\n", four, sixteen);

  std::vector<brigade::Future<int>> futures;
  for (int x = 0; x < 8; ++x) futures.push_back(pool.apply_async(square, x));
  int sum = 0;
  for (const auto& future : futures) sum += co_await future.via(in_the_loop);
  std::printf("side by side: eight squares with the sum %d\n", sum);

  try {
    co_await pool.apply_async(square, -1).via(in_the_loop);
  } catch (const std::domain_error& error) {
    std::printf("thrown at the co_await: %s\n", error.what());
  }
  std::printf("always in the thread of the loop: %d\n", std::this_thread::get_id() == loop_thread);
  loop.stop();
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(4);
  EventLoop loop;
  loop.post([&] { compute(pool, loop); });
  loop.post([] { std::printf("the loop is free while workers compute\n"); });
  loop.run();
}
