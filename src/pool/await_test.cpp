// SPDX-License-Identifier: MIT
// Coroutines that wait for futures: co_await, via().
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <coroutine>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::pass;

int square(int x) { return x * x; }
int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}
int fail_behind(const std::string& gate) {
  pass(gate);
  throw std::out_of_range("too far");
}
int die_behind(const std::string& gate) {
  pass(gate);
  return ::raise(SIGKILL);
}

// ---- co_await ----

// A coroutine that nobody waits for. It begins at once.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

// What a coroutine says when it has ended.
struct Report {
  std::string text;
  std::thread::id thread;
  std::atomic<bool> ended{false};

  void end(std::string what) {
    text = std::move(what);
    thread = std::this_thread::get_id();
    ended = true;
  }
};

Detached await_named(Future<int> future, Report& report) {
  const int first = co_await future;
  const int second = co_await future;  // it still has it
  report.end(std::to_string(first) + " " + std::to_string(second) + " " + std::to_string(future.result()));
}

TEST(Await, GoesOnOnTheThreadOfThePoolWithTheValue) {
  Report report;
  std::thread::id of_callback;
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    const auto future = executor.submit(behind, gate.path(), 5);
    await_named(future, report);
    future.add_done_callback([&](const Future<int>&) { of_callback = std::this_thread::get_id(); });
    EXPECT_FALSE(report.ended);
    gate.open();
  }
  EXPECT_TRUE(report.ended);
  EXPECT_EQ("5 5 5", report.text);
  EXPECT_NE(std::this_thread::get_id(), report.thread);
  EXPECT_EQ(of_callback, report.thread);
}

TEST(Await, OfADoneFutureGoesOnAtOnce) {
  Report report;
  ProcessPoolExecutor executor(1);
  const auto future = executor.submit(square, 5);
  future.wait();
  await_named(future, report);
  EXPECT_TRUE(report.ended);
  EXPECT_EQ("25 25 25", report.text);
  EXPECT_EQ(std::this_thread::get_id(), report.thread);
}

template <class F>
using Awaited = decltype(std::declval<F>().operator co_await().await_resume());
static_assert(std::is_same_v<std::string, Awaited<const Future<std::string>&>>);
static_assert(std::is_same_v<std::string, Awaited<Future<std::string>>>);
static_assert(std::is_same_v<std::unique_ptr<int>, Awaited<const Future<std::unique_ptr<int>>&>>);
static_assert(std::is_void_v<Awaited<const Future<void>&>>);
static_assert(std::is_void_v<Awaited<Future<void>>>);

Detached await_void(ProcessPoolExecutor& executor, std::string gate, Report& report) {
  co_await executor.submit(pass, gate);
  const Future<void> named = executor.submit([] {});
  co_await named;
  report.end("all passed");
}

TEST(Await, OfVoidOnlyWaits) {
  Report report;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_void(executor, gate.path(), report);
  EXPECT_FALSE(report.ended);
  gate.open();
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  EXPECT_EQ("all passed", report.text);
}

Detached await_failures(std::vector<Future<int>> futures, Report& report) {
  std::string text;
  for (const auto& future : futures) {
    try {
      text += std::to_string(co_await future);
    } catch (const std::out_of_range& error) {
      text += error.what();
    } catch (const WorkerDied& death) {
      text += "died of " + std::to_string(death.signal());
    } catch (const CancelledError&) {
      text += "cancelled";
    }
    text += "; ";
  }
  report.end(text);
}

TEST(Await, ThrowsWhatTheTaskFailedWith) {
  Report report;
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    const std::vector<Future<int>> futures{
        executor.submit(behind, gate.path(), 1), executor.submit(fail_behind, gate.path()),
        executor.submit(die_behind, gate.path()), executor.submit(square, 2), executor.submit(square, 3)};
    await_failures(futures, report);
    futures[3].cancel();
    gate.open();
    ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  }
  EXPECT_EQ("1; too far; died of 9; cancelled; 9; ", report.text);
}

Detached await_move_only(ProcessPoolExecutor& executor, std::string gate, Report& report) {
  const auto make = [](const std::string& path, int x) {
    pass(path);
    return std::make_unique<int>(x);
  };
  const std::unique_ptr<int> of_temporary = co_await executor.submit(make, gate, 4);
  const Future<std::unique_ptr<int>> named = executor.submit(make, gate, 5);
  const std::unique_ptr<int> of_named = co_await named;
  report.end(std::to_string(*of_temporary) + " " + std::to_string(*of_named));
}

TEST(Await, MoveOnlyResultsMoveOut) {
  Report report;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_move_only(executor, gate.path(), report);
  gate.open();
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  EXPECT_EQ("4 5", report.text);
}

Detached await_text(Future<std::string> future, Report& report) {
  const std::string copy = co_await future;
  const std::string still = future.result();
  const std::string moved = co_await std::move(future);
  report.end(copy == still && still == moved ? copy : "they differ");
}

TEST(Await, NamedFutureKeepsItsResultTemporaryOneGivesItAway) {
  Report report;
  ProcessPoolExecutor executor(1);
  await_text(executor.submit([] { return std::string(100, 'x'); }), report);
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  EXPECT_EQ(std::string(100, 'x'), report.text);
}

Detached await_one_after_the_other(ProcessPoolExecutor& executor, int times, Report& report) {
  long sum = 0;
  for (int i = 0; i < times; ++i) sum += co_await executor.submit(square, i);
  report.end(std::to_string(sum));
}

TEST(Await, ManyOneAfterTheOther) {
  Report report;
  ProcessPoolExecutor executor(2);
  await_one_after_the_other(executor, 1000, report);
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  EXPECT_EQ("332833500", report.text);
}

TEST(Await, ManyCoroutinesAtTheSameTime) {
  std::deque<Report> reports(50);
  ProcessPoolExecutor executor(2);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 5; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 10; ++i) await_one_after_the_other(executor, 10, reports[t * 10 + i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (Report& report : reports) {
    ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
    EXPECT_EQ("285", report.text);
  }
}

TEST(Await, SeveralCoroutinesAwaitTheSameFuture) {
  std::deque<Report> reports(20);
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    const auto future = executor.submit(behind, gate.path(), 7);
    for (Report& report : reports) await_named(future, report);
    gate.open();
  }
  for (Report& report : reports) EXPECT_EQ("7 7 7", report.text);
}

// ---- via ----

// Runs what is posted in the thread that asks.
class Loop {
 public:
  void post(std::function<void()> what) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(what));
  }
  // False when there was nothing.
  bool run_one() {
    std::function<void()> next;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) return false;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
};

Detached await_via(Future<int> future, Loop& loop, Report& report) {
  const auto post = [&loop](std::function<void()> resume) { loop.post(std::move(resume)); };
  try {
    const int value = co_await future.via(post);
    report.end("value " + std::to_string(value));
  } catch (const std::out_of_range& error) {
    report.end(error.what());
  }
}

TEST(Via, GoesOnWherePostRunsIt) {
  Report good;
  Report bad;
  Loop loop;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_via(executor.submit(behind, gate.path(), 7), loop, good);
  await_via(executor.submit(fail_behind, gate.path()), loop, bad);
  EXPECT_FALSE(loop.run_one());
  gate.open();
  EXPECT_TRUE(eventually([&] { return loop.run_one(); }));
  EXPECT_TRUE(good.ended);
  EXPECT_FALSE(bad.ended);
  EXPECT_TRUE(eventually([&] { return loop.run_one(); }));
  EXPECT_EQ("value 7", good.text);
  EXPECT_EQ("too far", bad.text);
  EXPECT_EQ(std::this_thread::get_id(), good.thread);
  EXPECT_EQ(std::this_thread::get_id(), bad.thread);
}

Detached await_move_only_via(ProcessPoolExecutor& executor, std::string gate, Loop& loop, Report& report) {
  const Future<std::unique_ptr<int>> named = executor.submit(
      [](const std::string& path, int x) {
        pass(path);
        return std::make_unique<int>(x);
      },
      gate, 4);
  const auto post = [&loop](std::function<void()> resume) { loop.post(std::move(resume)); };
  const std::unique_ptr<int> first = co_await named.via(post);
  const std::string second = co_await executor
                                 .submit(
                                     [](const std::string& path) {
                                       pass(path);
                                       return std::string("five");
                                     },
                                     gate)
                                 .via(post);
  co_await executor.submit(pass, gate).via(post);
  report.end(std::to_string(*first) + " " + second);
}

TEST(Via, GivesWhatAwaitGives) {
  Report report;
  Loop loop;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_move_only_via(executor, gate.path(), loop, report);
  gate.open();
  ASSERT_TRUE(eventually([&] {
    loop.run_one();
    return report.ended.load();
  }));
  EXPECT_EQ("4 five", report.text);
}

Detached await_blocking(Future<int> first, std::vector<std::thread>& threads, ProcessPoolExecutor& executor,
                        Report& report) {
  const int one =
      co_await first.via([&threads](std::function<void()> resume) { threads.emplace_back(std::move(resume)); });
  // It may block here: the callback thread is free.
  const int two = executor.submit(square, one).result();
  report.end(std::to_string(two));
}

TEST(Via, AThreadOfItsOwn) {
  Report report;
  std::vector<std::thread> threads;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_blocking(executor.submit(behind, gate.path(), 6), threads, executor, report);
  gate.open();
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  executor.shutdown();  // the callback that fills `threads` has ended
  ASSERT_EQ(1U, threads.size());
  EXPECT_EQ(threads[0].get_id(), report.thread);
  threads[0].join();
  EXPECT_EQ("36", report.text);
}

}  // namespace
}  // namespace brigade
